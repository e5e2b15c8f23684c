"""The pages of logs, below /t/{workspace}/."""

from django.urls import path

from apps.logs.views import card, page

app_name = "logs"
urlpatterns = [
    path("logs", page.Choose.as_view(), name="list"),
    path("gateways/<str:gateway_id>/logs", page.Log.as_view(), name="log"),
    path("gateways/<str:gateway_id>/logs/warned", card.Warned.as_view(), name="warned"),
    path("gateways/<str:gateway_id>/logs/download", page.Download.as_view(), name="download"),
    path("gateways/<str:gateway_id>/logs/retention", page.Retention.as_view(), name="retention"),
]
