"""What endpoints have in common that work in a workspace: which one it is, and its wall."""

from contextlib import AbstractContextManager
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.core.api.views import ApiView
from apps.core.errors import NotFound
from apps.core.walls import walled
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.problems import ChooseTenant, TenantSuspended
from apps.tenants.selectors import memberships_of

HEADER = "Imp-Tenant"


class TenantApi(ApiView):
    """The workspace is the token's, or the one that the header names, or the only one that somebody is in."""

    header_parameters = (
        {
            "in": "header",
            "name": HEADER,
            "schema": {"type": "string", "pattern": "^[!-~]*$"},
            "description": "The workspace's id or address. Needed by somebody in several, unless the token is for one.",
        },
    )
    refusals = frozenset({400, 404})
    _member: Member | None = None

    @property
    def actor(self) -> Member:
        assert self._member is not None, "Nobody has come in yet."
        return self._member

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._member = self._find_member(request)

    def needed_scope(self) -> str:
        """The services ask, as they know the permission."""
        return ""

    def surroundings(self) -> AbstractContextManager[None]:
        return walled(self.actor.tenant.pk)

    def _find_member(self, request: Request) -> Member | None:
        """None where an endpoint is about no workspace in particular."""
        named, of_token = request.headers.get(HEADER, ""), tenant_of_token(request)
        membership = _choose(memberships_of(request.user), named=named, of_token=of_token)
        if membership.tenant.is_suspended:
            raise TenantSuspended(membership.tenant.suspended_because)
        return Member.of(membership, scopes=scopes_of(request))


def scopes_of(request: Request) -> frozenset[str] | None:
    """Of the token that asks; None for a session, which may all that its person may."""
    token: Any = request.auth
    return None if token is None else frozenset(token.scopes)


def tenant_of_token(request: Request) -> str:
    """The only workspace that the token which asks works in; empty for every one, and for a session."""
    return getattr(request.auth, "tenant_id", "") or ""


def _choose(memberships: list[Membership], *, named: str, of_token: str) -> Membership:
    if of_token:
        memberships = [each for each in memberships if each.tenant_id == of_token]
    if named:
        memberships = [each for each in memberships if named in (each.tenant_id, each.tenant.slug)]
    if not memberships:
        raise NotFound(_("You are in no such workspace."))
    if len(memberships) > 1:
        raise ChooseTenant(tenants=sorted(each.tenant.slug for each in memberships))
    return memberships[0]
