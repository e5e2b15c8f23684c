"""What the pages of a workspace share."""

from typing import Any, ClassVar

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.core.errors import NotFound, Text
from apps.core.web.addresses import address
from apps.tenants.member import Member
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.requests import member_of
from apps.tenants.selectors import list_invitations, list_members


class InWorkspace:
    """For a view below /t/: who acts there. Its forms lead back to the members."""

    request: HttpRequest
    kwargs: dict[str, Any]
    back_label: ClassVar[Text] = _("Members and roles")

    @property
    def actor(self) -> Member:
        return member_of(self.request)

    def get_back_url(self) -> str:
        return address("members:list")


class AboutMember(InWorkspace):
    """For a view of one member, who is in the address."""

    _membership: Membership | None = None

    @property
    def membership(self) -> Membership:
        if self._membership is None:
            self._membership = get_membership(self.actor, self.kwargs["membership_id"])
        return self._membership


class AboutInvitation(InWorkspace):
    _invitation: Invitation | None = None

    @property
    def invitation(self) -> Invitation:
        if self._invitation is None:
            found = list_invitations(actor=self.actor).filter(pk=self.kwargs["invitation_id"]).first()
            if found is None:
                raise NotFound
            self._invitation = found
        return self._invitation


def get_membership(actor: Member, membership_id: str) -> Membership:
    found = list_members(actor=actor).select_related("tenant").filter(pk=membership_id).first()
    if found is None:
        raise NotFound
    return found


def home_of(tenant: Tenant) -> str:
    """Its overview, also for somebody whose page isn't in it."""
    return address("workspace:overview", within=tenant.slug)
