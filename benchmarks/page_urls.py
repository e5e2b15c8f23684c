"""The product's addresses and a bare view."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from portal.urls import urlpatterns as product_urlpatterns


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [path("bare", bare), *product_urlpatterns]
