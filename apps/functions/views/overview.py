"""Functions on their gateway's first page: a row for each name, with how it stands in each stage."""

from dataclasses import dataclass
from datetime import datetime

from apps.core.web.addresses import address
from apps.functions.models import Function
from apps.functions.selectors import head_of, list_newest
from apps.functions.views.about import edit_url
from apps.functions.views.shown import ShownLive, live_of, stages_for
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.gateways.sizes import StageName
from apps.gateways.views.live import Part, render_part
from apps.tenants.member import Member

PART = "functions-by-stage"
TEMPLATE = "functions/overview.html"
SHOWN = 8


@dataclass(frozen=True)
class InStage:
    """What is saved there; where nothing is, only the stage is told."""

    stage: str
    url: str = ""
    version: int = 0
    live: ShownLive | None = None
    saved_at: datetime | None = None
    saved_by: str = ""


@dataclass(frozen=True)
class Named:
    name: str
    description: str
    url: str
    stages: list[InStage]


def functions_card(gateway: FunctionGateway, actor: Member) -> Part:
    rows = _by_name(list_newest(actor=actor, gateway=gateway, names=SHOWN))
    url = address("functions:list", gateway_id=gateway.pk)
    context = {
        "rows": rows,
        "fails": any(each.live and each.live.tone == "bad" for row in rows for each in row.stages),
        "stages": [(stage.value, f"{url}?stage={stage}") for stage in StageName],
        "url": url,
        "new_url": address("functions:new", gateway_id=gateway.pk),
        "may_create": gateway.state != State.DELETED and bool(stages_for(actor)),
    }
    return render_part(TEMPLATE, PART, context)


def _by_name(functions: list[Function]) -> list[Named]:
    found: dict[str, dict[str, Function]] = {}
    for function in functions:
        found.setdefault(function.base_name, {})[function.stage] = function
    return [_named(name, stages) for name, stages in found.items()]


def _named(name: str, stages: dict[str, Function]) -> Named:
    """What it's about is told as its first stage says it, where it's worked on."""
    first = next(stages[stage] for stage in StageName if stage in stages)
    cells = [_in_stage(stages[stage]) if stage in stages else InStage(stage) for stage in StageName]
    return Named(name, first.description, edit_url(first), cells)


def _in_stage(row: Function) -> InStage:
    head = head_of(row)
    return InStage(row.stage, edit_url(row), row.version, live_of(row), head.saved_at, head.saved_by_name)
