"""Who was invited and hasn't answered yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views import View

from apps.core.mail.models import OutgoingMail
from apps.core.mail.selectors import mails_by_id
from apps.core.web import htmx
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.core.web.lists import BulkAction, Column, Listing, ListPage
from apps.tenants.filters import InvitationFilter
from apps.tenants.forms import AddressForm
from apps.tenants.member import Member
from apps.tenants.models import Invitation
from apps.tenants.selectors import list_invitations, list_members
from apps.tenants.services import change_invitation_address, resend_invitation, revoke_invitation
from apps.tenants.views.base import AboutInvitation, InWorkspace

# Below the list of members stand the newest; the others have a list of their own
MOST_ON_MEMBERS = 10


@dataclass(frozen=True)
class Sent:
    """How far the mail of an invitation has come."""

    text: str
    tone: str
    reason: str = ""
    has_failed: bool = False
    is_waiting: bool = False


def _sent(invitation: Invitation, mail: OutgoingMail | None) -> Sent:
    if not invitation.is_open:
        return Sent(pgettext("invitation", "ended"), "warn")
    if mail is None:
        # Swept after some weeks, long after the link's end
        return Sent(_("sent"), "idle")
    if mail.state == OutgoingMail.State.FAILED:
        return Sent(_("not delivered"), "bad", mail.reason, has_failed=True)
    if mail.state == OutgoingMail.State.QUEUED:
        return Sent(_("on its way"), "busy", mail.reason, is_waiting=True)
    return Sent(_("sent"), "idle")


def follow_mails(rows: Sequence[Any]) -> bool:
    """Puts on each row how far its mail is, and says whether one is still on its way. One query."""
    mails = mails_by_id(row.mail_id for row in rows)
    for row in rows:
        row.sent = _sent(row, mails.get(row.mail_id))
    return any(row.sent.is_waiting for row in rows)


def pending_context(actor: Member) -> dict[str, Any]:
    actor.require("members.manage")
    rows = list(list_invitations(actor=actor).order_by("-sent_at", "-pk")[: MOST_ON_MEMBERS + 1])
    return {
        "member": actor,
        "may_hand_over": actor.may("workspace.hand_over"),
        "mails_wait": follow_mails(rows),
        "invitations": rows[:MOST_ON_MEMBERS],
        "more_invitations": len(rows) > MOST_ON_MEMBERS,
    }


def _send_again(*, actor: Member, target: Invitation) -> None:
    resend_invitation(actor=actor, invitation=target)


def _revoke(*, actor: Member, target: Invitation) -> None:
    revoke_invitation(actor=actor, invitation=target)


class InvitationList(InWorkspace, ListPage):
    template_name = "tenants/invitations.html"
    filterset_class = InvitationFilter
    shown_filters = ("role", "phase")
    order = "-sent_at"
    export_name = "invitations"
    columns = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("email", gettext_lazy("E-mail"), sort="email"),
        Column("role", gettext_lazy("Role")),
        Column("sent_at", gettext_lazy("Sent"), sort="sent_at"),
        Column("invited_by", gettext_lazy("Invited by"), value=lambda row: str(row.invited_by or ""), on_page=False),
        Column("phase", gettext_lazy("Phase")),
        Column("expires_at", gettext_lazy("Ends"), sort="expires_at"),
    )
    bulk_actions = (
        BulkAction("resend", gettext_lazy("Send again"), _send_again),
        BulkAction("revoke", pgettext_lazy("invitation", "Revoke"), _revoke, True),
    )

    def get_queryset(self) -> "QuerySet[Invitation]":
        return list_invitations(actor=self.actor)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        count = list_members(actor=self.actor).count()
        return {
            **super().get_context(listing),
            "tab": "invitations",
            "mails_wait": follow_mails(listing.rows),
            "member": self.actor,
            "may_hand_over": self.actor.may("workspace.hand_over"),
            "may_manage": True,
            "count": count,
        }


class SendAgain(AboutInvitation, View):
    """A button without a question: it does no harm."""

    def post(self, request: HttpRequest, invitation_id: str) -> HttpResponse:
        row = resend_invitation(actor=self.actor, invitation=self.invitation)
        title = _("Sent again to %(email)s") % {"email": row.email}
        if not htmx.is_partial(request):
            htmx.later_toast(request, title=title)
            return htmx.redirect(request, self.get_back_url())
        response = htmx.trigger(HttpResponse(status=204), "invitations")
        return htmx.vary(htmx.toast(response, title=title, text=_("The link before doesn't work any more.")))


class ChangeAddress(AboutInvitation, FormView):
    form_class = AddressForm
    title = gettext_lazy("Change the address")
    submit_label = gettext_lazy("Send to this address")

    def get_initial(self) -> dict[str, Any]:
        return {"email": self.invitation.email}

    def get_context(self) -> dict[str, Any]:
        text = _("The link to %(email)s ends, and a new one goes to the right address.")
        return {"lead": text % {"email": self.invitation.email}}

    def save(self, form: Any) -> Done:
        row = change_invitation_address(actor=self.actor, invitation=self.invitation, email=form.cleaned_data["email"])
        return Done(_("Sent to %(email)s") % {"email": row.email}, events={"invitations": {}})


class Revoke(AboutInvitation, ConfirmView):
    title = gettext_lazy("Revoke the invitation?")
    submit_label = gettext_lazy("Revoke the invitation")

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("E-mail"), self.invitation.email),
            Touch(_("Role"), self.invitation.role, is_code=True),
            Touch(_("At once"), _("The link in the mail doesn't work any more.")),
        ]

    def run(self) -> Done:
        email = self.invitation.email
        revoke_invitation(actor=self.actor, invitation=self.invitation)
        return Done(_("The invitation of %(email)s is revoked") % {"email": email}, events={"invitations": {}})
