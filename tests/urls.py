"""The product's addresses and the sample app's."""

from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401
from portal.urls import urlpatterns as portal_urlpatterns

urlpatterns = [*portal_urlpatterns]
