"""Addresses of view sets: /notes, /notes/{id}, /notes/{id}/archive. No slash at the end."""

from django.urls import URLPattern, URLResolver
from rest_framework.routers import SimpleRouter

from apps.core.api.viewsets import ApiViewSet


class ApiRouter(SimpleRouter):
    def __init__(self) -> None:
        super().__init__(trailing_slash=False)


def routes(collection: str, view_set: type[ApiViewSet], *, name: str) -> list[URLPattern | URLResolver]:
    """URL patterns of one view set, for an app's `api.py`."""
    router = ApiRouter()
    router.register(collection, view_set, basename=name)
    return router.urls
