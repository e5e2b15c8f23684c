"""What those who run the platform do about gateways. The pages of a workspace's own gateways are in `urls`."""

from django.urls import path

from apps.gateways.views.stuck import StuckGateway, StuckList

app_name = "stuck"
urlpatterns = [
    path("fleet/stuck", StuckList.as_view(), name="list"),
    path("fleet/stuck/<str:gateway_id>", StuckGateway.as_view(), name="gateway"),
]
