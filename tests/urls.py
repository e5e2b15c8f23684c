"""The product's addresses and the sample app's."""

from django.urls import include, path

from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401
from portal.urls import urlpatterns as portal_urlpatterns

urlpatterns = [path("", include("tests.sample.urls")), *portal_urlpatterns]
