"""Addresses that go wrong on purpose, beside the product's."""

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotSignedIn, StaleVersion, TooManyRequests
from tests.urls import handler400, handler403, handler404, handler500  # noqa: F401
from tests.urls import urlpatterns as product_urlpatterns
from tests.web import views

PROBLEMS: dict[str, Any] = {
    "not-allowed": lambda: NotAllowed(
        "Releasing to prod needs another role.", roles=["gateway-owner", "admin"], own_role="api-developer"
    ),
    "forbidden": PermissionDenied,
    "missing": Http404,
    "suspicious": lambda: SuspiciousOperation("odd"),
    "conflict": lambda: Conflict("Mateus de Albuquerque saved v212 while you edited v211."),
    "stale-version": StaleVersion,
    "invalid-input": lambda: InvalidInput(fields={"name": ["Write at least one character."]}),
    "too-many-requests": lambda: TooManyRequests(headers={"Retry-After": "38"}),
    "not-signed-in": NotSignedIn,
    "database-away": lambda: OperationalError("connection refused"),
    "mistake": lambda: RuntimeError("unforeseen"),
}


def go_wrong(request: HttpRequest, name: str) -> HttpResponse:
    raise PROBLEMS[name]()


@require_POST
def only_post(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


def broken_database(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    return HttpResponse("never")


urlpatterns = [
    path("board", views.Board.as_view(), name="board"),
    path("board/<str:pk>", views.Edit.as_view(), name="edit-note"),
    path("board/<str:pk>/delete", views.Delete.as_view(), name="delete-note"),
    path("wrong/<str:name>", go_wrong),
    path("only-post", only_post),
    path("broken-database", broken_database),
    *product_urlpatterns,
]
