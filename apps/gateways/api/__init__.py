from apps.core.api.routing import routes
from apps.gateways.api.below import OF_ONE
from apps.gateways.api.gateways import GatewayViewSet
from apps.gateways.api.timeline import TimelineViewSet

urlpatterns = [
    *routes("api-gateways", GatewayViewSet, name="api-gateways"),
    *routes(f"{OF_ONE}/timeline", TimelineViewSet, name="api-gateway-timeline"),
]
