"""The product's addresses and the one that is written to."""

from django.urls import path

from portal.urls import handler400, handler403, handler404, handler500
from portal.urls import urlpatterns as portal_urlpatterns
from tests.chaos.views import save, unsave, wish, write

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("chaos/write/<int:number>", write),
    path("chaos/save/<str:gateway>/<path:name>", save),
    path("chaos/unsave/<str:gateway>/<path:name>", unsave),
    path("chaos/gateway/<str:name>/<str:verb>", wish),
    *portal_urlpatterns,
]
