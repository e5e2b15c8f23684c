from django.urls import path

from apps.tenants.history import views

app_name = "history"
urlpatterns = [
    path("audit", views.TenantLog.as_view(), name="list"),
    path("audit/<str:event_id>", views.tenant_entry, name="detail"),
]
