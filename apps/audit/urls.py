from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("audit", views.AuditList.as_view(), name="list"),
    path("audit/<str:event_id>", views.detail, name="detail"),
]
