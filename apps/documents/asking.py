"""Documents are the runtime's matter: it's asked, in its own words, and its refusals become the platform's problems."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput, NotFound, Problem
from apps.documents.problems import DataTookTooLong, DataUnanswered, DocumentChanged, DuplicateDocument
from apps.documents.values import whole
from apps.functions.calling import ask_data, line_to
from apps.functions.calling.problems import GatewayOutOfReach
from apps.gateways.models import FunctionGateway, Stage
from apps.gateways.sizes import StageName

# What the runtime says is wrong with what it was asked
WRONG = frozenset({"bad-query", "unsupported", "bad-value", "too-large"})
MISSING = frozenset({"no-such-collection", "no-such-document", "no-such-index"})
REFUSALS: Mapping[str, type[Problem]] = {
    "changed-meanwhile": DocumentChanged,
    "duplicate-key": DuplicateDocument,
    "timeout": DataTookTooLong,
    "unanswered": DataUnanswered,
}


def ask(gateway: FunctionGateway, op: str, collection: str = "", *args: Any, field: str = "") -> Any:
    """What it answers. `field` is where a form shows what is wrong with what was asked."""
    answered = ask_data(gateway, op, collection, list(args), stage=_stage_of(gateway))
    if answered.is_cut:
        raise InvalidInput(fields={field: [_("That is too much to be shown here: ask for fewer documents.")]})
    try:
        said = json.loads(answered.body, parse_int=whole)
    except ValueError:
        said = None
    if answered.status == 200:
        return said
    refusal = said.get("error") if isinstance(said, dict) else None
    if not isinstance(refusal, dict):
        raise DataUnanswered(answered.detail)
    raise _problem_of(refusal, str(refusal.get("field") or field))


def check_reach(gateway: FunctionGateway) -> None:
    """Raises what keeps it from being asked, as far as that is known here."""
    line_to(gateway, _stage_of(gateway))


def _problem_of(refusal: dict[str, Any], field: str) -> Problem:
    code, message = str(refusal.get("code")), str(refusal.get("message"))
    if code in WRONG:
        return InvalidInput(fields={field: [message]})
    if code in MISSING:
        return NotFound(message)
    return REFUSALS.get(code, GatewayOutOfReach)(message)


def _stage_of(gateway: FunctionGateway) -> str:
    """Data is the gateway's: any stage that serves leads to it."""
    off = {stage.name for stage in gateway.stages.all() if stage.state == Stage.State.INACTIVE}
    return next((name for name in StageName.values if name not in off), StageName.DEV.value)
