"""What can be seen of gateways at one moment, and which of them are stuck."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from apps.core.clock import now
from apps.fleet.models import Agent, Bundle
from apps.gateways.lifecycle.diagnosis import Diagnosis, Sight
from apps.gateways.lifecycle.remedies import callers_now, remedies_for
from apps.gateways.lifecycle.rules import GOING, OVERDUE_AFTER, PATIENCE, SERVING, findings_of, parts_of
from apps.gateways.lifecycle.table import TABLE, Do, Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage, Variable
from apps.gateways.rendering.names import PARTS, PREFIX, bundle_key, gateway_in

# Of those that may be stuck: a page shows no more, and these have stood still for longest
MOST_LOOKED_AT = 1_000


def diagnose(gateway: FunctionGateway) -> Diagnosis | None:
    """None: it's where it should be, or on its way there and nothing keeps it."""
    return _diagnosis(sight_of(gateway))


def list_stuck(rows: QuerySet[FunctionGateway] | None = None) -> list[Diagnosis]:
    """Those that don't move by themselves, or haven't for longer than their phase allows; the longest first."""
    rows = FunctionGateway.objects.all() if rows is None else rows
    rows = rows.filter(_may_be_stuck()).select_related("cluster", "tenant", "owner").order_by("checkpoint_at")
    gateways = rows[:MOST_LOOKED_AT]
    found = [diagnosis for sight in _sights(list(gateways)) if (diagnosis := _diagnosis(sight)) and diagnosis.is_stuck]
    return sorted(found, key=lambda diagnosis: diagnosis.since)


def sight_of(gateway: FunctionGateway) -> Sight:
    (sight,) = _sights([gateway])
    return sight


def _diagnosis(sight: Sight) -> Diagnosis | None:
    findings = findings_of(sight)
    if not findings:
        return None
    return Diagnosis(sight, findings, parts_of(sight), callers_now(sight), remedies_for(sight))


def _may_be_stuck() -> Q:
    """What the rules needn't look at is left out: what is at rest with all its parts, or has moved just now."""
    moment = now()
    stands_still = Q(due_at__isnull=False, checkpoint_at__lte=moment - min(PATIENCE.values()))
    lease_left = Q(leased_until__lte=moment - OVERDUE_AFTER)
    overdue = Q(due_at__lte=moment - OVERDUE_AFTER)
    domains, stages, databases = _rows_of_one()
    deleted, made = Q(phase=Phase.DELETED), ~Q(phase__in=[Phase.CREATING, *GOING])
    left_behind = deleted & has_parts()
    missing = made & (~Exists(domains) | ~Exists(stages) | ~Exists(databases))
    other_domain = (
        Exists(domains.filter(Q(state=State.DELETED) | Q(has_stopped=True)))
        | Exists(domains.filter(stands_still))
        | (Q(phase=Phase.STARTED) & ~Exists(domains.filter(phase__in=SERVING)))
        | (Q(phase=Phase.STOPPED) & Exists(domains.filter(phase__in=SERVING)))
    )
    unheard = Q(due_at=None, has_stopped=False) & _pairs_that_move()
    stopped = Q(has_stopped=True) | (deleted & ~Q(state=State.DELETED))
    return stands_still | lease_left | overdue | left_behind | missing | (made & other_domain) | unheard | stopped


def has_parts() -> Q:
    """Anything of it is still known here."""
    domains, stages, databases = _rows_of_one()
    return Exists(domains) | Exists(stages) | Exists(databases) | Exists(_bundles_of_one())


def _rows_of_one() -> tuple[QuerySet[RuntimeDomain], QuerySet[Stage], QuerySet[GatewayDatabase]]:
    of_gateway = OuterRef("pk")
    return (
        RuntimeDomain.objects.filter(gateway=of_gateway),
        Stage.objects.filter(gateway=of_gateway),
        GatewayDatabase.objects.filter(gateway=of_gateway),
    )


def _pairs_that_move() -> Q:
    """By the table. What is held counts as wanted stopped, unless it's to be deleted."""
    moving = Q()
    for state, phases in TABLE.items():
        counts = Q(state=state) if state == State.DELETED else Q(state=state, held_at=None)
        if state == State.STOPPED:
            counts |= Q(held_at__isnull=False) & ~Q(state=State.DELETED)
        moving |= counts & Q(phase__in=[phase for phase, found in phases.items() if found is not Do.REST])
    return moving


def _bundles_of_one() -> QuerySet[Bundle]:
    keys = [Concat(Value(PREFIX), OuterRef("pk"), Value(f"/{part}")) for part in PARTS]
    return Bundle.objects.filter(cluster_id=OuterRef("cluster_id"), key__in=keys)


def _sights(gateways: Sequence[FunctionGateway]) -> list[Sight]:
    """In seven queries, however many there are."""
    moment, ids = now(), [gateway.pk for gateway in gateways]
    domains = {domain.gateway_id: domain for domain in RuntimeDomain.objects.filter(gateway__in=ids)}
    databases = {database.gateway_id: database for database in GatewayDatabase.objects.filter(gateway__in=ids)}
    stages = _counts(Stage.objects.filter(gateway__in=ids))
    variables = _counts(Variable.objects.filter(gateway__in=ids))
    bundles = _bundles(gateways)
    agents: dict[str, list[Agent]] = defaultdict(list)
    for agent in Agent.objects.filter(cluster__in={gateway.cluster_id for gateway in gateways}, revoked_at=None):
        agents[agent.cluster_id].append(agent)
    return [
        Sight(
            at=moment,
            gateway=gateway,
            domain=domains.get(gateway.pk),
            stages=stages.get(gateway.pk, 0),
            variables=variables.get(gateway.pk, 0),
            database=databases.get(gateway.pk),
            bundles=bundles[gateway.pk],
            agents=tuple(agents[gateway.cluster_id]),
        )
        for gateway in gateways
    ]


def _counts(rows: QuerySet[Stage] | QuerySet[Variable]) -> dict[str, int]:
    return dict(rows.values_list("gateway_id").annotate(Count("pk")).order_by())


def _bundles(gateways: Iterable[FunctionGateway]) -> dict[str, dict[str, Bundle]]:
    keys = [bundle_key(gateway.pk, part) for gateway in gateways for part in PARTS]
    found: dict[str, dict[str, Bundle]] = defaultdict(dict)
    # Their manifests are sealed, and of no use here
    for bundle in Bundle.objects.filter(key__in=keys).defer("manifests"):
        gateway_id, part = gateway_in(bundle.key)
        found[gateway_id][part] = bundle
    return found
