"""What operators do with clusters and agents: register, let in, revoke, hold back, send anew."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View
from django.views.decorators.cache import never_cache

from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.core.web import htmx
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.fleet.enrolment import command_of
from apps.fleet.forms import ClusterForm, MaintenanceForm
from apps.fleet.health import ClusterState, cluster_states
from apps.fleet.models import Cluster, RegistrationToken
from apps.fleet.selectors import Presence, presence_of
from apps.fleet.services.agents import make_registration_token, revoke_agent
from apps.fleet.services.clusters import (
    begin_maintenance,
    delete_cluster,
    end_maintenance,
    register_cluster,
    resync_cluster,
)
from apps.fleet.views.base import AboutAgent, AboutCluster, ForOperators, show
from apps.fleet.views.shown import ShownCluster

# What isn't told by the stream hears of it from the dialog
CHANGED: dict[str, dict[str, Any]] = {"fleet": {}}


@method_decorator(never_cache, name="dispatch")
class Register(ForOperators, NeedsConfirmation, FormView):
    """Asks who it is first: whoever holds the token that this ends with gets all that is wanted in the cluster."""

    permission = "clusters.register"
    form_class = ClusterForm
    template_name = "fleet/register.html"
    title = gettext_lazy("Register a cluster")
    lead = gettext_lazy(
        "Then start its agent with the token that you get. The agent dials in; nothing is opened there."
    )
    submit_label = gettext_lazy("Register and make a token")

    def save(self, form: forms.BaseForm) -> Done:
        self.cluster = register_cluster(actor=self.operator, **form.cleaned_data)
        self.token = make_registration_token(actor=self.operator, cluster=self.cluster)
        return Done(_("%(cluster)s is registered") % {"cluster": self.cluster})

    def succeed(self, done: Done) -> HttpResponse:
        return show_token(self.request, self.cluster, self.token)


@method_decorator(never_cache, name="dispatch")
class NewToken(AboutCluster, NeedsConfirmation, ConfirmView):
    permission = "clusters.register"
    is_dangerous = False
    submit_label = gettext_lazy("Make the token")

    def get_context(self) -> dict[str, Any]:
        title = _("Let an agent into %(cluster)s?") % {"cluster": self.cluster.name}
        return {**super().get_context(), "title": title}

    def get_touches(self) -> list[Touch]:
        state = state_of(self.cluster)
        return [
            Touch(_("Lets in"), _("One agent, once, within 24 hours")),
            Touch(_("It gets"), _("All that is wanted there, with its secrets")),
            Touch(_("Agents now"), ShownCluster(state).agents),
        ]

    def run(self) -> Done:
        self.token = make_registration_token(actor=self.operator, cluster=self.cluster)
        return Done(_("Token made"))

    def succeed(self, done: Done) -> HttpResponse:
        return show_token(self.request, self.cluster, self.token)


class RevokeAgent(AboutAgent, ConfirmView):
    permission = "clusters.register"
    submit_label = gettext_lazy("Revoke the agent")

    def get_context(self) -> dict[str, Any]:
        words = {"agent": self.agent, "cluster": self.agent.cluster.name}
        return {**super().get_context(), "title": _("Revoke %(agent)s of %(cluster)s?") % words}

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("At once"), _("It's cut off, and its tokens are worth nothing. Another token lets a new one in.")),
            Touch(_("Then leads"), self._heir()),
            Touch(_("Traffic"), _("Goes on with what it has there. Changes wait for the next agent.")),
        ]

    def _heir(self) -> str:
        others = [each for each in state_of(self.agent.cluster).agents if each.agent.pk != self.agent.pk]
        if presence_of(self.agent) != Presence.LEADS:
            return _("The same as now")
        heir = next((each.agent for each in others if each.presence == Presence.STANDS_BY), None)
        return str(heir) if heir else _("Nobody: it's the only one that is connected")

    def run(self) -> Done:
        revoke_agent(actor=self.operator, agent=self.agent)
        return Done(_("%(agent)s is revoked") % {"agent": self.agent}, events=CHANGED)


class StartMaintenance(AboutCluster, FormView):
    permission = "clusters.register"
    form_class = MaintenanceForm
    template_name = "overlays/confirm.html"
    submit_label = gettext_lazy("Put in maintenance")

    def get_context(self) -> dict[str, Any]:
        title = _("Put %(cluster)s in maintenance?") % {"cluster": self.cluster.name}
        touches = [
            Touch(_("Held back"), _("Whatever is wanted from now on, until the maintenance ends")),
            Touch(_("Gateways"), _("Those that change there wait, and say why")),
            Touch(_("Traffic"), _("Goes on")),
        ]
        return {"title": title, "touches": touches}

    def save(self, form: forms.BaseForm) -> Done:
        begin_maintenance(actor=self.operator, cluster=self.cluster, reason=form.cleaned_data["reason"])
        return Done(_("%(cluster)s is in maintenance") % {"cluster": self.cluster.name}, events=CHANGED)


class EndMaintenance(AboutCluster, ConfirmView):
    permission = "clusters.register"
    is_dangerous = False
    submit_label = gettext_lazy("End the maintenance")

    def get_context(self) -> dict[str, Any]:
        title = _("End the maintenance of %(cluster)s?") % {"cluster": self.cluster.name}
        return {**super().get_context(), "title": title}

    def get_touches(self) -> list[Touch]:
        waiting = state_of(self.cluster).on_the_way
        text = ngettext("%(count)d bundle, at once", "%(count)d bundles, at once", waiting) % {"count": waiting}
        return [
            Touch(_("Delivers"), text if waiting else _("Nothing is waiting")),
            Touch(_("Reason then"), self.cluster.maintenance_because or "–"),
        ]

    def run(self) -> Done:
        end_maintenance(actor=self.operator, cluster=self.cluster)
        return Done(_("%(cluster)s takes changes again") % {"cluster": self.cluster.name}, events=CHANGED)


class Resync(AboutCluster, View):
    """A button without a question: what is there already is left as it is."""

    permission = "clusters.register"

    def post(self, request: HttpRequest, cluster_id: str) -> HttpResponse:
        resync_cluster(actor=self.operator, cluster=self.cluster)
        title = _("%(cluster)s is sent everything anew") % {"cluster": self.cluster.name}
        text = _("Its agent compares, and mends what differs.")
        if not htmx.is_partial(request):
            htmx.later_toast(request, title=title, text=text)
            return htmx.redirect(request, self.get_back_url())
        return htmx.vary(htmx.toast(HttpResponse(status=204), title=title, text=text))


class DeleteCluster(AboutCluster, ConfirmView):
    permission = "clusters.register"
    leads_on = True

    def get_context(self) -> dict[str, Any]:
        names = {"cluster": self.cluster.name}
        title, label = _("Delete %(cluster)s for good?") % names, _("Delete %(cluster)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_typed_name(self) -> str:
        return self.cluster.name

    def get_touches(self) -> list[Touch]:
        state = state_of(self.cluster)
        wanted = ngettext("%(count)d bundle", "%(count)d bundles", state.wanted) % {"count": state.wanted}
        return [
            Touch(_("Wanted there"), _("%(bundles)s. Delete what they belong to first.") % {"bundles": wanted})
            if state.bundles
            else Touch(_("Wanted there"), _("Nothing any more")),
            Touch(_("Agents"), _("%(agents)s, cut off at once") % {"agents": ShownCluster(state).agents}),
            Touch(_("Forgotten"), _("Its tokens, and the rows of gateways that were deleted there")),
            Touch(_("Way back"), _("None. Timelines and the audit log stay.")),
        ]

    def run(self) -> Done:
        delete_cluster(actor=self.operator, cluster=self.cluster)
        return Done(_("%(cluster)s is deleted") % {"cluster": self.cluster}, url=reverse("fleet:index"))


def show_token(request: HttpRequest, cluster: Cluster, token: RegistrationToken) -> HttpResponse:
    """The text, in this one answer; a reload asks for another token."""
    done_url = reverse("fleet:cluster", args=[cluster.pk])
    assert token.secret is not None
    text = token.secret.reveal()
    context = {"cluster": cluster, "token": text, "command": command_of(cluster, text), "done_url": done_url}
    return show(request, "fleet/token_made.html", context)


def state_of(cluster: Cluster) -> ClusterState:
    return cluster_states([cluster])[0]
