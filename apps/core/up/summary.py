"""What the person who started it sees once everything answers."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from apps.core.up.declaration import Plan
from apps.core.up.journal import PartState
from apps.core.up.output import Output


def addresses(plan: Plan) -> dict[str, str]:
    return {
        "Console": f"{plan.address}/",
        **({"Mails": f"{plan.address}/mails"} if settings.DEBUG else {}),
        "Admin": f"{plan.address}/admin/",
        "API, docs": f"{plan.address}/v1/",
        "OpenAPI": f"{plan.address}/v1/openapi.json",
    }


def print_summary(
    output: Output,
    plan: Plan,
    *,
    seconds: float,
    states: Sequence[PartState],
    sign_ins: Sequence[tuple[str, str, str]],
    gateways: Sequence[str],
) -> None:
    """Addresses, the demo's people, and what isn't well."""
    failed = [state.name for state in states if state.state == "given up"]
    fields: dict[str, Any] = {
        "event": "started",
        "seconds": round(seconds, 3),
        "addresses": addresses(plan),
        "gateways": list(gateways),
        "sign_ins": [{"email": email, "password": password, "role": role} for email, password, role in sign_ins],
        "given_up": failed,
    }
    lines = [output.bold(f"Imp Gateway runs, after {seconds:.1f} s"), ""]
    lines += [f"  {name:<9} {address}" for name, address in addresses(plan).items()]
    lines += [f"  {'' if number else 'Gateways':<9} {address}" for number, address in enumerate(gateways)]
    if sign_ins:
        width = max(len(email) for email, _, _ in sign_ins)
        lines += ["", output.bold("Sign in as")]
        lines += [f"  {email:<{width}}  {password}  {role}" for email, password, role in sign_ins]
    if failed:
        lines += ["", f"Without {', '.join(failed)}: see above."]
    lines += ["", "Ctrl-C stops it; what you made stays."]
    output.block("\n".join(lines), **fields)
