"""The parts of a gateway's first page beside what it's doing."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.core.errors import Text
from apps.core.lifecycle.timeline import told
from apps.core.web.addresses import address
from apps.fleet.models import Bundle
from apps.fleet.selectors import bundle_of
from apps.gateways.examples import example_of
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, RuntimeDomain
from apps.gateways.rendering.names import bundle_key
from apps.gateways.selectors import address_of, hosts_of
from apps.gateways.sizes import PROCESSES, process_of
from apps.gateways.views.custom_domains import shown_domains
from apps.gateways.views.live import Part, render_part
from apps.gateways.views.shown import AT_REST, Place, cpu_of, memory_of
from apps.tenants.history.selectors import list_own_tenant_events, list_tenant_events
from apps.tenants.member import Member

PAGE = "gateways/detail.html"
RECENT = 6


@dataclass(frozen=True)
class ShownProcess:
    name: str
    stages: tuple[str, ...]
    word: Text
    tone: str


def stage_part(gateway: FunctionGateway, place: Place, count: int) -> Part:
    url = f"{address('functions:list', gateway_id=gateway.pk)}?stage={place.stage}"
    context = {"place": place, "process": process_of(gateway.layout, place.stage), "count": count, "functions_url": url}
    return render_part(f"{PAGE}#stage", f"stage-{place.stage}", context)


def call_card(gateway: FunctionGateway, actor: Member) -> Part:
    """A command that calls what is there; nothing is seen of it while there is nothing to call."""
    command, example = "", example_of(gateway)
    if example is not None:
        url = address_of(gateway, hosts_of(gateway, example.stage)[0])
        method = "" if example.method == "GET" else f"-X {example.method} "
        command = f"curl -i {method}{url.rstrip('/')}{example.path}"
    return render_part(f"{PAGE}#call_it", "call-it", {"command": command})


def runtime_card(gateway: FunctionGateway, actor: Member) -> Part:
    bundle = bundle_of(gateway.cluster_id, bundle_key(gateway.pk, "runtime"))
    word, tone = _standing(bundle)
    processes = [ShownProcess(each.name, each.stages, word, tone) for each in PROCESSES[gateway.layout]]
    facts = gateway.cluster.facts
    versions = [f"{name} {facts[key]}" for name, key in RUNS_ON if facts.get(key)]
    context = {
        "processes": processes,
        "versions": ", ".join(versions),
        "cpu": cpu_of(gateway.size),
        "memory": memory_of(gateway.size),
        "message": bundle.message if bundle and not bundle.says(Bundle.Phase.READY) else "",
    }
    return render_part(f"{PAGE}#runtime", "runtime", context)


RUNS_ON = (("Deno", "runtime_version"), ("Envoy", "envoy_version"))


def domains_part(gateway: FunctionGateway, places: list[Place]) -> Part:
    domain: RuntimeDomain | None = getattr(gateway, "domain", None)
    phase = Phase(domain.phase) if domain else Phase.CREATING
    context = {
        "places": places,
        "customs": shown_domains(gateway),
        "gateway": gateway,
        "domain_word": phase.label,
        "domain_tone": AT_REST.get(phase, "busy"),
        "domain_because": told(domain.because, domain.because_of) if domain else "",
    }
    return render_part(f"{PAGE}#domains", "domains", context)


def activity_part(gateway: FunctionGateway, actor: Member) -> Part:
    """What people did with it, as far as somebody may read that."""
    sees_all = actor.may("audit.read")
    events = list_tenant_events(actor=actor) if sees_all else list_own_tenant_events(actor=actor)
    shown = list(events.filter(target_id=gateway.pk)[:RECENT])
    return render_part(f"{PAGE}#activity", "activity", {"events": shown, "gateway": gateway, "sees_all": sees_all})


def about_part(gateway: FunctionGateway) -> Part:
    database = getattr(gateway, "database", None)
    return render_part(f"{PAGE}#about", "about", {"gateway": gateway, "database": database.name if database else ""})


def _standing(bundle: Bundle | None) -> tuple[Text, str]:
    """What the cluster says of the processes, which come and go together."""
    if bundle is None:
        return _("not running"), "idle"
    if bundle.removed_at is not None:
        return _("ending"), "busy"
    if bundle.says(Bundle.Phase.READY):
        return _("ready"), "ok"
    if bundle.says(Bundle.Phase.FAILED):
        return _("failed"), "bad"
    # What it replaces serves until then
    return (_("being replaced"), "busy") if bundle.reported_digest else (_("starting"), "busy")
