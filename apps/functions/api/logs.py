from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from apps.core.errors import NotFound
from apps.functions.api.addresses import PATH_PARAMETERS
from apps.functions.api.functions import named
from apps.functions.selectors import list_functions
from apps.logs.api import OTHERS, LogViewSet


class FunctionLogViewSet(LogViewSet):
    """What one function writes in its stage, the newest first."""

    tag, singular, plural = "function-logs", "a line of a log", "the lines of a function's log"
    path_parameters = PATH_PARAMETERS

    def query_parameters(self) -> frozenset[str]:
        return super().query_parameters() - {"stage", "function"}

    @extend_schema(parameters=list(OTHERS))
    def list(self, request: Request, **names: str) -> HttpResponse:
        function = named(list_functions(actor=self.actor, gateway=self.gateway), names["function"]).first()
        if function is None:
            raise NotFound
        return self.list_lines(request, stage=function.stage, function=function.base_name)
