from apps.core.api.routing import routes
from apps.functions.api.addresses import FUNCTION, ID
from apps.functions.api.functions import DeletedFunctionViewSet, FunctionViewSet
from apps.functions.api.history import HistoryViewSet

OF_GATEWAY = f"api-gateways/(?P<gateway_id>{ID})"
urlpatterns = [
    *routes(f"{OF_GATEWAY}/deleted-functions", DeletedFunctionViewSet, name="deleted-functions"),
    *routes(f"{OF_GATEWAY}/functions/(?P<function>{FUNCTION})/history", HistoryViewSet, name="function-history"),
    *routes(f"{OF_GATEWAY}/functions", FunctionViewSet, name="functions"),
]
