from django.urls import path

from apps.core.web.components import views

urlpatterns = [
    path("components", views.components, name="components"),
    path("components/form", views.ExampleForm.as_view(), name="components_form"),
    path("components/dialog", views.StopGateway.as_view(), name="components_dialog"),
    path("components/sheet", views.compare, name="components_sheet"),
    path("components/key", views.new_key, name="components_key"),
    path("components/slow", views.slow, name="components_slow"),
    path("components/toast/<slug:tone>", views.show_toast, name="components_toast"),
    path("components/failure", views.fail, name="components_failure"),
    path("components/rows", views.rows, name="components_rows"),
]
