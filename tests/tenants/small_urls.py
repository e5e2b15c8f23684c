"""A workspace with small pages and endpoints of its own, for what they all have in common."""

from typing import Any

from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import include, path

from apps.core.api.views import answer
from apps.core.errors import Conflict
from apps.core.walls import current_wall
from apps.core.web import exports
from apps.core.web.addresses import address
from apps.tenants.api_base import TenantApi
from apps.tenants.middleware import ROUTE
from apps.tenants.models import Membership
from apps.tenants.requests import member_of
from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401
from portal.urls import urlpatterns as portal_urlpatterns


def here(request: HttpRequest) -> HttpResponse:
    links = engines["django"].from_string(
        "{% url 'small:here' %} {% url 'overview' %}{% url 'small:nothing' as no %}{{ no }}"
    )
    actor = member_of(request)
    return HttpResponse(f"{actor.role} {current_wall()} {links.render({}, request)} {address('small:one', pk='x')}")


def one(request: HttpRequest, pk: str) -> HttpResponse:
    return HttpResponse(pk)


def rename_and(request: HttpRequest, then: str) -> HttpResponse:
    """Changes something, and then goes one of the ways on which nothing may be left of it."""
    tenant = member_of(request).tenant
    tenant.name = "Renamed"
    tenant.save()
    match then:
        case "refuse":
            return HttpResponse(status=422)
        case "raise":
            raise Conflict("It clashes.")
        case "break":
            with transaction.atomic():
                Membership.objects.create(tenant=tenant, person=member_of(request).person, role="viewer")
        case "swallow":
            try:
                Membership.objects.create(tenant=tenant, person=member_of(request).person, role="viewer")
            except IntegrityError:
                return HttpResponse(status=409)
        case "fail":
            raise ZeroDivisionError
    return HttpResponse("done")


class Column:
    name = "tenant"

    def export(self, row: Any) -> Any:
        return row.tenant_id


def everything(request: HttpRequest) -> Any:
    """Forgets whose rows it is asked for."""
    response = exports.stream(Membership.objects.order_by("pk"), [Column()], kind="jsonl", name="all")
    assert isinstance(response, StreamingHttpResponse)
    return response


class Where(TenantApi):
    tag = "where"
    schema = None

    def get(self, request: Any) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            (role,) = cursor.fetchone()
        return answer({"tenant": self.actor.tenant_id, "role": role, "seen": Membership.objects.count()})

    post = get


small = (
    [
        path("small", here, name="here"),
        path("small/all", everything),
        path("small/one/<str:pk>", one, name="one"),
        path("small/rename-and-<str:then>", rename_and),
    ],
    "small",
)
urlpatterns = [
    path(ROUTE, include(small)),
    path("v1/where", Where.as_view()),
    *portal_urlpatterns,
]
