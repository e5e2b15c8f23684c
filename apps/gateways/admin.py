"""Gateways in the operators' admin: to look at, and the remedies that fit several at once, by their services."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts.requests import person_of
from apps.core.lifecycle.timeline import told_to_operators
from apps.core.web.admin import Labelled, OperatorsAdmin, ReadOnlyAdmin
from apps.core.web.forms import Touch
from apps.gateways.lifecycle.diagnosis import Cure
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import CustomDomain, FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.gateways.services import mending
from apps.tenants.admin.asking import LINK, ReasonForm, ask, bound
from apps.tenants.operators import is_allowed

PHASES = {Phase.STARTED: "success", Phase.DELETED: "warning"}
LIFE = ["phase_at", "checkpoint", "checkpoint_at", "due_at", "attempts", "reason", "gave_up", "leased_until"]
ONLY = "gateway__id__exact"


class ForceForm(ReasonForm):
    phase = forms.ChoiceField(label=_("Phase"), choices=Phase.choices, widget=UnfoldAdminSelectWidget)
    field_order = ("phase", "reason")


class LivingAdmin(OperatorsAdmin):
    """Of rows with a life cycle: only the kernel writes them."""

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("phase"), ordering="phase", label=PHASES)
    def shown_phase(self, row: Any) -> Labelled:
        return Labelled(row.phase, Phase(row.phase).label)

    @display(description=_("has given up"), ordering="has_stopped", label={"yes": "danger"})
    def gave_up(self, row: Any) -> Labelled | None:
        """A word where it has: a cross for "no" would look as if something were wrong."""
        return Labelled("yes", _("given up")) if row.has_stopped else None

    @admin.display(description=_("because"))
    def reason(self, row: Any) -> str:
        return told_to_operators(row.because, row.because_of) or "–"


@admin.register(FunctionGateway)
class FunctionGatewayAdmin(LivingAdmin):
    list_display = ["name", "tenant", "cluster", "state", "shown_phase", "attempts", "due_at", "gave_up"]
    list_filter = [
        "state",
        "phase",
        "has_stopped",
        "layout",
        "size",
        "cluster",
        ("held_at", admin.EmptyFieldListFilter),
    ]
    search_fields = ["name", "title", "id", "tenant__name", "tenant__slug", "cluster__name"]
    search_help_text = _("Name, id, workspace or cluster")
    list_select_related = ["tenant", "cluster"]
    ordering = ["-created_at"]
    actions = ["retry_now", "release_lease", "force_phase"]
    fields = [
        "id",
        "name",
        "title",
        "tenant",
        "cluster",
        "owner",
        "size",
        "layout",
        "state",
        "state_at",
        "state_by",
        "held_at",
        "shown_phase",
        *LIFE,
        "generation",
        "starting_generation",
        "observed_generation",
        "restarts",
        "created_at",
        "links",
    ]

    def has_mend_permission(self, request: HttpRequest) -> bool:
        return is_allowed(person_of(request), "gateways.mend")

    def has_force_permission(self, request: HttpRequest) -> bool:
        return is_allowed(person_of(request), "gateways.force_phase")

    @admin.display(description=_("See also"))
    def links(self, gateway: FunctionGateway) -> str:
        places = [
            (reverse("stuck:gateway", args=[gateway.pk]), _("Why it stands where it does")),
            (f"{reverse('admin:core_lifecycleevent_changelist')}?subject_id={gateway.pk}", _("Timeline")),
            (f"{reverse('admin:gateways_stage_changelist')}?{ONLY}={gateway.pk}", _("Stages")),
            (f"{reverse('admin:fleet_bundle_changelist')}?q={gateway.pk}", _("Bundles")),
        ]
        links = (format_html('<a class="{}" href="{}">{}</a>', LINK, url, text) for url, text in places)
        return format_html("{} · {} · {} · {}", *links)

    @admin.action(description=_("Retry now"), permissions=["mend"])
    def retry_now(self, request: HttpRequest, gateways: "QuerySet[FunctionGateway]") -> None:
        retry = partial(mending.mend_gateway, cure=Cure.RETRY)
        self.run_for_each(request, gateways, retry, "gateway", _("%(count)d are tried again now."))

    @admin.action(description=_("Release the lease"), permissions=["mend"])
    def release_lease(self, request: HttpRequest, gateways: "QuerySet[FunctionGateway]") -> None:
        release = partial(mending.mend_gateway, cure=Cure.RELEASE)
        self.run_for_each(request, gateways, release, "gateway", _("%(count)d are free for another worker."))

    @admin.action(description=_("Force a phase: the last resort"), permissions=["force"])
    def force_phase(self, request: HttpRequest, gateways: "QuerySet[FunctionGateway]") -> HttpResponse | None:
        chosen = list(gateways)

        def run(phase: str, reason: str) -> None:
            force = partial(mending.force_phase, phase=phase, reason=reason)
            self.run_for_each(request, gateways, force, "gateway", _("%(count)d stand there now."))

        names = ", ".join(gateway.name for gateway in chosen)
        return ask(
            self,
            request,
            ForceForm(bound(request)),
            run,
            title=_("Force a phase on %(gateways)s?") % {"gateways": names},
            lead=_("Writes where a gateway stands without a look at what is there. Its steps go on from that phase."),
            submit=_("Force the phase"),
            back=reverse("admin:gateways_functiongateway_changelist"),
            touches=[
                Touch(_("Gateways"), names),
                Touch(_("Phases now"), ", ".join(sorted({str(Phase(each.phase).label) for each in chosen}))),
            ],
            chosen=[gateway.pk for gateway in chosen],
            action="force_phase",
            is_dangerous=True,
        )


@admin.register(RuntimeDomain)
class RuntimeDomainAdmin(LivingAdmin):
    list_display = ["gateway", "tenant", "state", "shown_phase", "attempts", "due_at", "gave_up"]
    list_filter = ["state", "phase", "has_stopped"]
    search_fields = ["id", "gateway__name", "gateway__id", "tenant__slug"]
    list_select_related = ["gateway", "tenant"]
    ordering = ["-created_at"]
    fields = ["id", "gateway", "tenant", "state", "shown_phase", *LIFE, "generation", "observed_generation"]


@admin.register(CustomDomain)
class CustomDomainAdmin(LivingAdmin):
    list_display = ["host", "gateway", "stage", "tenant", "shown_phase", "checked_at", "due_at", "gave_up"]
    list_filter = ["phase", "has_stopped", "cluster"]
    search_fields = ["id", "host", "gateway__name", "gateway__id", "tenant__slug"]
    list_select_related = ["gateway", "stage", "tenant"]
    ordering = ["-created_at"]
    fields = [
        "id",
        "host",
        "gateway",
        "stage",
        "tenant",
        "cluster",
        "token",
        "shown_phase",
        *LIFE,
        "proven_at",
        "missing_at",
        "checked_at",
        "check_at",
        "leads_here",
        "leads_to",
        "created_at",
    ]

    @display(description=_("phase"), ordering="phase", label={CustomDomain.Phase.PROVEN: "success"})
    def shown_phase(self, row: CustomDomain) -> Labelled:
        return Labelled(row.phase, row.get_phase_display())


@admin.register(Stage)
class StageAdmin(ReadOnlyAdmin):
    list_display = ["gateway", "name", "tenant", "state", "inactive_because"]
    list_filter = ["name", "state"]
    search_fields = ["id", "gateway__name", "gateway__id", "tenant__slug"]
    list_select_related = ["gateway", "tenant"]
    ordering = ["gateway__name", "name"]
    fields = ["id", "gateway", "tenant", "name", "state", "inactive_because", "created_at"]


@admin.register(GatewayDatabase)
class GatewayDatabaseAdmin(ReadOnlyAdmin):
    """Its password is shown to nobody."""

    list_display = ["name", "gateway", "tenant", "made_at"]
    search_fields = ["id", "name", "gateway__name", "gateway__id", "tenant__slug"]
    list_select_related = ["gateway", "tenant"]
    ordering = ["-created_at"]
    fields = ["id", "name", "gateway", "tenant", "created_at", "made_at"]
