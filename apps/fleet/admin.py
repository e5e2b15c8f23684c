"""The fleet in the operators' admin: to look at, and what is done to several at once, by the pages' own services."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import display

from apps.accounts.requests import person_of
from apps.core.web.admin import Labelled, OperatorsAdmin, ReadOnlyAdmin
from apps.core.web.forms import Touch
from apps.fleet.models import Agent, Bundle, Cluster, RegistrationToken
from apps.fleet.selectors import Presence, list_agents, presence_of, with_presence
from apps.fleet.services.agents import revoke_agent, revoke_registration_token
from apps.fleet.services.clusters import begin_maintenance, end_maintenance, resync_cluster
from apps.tenants.admin.asking import LINK, ReasonForm, ask, bound
from apps.tenants.operators import is_allowed

PRESENCE = {
    Presence.LEADS: "success",
    Presence.STANDS_BY: "success",
    Presence.LOST: "danger",
    Presence.REVOKED: "warning",
}
PHASES = {Bundle.Phase.READY: "success", Bundle.Phase.FAILED: "danger"}
ONLY = "cluster__id__exact"


class FleetAdmin(OperatorsAdmin):
    """Nothing is written in a form here: the actions say what may be done, and the services do it."""

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_register_permission(self, request: HttpRequest) -> bool:
        """What the actions ask for."""
        return is_allowed(person_of(request), "clusters.register")


@admin.register(Cluster)
class ClusterAdmin(FleetAdmin):
    list_display = ["name", "title", "region", "reach", "domain", "revision", "maintenance", "created_at"]
    list_filter = ["region", "provider", "reach", ("maintenance_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "title", "region", "domain", "id"]
    ordering = ["region", "name"]
    actions = ["drain", "resume", "resync"]
    fields = [
        "id",
        "name",
        "title",
        "region",
        "provider",
        "labels",
        "reach",
        "domain",
        "facts",
        "revision",
        "maintenance_at",
        "maintenance_because",
        "created_at",
        "links",
    ]

    @display(description=_("maintenance"), label={"on": "warning"}, ordering="maintenance_at")
    def maintenance(self, cluster: Cluster) -> Labelled | None:
        if cluster.maintenance_at is None:
            return None
        return Labelled("on", _("since %(day)s") % {"day": f"{cluster.maintenance_at:%Y-%m-%d}"})

    @admin.display(description=_("See also"))
    def links(self, cluster: Cluster) -> str:
        places = [
            (reverse("fleet:cluster", args=[cluster.pk]), _("Its page")),
            (f"{reverse('admin:fleet_agent_changelist')}?{ONLY}={cluster.pk}", _("Agents")),
            (f"{reverse('admin:fleet_bundle_changelist')}?{ONLY}={cluster.pk}", _("Bundles")),
        ]
        links = (format_html('<a class="{}" href="{}">{}</a>', LINK, url, text) for url, text in places)
        return format_html("{} · {} · {}", *links)

    @admin.action(description=_("Drain: put in maintenance, nothing new is delivered"), permissions=["register"])
    def drain(self, request: HttpRequest, clusters: "QuerySet[Cluster]") -> HttpResponse | None:
        chosen = list(clusters)

        def run(reason: str) -> None:
            def begin(*, actor: Any, cluster: Cluster) -> None:
                begin_maintenance(actor=actor, cluster=cluster, reason=reason)

            self.run_for_each(request, clusters, begin, "cluster", _("%(count)d in maintenance."))

        names = ", ".join(cluster.name for cluster in chosen)
        return ask(
            self,
            request,
            ReasonForm(bound(request)),
            run,
            title=_("Put %(clusters)s in maintenance?") % {"clusters": names},
            lead=_("What runs there goes on. Whatever is wanted from now on waits until the maintenance ends."),
            submit=_("Put in maintenance"),
            back=reverse("admin:fleet_cluster_changelist"),
            touches=[Touch(_("Clusters"), names), Touch(_("Bundles there"), _bundles_in(chosen))],
            chosen=[cluster.pk for cluster in chosen],
            action="drain",
            is_dangerous=True,
        )

    @admin.action(description=_("End the maintenance"), permissions=["register"])
    def resume(self, request: HttpRequest, clusters: "QuerySet[Cluster]") -> None:
        self.run_for_each(request, clusters, end_maintenance, "cluster", _("%(count)d take changes again."))

    @admin.action(description=_("Resync: send everything anew"), permissions=["register"])
    def resync(self, request: HttpRequest, clusters: "QuerySet[Cluster]") -> None:
        self.run_for_each(request, clusters, resync_cluster, "cluster", _("%(count)d are sent everything anew."))


class PresenceFilter(admin.SimpleListFilter):
    title = _("Presence")
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Presence.choices)

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Agent]") -> "QuerySet[Agent]":
        return with_presence(queryset, str(self.value())) if self.value() in Presence.values else queryset


@admin.register(Agent)
class AgentAdmin(FleetAdmin):
    list_display = ["name", "cluster", "presence", "version", "seen_at", "applied_revision", "address"]
    list_filter = [PresenceFilter, "version", "cluster"]
    search_fields = ["name", "id", "cluster__name", "address", "instance_id"]
    ordering = ["cluster__name", "name"]
    actions = ["revoke"]
    fields = [
        "id",
        "name",
        "cluster",
        "presence",
        "version",
        "address",
        "instance_id",
        "cluster_uid",
        "facts",
        "connected_at",
        "seen_at",
        "synced_at",
        "disconnected_because",
        "applied_revision",
        "state_digest",
        "created_at",
        "revoked_at",
    ]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Agent]":
        return list_agents()

    @display(description=_("presence"), label=PRESENCE)
    def presence(self, agent: Agent) -> Labelled:
        found = presence_of(agent)
        return Labelled(found, found.label)

    @admin.action(description=_("Revoke: cut off at once"), permissions=["register"])
    def revoke(self, request: HttpRequest, agents: "QuerySet[Agent]") -> HttpResponse | None:
        chosen = list(agents)

        def run() -> None:
            self.run_for_each(request, agents, revoke_agent, "agent", _("%(count)d revoked."))

        names = ", ".join(f"{agent.cluster.name} {agent}" for agent in chosen)
        return ask(
            self,
            request,
            forms.Form(bound(request)),
            run,
            title=_("Revoke %(agents)s?") % {"agents": names},
            lead=_("They are cut off at once. Traffic goes on with what is there; changes wait for another agent."),
            submit=pgettext_lazy("an agent", "Revoke"),
            back=reverse("admin:fleet_agent_changelist"),
            touches=[Touch(_("Agents"), names)],
            chosen=[agent.pk for agent in chosen],
            action="revoke",
            is_dangerous=True,
        )


@admin.register(RegistrationToken)
class RegistrationTokenAdmin(FleetAdmin):
    """Who let in whom. Their text is nowhere, and the hash of it isn't shown."""

    list_display = ["id", "cluster", "state", "made_by", "created_at", "expires_at", "used_by"]
    list_filter = ["cluster", ("used_at", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["id", "cluster__name", "made_by"]
    list_select_related = ["cluster", "used_by"]
    ordering = ["-created_at"]
    actions = ["revoke"]
    fields = [
        "id",
        "cluster",
        "state",
        "made_by",
        "created_at",
        "expires_at",
        "used_at",
        "used_by",
        "tried_again_at",
        "revoked_at",
    ]

    @display(description=_("state"), label={"open": "success", "again": "danger"})
    def state(self, token: RegistrationToken) -> Labelled:
        if token.tried_again_at:
            return Labelled("again", _("tried a second time"))
        if token.revoked_at:
            return Labelled("revoked", _("revoked"))
        return Labelled("used", _("used")) if token.used_at else Labelled("open", _("open"))

    @admin.action(description=_("Revoke: it lets nobody in any more"), permissions=["register"])
    def revoke(self, request: HttpRequest, tokens: "QuerySet[RegistrationToken]") -> None:
        self.run_for_each(request, tokens, revoke_registration_token, "token", _("%(count)d revoked."))


@admin.register(Bundle)
class BundleAdmin(ReadOnlyAdmin):
    """What is in them isn't shown, as some hold secrets."""

    list_display = ["key", "cluster", "shown_phase", "revision", "wanted_at", "reported_at", "ready_ms"]
    list_filter = ["phase", "cluster", ("removed_at", admin.EmptyFieldListFilter)]
    search_fields = ["key", "id", "tenant_id", "message"]
    list_select_related = ["cluster"]
    ordering = ["-revision"]
    list_per_page = 50
    fields = [
        "id",
        "cluster",
        "key",
        "tenant_id",
        "objects_named",
        "digest",
        "revision",
        "wanted_at",
        "removed_at",
        "shown_phase",
        "reported_digest",
        "reported_at",
        "ready_ms",
        "message",
        "statuses",
    ]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Bundle]":
        found: QuerySet[Bundle] = super().get_queryset(request).defer("manifests")
        return found

    @display(description=_("phase"), ordering="phase", label=PHASES)
    def shown_phase(self, bundle: Bundle) -> Labelled:
        return Labelled(bundle.phase, Bundle.Phase(bundle.phase).label)


def _bundles_in(clusters: list[Cluster]) -> int:
    return Bundle.objects.filter(cluster__in=clusters).count()
