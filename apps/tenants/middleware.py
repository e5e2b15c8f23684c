"""Addresses below /t/{workspace}/: who acts there, inside the wall of that tenant's rows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import SimpleLazyObject

from apps.core import clock
from apps.core.afterwards import finished
from apps.core.errors import NotFound
from apps.core.walls import walled
from apps.core.web import addresses
from apps.core.web.errors import foreseen, respond
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.problems import TenantSuspended
from apps.tenants.requests import TenantRequest, is_viewing_as
from apps.tenants.selectors import memberships_of

ROUTE = "t/<slug:tenant>/"
# "Last seen" is no more exact than this, so that reading a page rarely writes
SEEN_AGAIN_AFTER = timedelta(minutes=1)


class TenantMiddleware:
    """Stands inside of ProblemMiddleware. Every page gets `request.memberships`, a tenant's also `request.member`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponseBase:
        request.member = None
        request.memberships = SimpleLazyObject(lambda: memberships_of(request.user))
        with addresses.nowhere():
            return self.get_response(request)

    def process_view(
        self, request: TenantRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        assert request.resolver_match is not None
        if not request.resolver_match.route.startswith(ROUTE):
            return None
        slug = kwargs.pop("tenant")
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        # Views are called here and not by Django, whose own way from an exception to an answer is inside its call
        try:
            membership = _find(request, slug)
            addresses.enter(slug)
            request.member = Member.of(membership)
            if membership.tenant.is_suspended:
                raise TenantSuspended(membership.tenant.suspended_because)
            if not is_viewing_as(request):
                _note_visit(membership, is_switch=membership is not request.memberships[0])
            with walled(membership.tenant.pk):
                response = view(request, *args, **kwargs)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
            response = finished(response)
        except Exception as error:
            problem = foreseen(error)
            if problem is None:
                raise
            return respond(request, problem)
        return response


def _find(request: TenantRequest, slug: str) -> Membership:
    membership: Membership
    for membership in request.memberships:
        if membership.tenant.slug == slug:
            return membership
    raise NotFound


def _note_visit(membership: Membership, *, is_switch: bool) -> None:
    """At once after a switch: where somebody was last is where their console opens."""
    now = clock.now()
    if is_switch or membership.last_seen_at is None or now - membership.last_seen_at > SEEN_AGAIN_AFTER:
        Membership.objects.filter(pk=membership.pk).update(last_seen_at=now)
