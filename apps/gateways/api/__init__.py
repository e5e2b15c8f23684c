from apps.core.api.routing import routes
from apps.gateways.api.gateways import GatewayViewSet
from apps.gateways.api.timeline import TimelineViewSet

OF_ONE = f"api-gateways/(?P<gateway_id>{GatewayViewSet.lookup_value_regex})"
urlpatterns = [
    *routes("api-gateways", GatewayViewSet, name="api-gateways"),
    *routes(f"{OF_ONE}/timeline", TimelineViewSet, name="api-gateway-timeline"),
]
