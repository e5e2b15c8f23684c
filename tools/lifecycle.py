"""Draws the life cycle of gateways from its table into docs/lifecycle.md, or says that the picture is out of date."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "lifecycle.md"
HEAD = """# The life cycle of a gateway

Made from `apps/gateways/lifecycle/table.py` by `.venv/bin/python tools/lifecycle.py`; don't change it by hand.

The **state** is what somebody wants, the **phase** what is. For each pair the table says what follows: *work* (the
steps of the phase, and after the last of them the phase that they lead to), another phase at once, or *rest*. A started
gateway of which something else is wanted since, such as other variables, is *starting* again; calls don't notice.
A gateway's domain has a life of its own, by the same table.
"""


def main() -> int:
    drawn = draw()
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(drawn)
    elif not PICTURE.is_file() or PICTURE.read_text() != drawn:
        print("The picture of the life cycle is out of date: run tools/lifecycle.py.", file=sys.stderr)
        return 1
    return 0


def draw() -> str:
    return "\n".join([HEAD, "```mermaid", *_diagram(), "```", "", *_table(), "", *_steps(), ""])


def _diagram() -> Iterator[str]:
    from apps.gateways.lifecycle.table import LEADS_TO, TABLE, Do, Phase

    yield "stateDiagram-v2"
    yield f"    [*] --> {Phase.CREATING.value}"
    ways: dict[tuple[str, str], list[str]] = {}
    for state, phases in TABLE.items():
        for phase, found in phases.items():
            if found is Do.WORK:
                ways.setdefault((phase.value, LEADS_TO[phase].value), [])
            elif isinstance(found, Phase):
                ways.setdefault((phase.value, found.value), []).append(state.value)
    ways.setdefault((Phase.STARTED.value, Phase.STARTING.value), []).append("changed")
    for (start, end), states in ways.items():
        yield f"    {start} --> {end} : {', '.join(states) or 'steps done'}"
    yield f"    {Phase.DELETED.value} --> [*]"


def _table() -> Iterator[str]:
    from apps.gateways.lifecycle.table import TABLE, Do, Phase

    yield "| Phase | " + " | ".join(f"wanted {state.value}" for state in TABLE) + " |"
    yield "|---" * (len(TABLE) + 1) + "|"
    for phase in Phase:
        found = [phases[phase] for phases in TABLE.values()]
        told = [each.value if isinstance(each, Do) else f"→ {each.value}" for each in found]
        yield f"| {phase.value} | " + " | ".join(told) + " |"


def _steps() -> Iterator[str]:
    from apps.gateways.lifecycle.steps import STEPS
    from apps.gateways.lifecycle.table import LEADS_TO

    yield "| Phase | Its steps, each of which looks first and does what is missing | leads to |"
    yield "|---|---|---|"
    for phase, steps in STEPS.items():
        yield f"| {phase.value} | {', '.join(step.name for step in steps)} | {LEADS_TO[phase].value} |"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    import django

    django.setup()
    sys.exit(main())
