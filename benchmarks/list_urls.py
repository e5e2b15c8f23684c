"""The product's addresses, and the baseline's statement behind the same middleware and sign-in."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.core.api.views import ApiView
from benchmarks.list_baseline import page
from portal.urls import urlpatterns as product_urlpatterns


class JsonAggView(ApiView):
    def query_parameters(self) -> frozenset[str]:
        return frozenset({"at", "id"})

    def get(self, request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            text = page(cursor, request.META["QUERY_STRING"])
        return HttpResponse(text, content_type="application/json")


urlpatterns = [path("v1/json-agg", JsonAggView.as_view()), *product_urlpatterns]
