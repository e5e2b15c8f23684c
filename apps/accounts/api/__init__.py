"""One's own account and sessions, below /v1/."""

from django.urls import URLPattern, URLResolver, path

from apps.accounts.api.emails import EmailViewSet
from apps.accounts.api.me import MeViewSet
from apps.accounts.api.sessions import SessionViewSet
from apps.core.api.routing import routes

urlpatterns: list[URLPattern | URLResolver] = [
    path("me", MeViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me"),
    path("me/data", MeViewSet.as_view({"get": "data"}), name="me-data"),
    path(
        "me/email",
        EmailViewSet.as_view({"get": "email", "post": "change_email", "delete": "keep_email"}),
        name="me-email",
    ),
    *routes("sessions", SessionViewSet, name="sessions"),
]
