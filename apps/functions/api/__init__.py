from django.urls import re_path

from apps.core.api.routing import routes
from apps.functions.api.addresses import FUNCTION
from apps.functions.api.functions import DeletedFunctionViewSet, FunctionViewSet
from apps.functions.api.history import HistoryViewSet
from apps.functions.api.logs import FunctionLogViewSet
from apps.gateways.api.below import OF_ONE

_functions = routes(f"{OF_ONE}/functions", FunctionViewSet, name="functions")
# Last, as every other address begins like one of a function
_functions.sort(key=lambda pattern: getattr(pattern, "name", "") == "functions-detail")
urlpatterns = [
    *routes(f"{OF_ONE}/deleted-functions", DeletedFunctionViewSet, name="deleted-functions"),
    *routes(f"{OF_ONE}/functions/(?P<function>{FUNCTION})/history", HistoryViewSet, name="function-history"),
    re_path(
        f"^{OF_ONE}/functions/(?P<function>{FUNCTION})/logs$",
        FunctionLogViewSet.as_view({"get": "list"}),
        name="function-logs",
    ),
    *_functions,
]
