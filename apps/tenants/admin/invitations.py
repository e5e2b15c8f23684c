from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.web.admin import Labelled, OperatorsAdmin
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Invitation, InvitationQuerySet

COLOURS = {"waiting": "info", "accepted": "success", "revoked": "danger", "ended": "warning"}


class PhaseFilter(admin.SimpleListFilter):
    title = _("Phase")
    parameter_name = "phase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Invitation.Phase.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> InvitationQuerySet:
        phase = self.value()
        found: InvitationQuerySet = queryset.in_phase(phase) if phase in Invitation.Phase.values else queryset
        return found


@admin.register(Invitation)
class InvitationAdmin(OperatorsAdmin):
    """Its link is known to nobody but the mail. What can be done is to send a new one, or to end it."""

    list_display = ["email", "tenant", "role", "phase", "invited_by", "sent_at", "expires_at"]
    list_filter = [PhaseFilter, "role", "tenant__kind"]
    list_select_related = ["tenant", "invited_by"]
    search_fields = ["email", "tenant__name", "tenant__slug", "invited_by__email"]
    search_help_text = _("Address, workspace or who invited")
    ordering = ["-created_at", "-id"]
    list_per_page = 50
    actions = ["resend", "revoke"]
    fields = [
        "email",
        "tenant",
        "role",
        "phase_in_words",
        "invited_by",
        "created_at",
        "sent_at",
        "expires_at",
        "accepted_at",
        "accepted_by",
        "revoked_at",
    ]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "tenant__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description=_("Phase"), label=COLOURS)
    def phase(self, invitation: Invitation) -> Labelled:
        return Labelled(invitation.phase, Invitation.Phase(invitation.phase).label)

    @admin.display(description=_("Phase"))
    def phase_in_words(self, invitation: Invitation) -> Any:
        return self.phase(invitation)[1]

    @admin.action(description=_("Send again, with a new link"), permissions=["change"])
    def resend(self, request: HttpRequest, rows: "QuerySet[Invitation]") -> None:
        self.run_for_each(request, rows, _as_member(services.resend_invitation), "invitation", _("%(count)d sent."))

    @admin.action(description=_("Revoke: the link ends"), permissions=["change"])
    def revoke(self, request: HttpRequest, rows: "QuerySet[Invitation]") -> None:
        self.run_for_each(request, rows, _as_member(services.revoke_invitation), "invitation", _("%(count)d revoked."))


def _as_member(service: Any) -> Any:
    def run(*, actor: Any, invitation: Invitation) -> None:
        service(actor=Member.of_operator(actor, invitation.tenant), invitation=invitation)

    return run
