"""The product's addresses and the sample app's."""

from portal.urls import urlpatterns as portal_urlpatterns

urlpatterns = [*portal_urlpatterns]
