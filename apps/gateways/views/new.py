"""A gateway is made: the form, and what it shows of itself while somebody fills it in."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache

from apps.core.errors import InvalidInput
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.forms import Done, Touch
from apps.fleet.models import Cluster
from apps.fleet.selectors import list_clusters
from apps.gateways.forms import NewGatewayForm
from apps.gateways.names import refusal_of_name
from apps.gateways.selectors import list_gateways
from apps.gateways.services.creating import create_gateway, is_name_free
from apps.gateways.sizes import PROCESSES, Layout, SizeName, StageName
from apps.gateways.views.base import InGateways
from apps.gateways.views.cards import cluster_cards, layout_cards, size_cards
from apps.gateways.views.live import Part
from apps.gateways.views.rows import WithRows
from apps.gateways.views.shown import cpu_of, memory_of
from apps.tenants.member import Member

PAGE = "gateways/new.html"
# What follows while somebody types: the partial's name and the element's id
FOLLOWING = (
    ("name_check", "name-check"),
    ("name_reason", "name-reason"),
    ("hosts", "hosts"),
    ("summary", "summary"),
    ("outline", "outline"),
)


# What is typed here may be a secret
@method_decorator(never_cache, name="dispatch")
class New(InGateways, WithRows):
    form_class = NewGatewayForm
    template_name = PAGE
    title = gettext_lazy("Create a gateway")
    leads_on = True

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require("gateways.create")
        return super().get_form(data, files)

    def get_initial(self) -> dict[str, Any]:
        usual = next((cluster for cluster in self.clusters if not cluster.is_in_maintenance), None)
        return {"cluster": usual.pk if usual else "", "size": SizeName.SMALL, "layout": Layout.PROD_APART}

    @cached_property
    def clusters(self) -> list[Cluster]:
        return list(list_clusters())

    def get_context(self) -> dict[str, Any]:
        asked = self.request.POST if self.request.method == "POST" else self.get_initial()
        return {
            **preview_of(asked, self.actor, self.clusters),
            **self.rows_context(),
            "sizes": size_cards(),
            "layouts": layout_cards(),
            "clusters": cluster_cards(self.clusters, _counts(self.actor)),
        }

    def save(self, form: Any) -> Done:
        cluster = next((each for each in self.clusters if each.pk == form.cleaned_data["cluster"]), None)
        if cluster is None:
            raise InvalidInput(fields={"cluster": [_("Choose one of the clusters.")]})
        wanted = {**form.cleaned_data, "cluster": cluster}
        with self.errors_at_rows():
            gateway = create_gateway(actor=self.actor, **wanted, variables=self.settings)
        title = _("%(gateway)s is being created") % {"gateway": gateway}
        return Done(title, url=address("gateways:detail", gateway_id=gateway.pk))


class Preview(InGateways, View):
    """What the page says about what is filled in: beside the fields, never into them."""

    def post(self, request: HttpRequest) -> HttpResponse:
        self.actor.require("gateways.create")
        context = preview_of(request.POST, self.actor, list(list_clusters()))
        parts = [Part(pk, SafeString(render_to_string(f"{PAGE}#{name}", context))) for name, pk in FOLLOWING]
        response = HttpResponse("".join(part.out_of_band for part in parts))
        response["Cache-Control"] = "private, no-store"
        return htmx.vary(response)


def _counts(actor: Member) -> dict[str, int]:
    """How many of this workspace run on each cluster."""
    rows = list_gateways(actor=actor).order_by().values("cluster_id").annotate(count=Count("pk"))
    return {row["cluster_id"]: row["count"] for row in rows}


def preview_of(asked: Mapping[str, Any], actor: Member, clusters: Sequence[Cluster]) -> dict[str, Any]:
    name = str(asked.get("name", "")).strip()
    cluster = next((each for each in clusters if each.pk == asked.get("cluster")), None)
    size = SizeName(asked["size"]) if asked.get("size") in SizeName.values else SizeName.SMALL
    layout = Layout(asked["layout"]) if asked.get("layout") in Layout.values else Layout.PROD_APART
    words = {"cluster": cluster or "…", "size": size.label, "layout": layout.label}
    return {
        "name": name,
        "name_refusal": _refusal_of(name, cluster, actor) if name else "",
        "hosts": [(stage, f"{name or '…'}.{stage}.{cluster.domain if cluster else '…'}") for stage in StageName],
        "facts": _facts_of(actor, cluster, size, layout),
        "outline": _("on %(cluster)s, %(size)s, %(layout)s") % words,
    }


def _refusal_of(name: str, cluster: Cluster | None, actor: Member) -> str:
    if refusal := refusal_of_name(name):
        return refusal
    if cluster is None or is_name_free(actor, cluster, name):
        return ""
    return _("%(cluster)s has a gateway of this name already.") % {"cluster": cluster}


def _facts_of(actor: Member, cluster: Cluster | None, size: str, layout: str) -> list[Touch]:
    each = {"count": len(PROCESSES[layout]), "cpu": cpu_of(size), "memory": memory_of(size)}
    runtime = cluster.facts.get("runtime_version") if cluster else None
    return [
        Touch(_("Stages"), ", ".join(StageName.values)),
        *([Touch(_("Runtime"), f"Deno {runtime}")] if runtime else []),
        Touch(_("Processes"), _("%(count)d, each with %(cpu)s and %(memory)s") % each),
        Touch(_("Database"), _("Its own, with a role of its own")),
        Touch(_("Owner"), str(actor)),
    ]
