from django.urls import path

from apps.tenants.view_as import views

app_name = "view_as"
urlpatterns = [path("view-as/end", views.end, name="end")]
