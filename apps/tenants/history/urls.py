"""The log that everybody has. A workspace's own is in `tenant_urls`."""

from django.urls import path

from apps.tenants.history import views

app_name = "audit"
urlpatterns = [
    path("audit", views.log, name="list"),
    path("audit/<str:event_id>", views.entry, name="detail"),
]
