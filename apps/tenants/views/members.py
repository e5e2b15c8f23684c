"""Who is in a workspace: the list, and what is done with one of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import CharField, Count, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.core import clock
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.core.web.lists import BulkAction, Column, Listing, ListPage
from apps.tenants.filters import SECOND_FACTOR, MemberFilter
from apps.tenants.forms import ChangeRoleForm, InviteForm
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.requests import member_of
from apps.tenants.roles import Kind, Role
from apps.tenants.roles_table import reach_of, table_of
from apps.tenants.selectors import list_members
from apps.tenants.services import change_role, hand_over_ownership, invite_people, leave_tenant, remove_member
from apps.tenants.views.base import AboutMember, InWorkspace
from apps.tenants.views.invitations import pending_context

# So long a row that somebody just changed is lit up
FRESH_FOR = timedelta(seconds=5)
SHOWN_NAME = Lower(Coalesce(NullIf("person__name", Value("")), "person__email"), output_field=CharField())


def _second_factor(row: Any) -> str:
    """on, off, or sso where the provider sees to it."""
    if row.has_second_factor:
        return "on"
    return "sso" if row.given_by == Membership.GivenBy.SSO else "off"


def _writes_to(row: Membership) -> str:
    reach = reach_of(row.role, row.tenant.kind)
    return ", ".join(reach.stages or [str(part) for part in reach.parts])


def _remove(*, actor: Member, target: Membership) -> None:
    remove_member(actor=actor, membership=target)


class MemberList(InWorkspace, ListPage):
    template_name = "tenants/members.html"
    filterset_class = MemberFilter
    shown_filters: Sequence[str] = ("role", "second_factor")
    order = "shown_name"
    export_name = "members"
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("person", gettext_lazy("Person"), value=lambda row: str(row.person), sort="shown_name"),
        Column("email", gettext_lazy("E-mail"), value="person.email", on_page=False),
        Column("role", gettext_lazy("Role")),
        Column("writes_to", gettext_lazy("Writes to"), value=_writes_to),
        Column("second_factor", gettext_lazy("Second factor"), value=_second_factor),
        Column("given_by", gettext_lazy("Role given by"), on_page=False),
        Column("last_seen_at", gettext_lazy("Last seen"), sort="last_seen_at"),
        Column("created_at", gettext_lazy("Member since"), on_page=False),
    )

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.actor.may("members.manage"):
            self.bulk_actions = (BulkAction("remove", gettext_lazy("Remove from the workspace"), _remove, True),)
        else:
            # Whose sign-in is weak is for those to know who can do something about it
            self.columns = tuple(column for column in self.columns if column.name != "second_factor")
            self.shown_filters = ("role",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The invitations below the list refresh by themselves."""
        if htmx.target(request) == "invitations":
            return htmx.fresh(request, "tenants/members.html#invitations", pending_context(self.actor))
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> "QuerySet[Membership]":
        rows = list_members(actor=self.actor).select_related("tenant")
        return rows.annotate(shown_name=SHOWN_NAME, has_second_factor=SECOND_FACTOR)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        manages = self.actor.may("members.manage")
        counts = _counts(self.actor, with_factors=manages)
        context = {
            **super().get_context(listing),
            **counts,
            "tab": "members",
            "member": self.actor,
            "may_manage": manages,
            "may_hand_over": self.actor.may("workspace.hand_over"),
            "log_url": address("history:list") if self.actor.may("audit.read") else "",
        }
        for row in listing.rows:
            _prepare(row, actor=self.actor, owners=counts["owners"])
        if manages and not htmx.is_partial(self.request):
            context |= pending_context(self.actor)
        return context


def _prepare(row: Any, *, actor: Member, owners: int) -> None:
    """Puts on a row what its template shows beside the columns."""
    row.reach = reach_of(row.role, actor.tenant.kind)
    row.second_factor = _second_factor(row)
    row.is_fresh = clock.now() - row.updated_at < FRESH_FOR
    row.has_menu = row.person_id == actor.pk or actor.may("members.manage") or actor.may("audit.read")
    row.refusal = ""
    if row.role == Role.OWNER and actor.may("workspace.hand_over"):
        row.refusal = _("You're the last owner. Make someone else an owner first.") if owners == 1 else ""
    elif row.role == Role.OWNER and actor.may("members.manage"):
        row.refusal = _("An owner is changed by an owner.")


def _counts(actor: Member, *, with_factors: bool) -> dict[str, Any]:
    """One query for all that the page says about everybody."""
    no_factor = Q(person__is_active=True) & ~Q(given_by=Membership.GivenBy.SSO) & Q(SECOND_FACTOR, _negated=True)
    asked: dict[str, Any] = {"count": Count("pk"), "owners": Count("pk", filter=Q(role=Role.OWNER))}
    if with_factors:
        asked["unprotected"] = Count("pk", filter=no_factor)
    return list_members(actor=actor).aggregate(**asked)


@require_safe
def roles(request: HttpRequest) -> HttpResponse:
    """The table that the code asks, and nothing else."""
    actor = member_of(request)
    kind = actor.tenant.kind
    context = {
        "tab": "roles",
        "kind": kind,
        "may_manage": actor.may("members.manage"),
        "count": list_members(actor=actor).count(),
        "own": table_of(kind, own_role=actor.role),
        "customers": table_of(Kind.CUSTOMER) if kind == Kind.PROVIDER else None,
        "platform": table_of(""),
    }
    return htmx.vary(render(request, "tenants/roles.html", context))


class Invite(InWorkspace, FormView):
    template_name = "tenants/invite.html"
    lead = gettext_lazy("They get a link by e-mail. It works once and ends after a week.")
    submit_label = gettext_lazy("Send invitations")

    def get_form(self, data: Any = None, files: Any = None) -> InviteForm:
        self.actor.require("members.manage")
        return InviteForm(data, actor=self.actor)

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Invite people to %(workspace)s") % {"workspace": self.actor.tenant}}

    def save(self, form: Any) -> Done:
        sent = invite_people(actor=self.actor, **form.cleaned_data)
        title = ngettext("%(count)d invitation sent", "%(count)d invitations sent", len(sent)) % {"count": len(sent)}
        return Done(title, url=address("members:list"), events={"invitations": {}})


class ChangeRole(AboutMember, FormView):
    template_name = "tenants/change_role.html"
    submit_label = gettext_lazy("Change the role")

    def get_form(self, data: Any = None, files: Any = None) -> ChangeRoleForm:
        self.actor.require("members.manage", row=self.membership)
        if self.membership.role == Role.OWNER:
            self.actor.require("workspace.hand_over")
        now = {"role": self.membership.role, "version": self.membership.version}
        return ChangeRoleForm(data, actor=self.actor, initial=now)

    def get_context(self) -> dict[str, Any]:
        title = _("Change the role of %(person)s") % {"person": self.membership.person}
        lead = _("Now %(role)s. It counts from their next click on.") % {"role": self.membership.role}
        return {"title": title, "lead": lead, "is_sso": self.membership.given_by == Membership.GivenBy.SSO}

    def save(self, form: Any) -> Done:
        self.membership.version = form.cleaned_data["version"]
        row = change_role(actor=self.actor, membership=self.membership, role=form.cleaned_data["role"])
        return Done(_("%(person)s is %(role)s now") % {"person": row.person, "role": row.role}, events={"members": {}})


class Remove(AboutMember, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        names = {"person": self.membership.person, "workspace": self.actor.tenant}
        title, label = _("Remove %(person)s from %(workspace)s?"), _("Remove %(person)s")
        return {**super().get_context(), "title": title % names, "submit_label": label % names}

    def get_touches(self) -> list[Touch]:
        self.actor.require("members.manage", row=self.membership)
        return [
            Touch(_("Person"), f"{self.membership.person}, {self.membership.person.email}"),
            Touch(_("Role"), self.membership.role, is_code=True),
            Touch(_("At once"), _("They can't open this workspace any more, and their tokens for it end.")),
            Touch(_("Stays"), _("Their account, and everything they made here.")),
        ]

    def run(self) -> Done:
        person = self.membership.person
        remove_member(actor=self.actor, membership=self.membership)
        return Done(_("%(person)s was removed") % {"person": person}, events={"members": {}})


class HandOver(NeedsConfirmation, AboutMember, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        names = {"person": self.membership.person, "workspace": self.actor.tenant}
        title, label = _("Hand %(workspace)s over to %(person)s?"), _("Hand over to %(person)s")
        return {**super().get_context(), "title": title % names, "submit_label": label % names}

    def get_touches(self) -> list[Touch]:
        self.actor.require("workspace.hand_over", row=self.membership)
        return [
            Touch(_("New owner"), f"{self.membership.person}, {self.membership.person.email}"),
            Touch(_("You"), _("You become an admin. Only an owner can give the workspace back to you.")),
            Touch(_("They may then"), _("Delete the workspace, and make and change owners. They're told by e-mail.")),
        ]

    def run(self) -> Done:
        row = hand_over_ownership(actor=self.actor, membership=self.membership)
        return Done(_("%(person)s owns the workspace now") % {"person": row.person}, events={"members": {}})


class Leave(InWorkspace, ConfirmView):
    leads_on = True

    def get_context(self) -> dict[str, Any]:
        names = {"workspace": self.actor.tenant}
        title, label = _("Leave %(workspace)s?"), _("Leave %(workspace)s")
        return {**super().get_context(), "title": title % names, "submit_label": label % names}

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("Your role"), self.actor.role, is_code=True),
            Touch(_("At once"), _("You can't open this workspace any more, and your tokens for it end.")),
            Touch(_("Way back"), _("Somebody there has to invite you again.")),
        ]

    def run(self) -> Done:
        leave_tenant(actor=self.actor)
        return Done(_("You left %(workspace)s") % {"workspace": self.actor.tenant}, url="/")
