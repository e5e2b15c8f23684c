"""Every pair of state and phase leads somewhere: nothing is ever in a place that no step knows."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.core.lifecycle import Machine
from apps.gateways.lifecycle.domains import ACTS
from apps.gateways.lifecycle.machines import DOMAIN, GATEWAY
from apps.gateways.lifecycle.steps import STEPS
from apps.gateways.lifecycle.table import LEADS_TO, TABLE, Do, Phase, State
from apps.gateways.models import FunctionGateway, RuntimeDomain
from tools.lifecycle import PICTURE, draw

PAIRS = [(state, phase) for state in State for phase in Phase]
ENDS = {
    State.RUNNING: Phase.STARTED,
    State.STOPPED: Phase.STOPPED,
    State.RESTARTING: Phase.STARTED,
    State.DELETED: Phase.DELETED,
}
# More than all steps of all phases
MOST_MOVES = 60


def walk(machine: Machine[Any], row: Any) -> list[str]:
    """The phases that a row goes through when each step succeeds, until it rests."""
    phases = [row.phase]
    for _ in range(MOST_MOVES):
        move = machine.decide(row)
        if move is None:
            return phases
        for name, value in move.then(row).items():
            setattr(row, name, value)
        if move.phase != row.phase:
            phases.append(move.phase)
        row.phase, row.checkpoint = move.phase, move.checkpoint
    raise AssertionError(f"It goes on for ever: {phases}")


def test_the_table_knows_every_pair() -> None:
    assert {(state, phase) for state, phases in TABLE.items() for phase in phases} == set(PAIRS)


@pytest.mark.parametrize(("state", "phase"), PAIRS)
def test_each_pair_has_a_step_or_is_at_rest(state: State, phase: Phase) -> None:
    found = TABLE[state][phase]
    if found is Do.WORK:
        assert STEPS[phase]
        # Before a domain serves, its row is all that there is of it
        assert phase == Phase.CREATING or callable(ACTS[phase])
        assert LEADS_TO[phase] != phase
    elif found is Do.REST:
        assert phase in (ENDS[state], Phase.DELETED)
    else:
        assert found in Phase
        assert found != phase


@pytest.mark.parametrize(("state", "phase"), PAIRS)
@pytest.mark.parametrize("is_changed", [False, True])
def test_from_each_pair_a_gateway_comes_to_what_is_wanted(state: State, phase: Phase, is_changed: bool) -> None:
    seen = 0 if is_changed else 1
    gateway = FunctionGateway(state=state, phase=phase, starting_generation=seen, observed_generation=seen)
    phases = walk(GATEWAY, gateway)
    if Phase.DELETING in (phase, *phases) or phase == Phase.DELETED:
        assert phases[-1] == Phase.DELETED, "what is being deleted goes, whatever is wanted since"
    else:
        assert phases[-1] == ENDS[state]
        assert gateway.state == (State.RUNNING if state == State.RESTARTING else state)
    assert walk(GATEWAY, gateway) == [phases[-1]], "it rests there"
    if phases[-1] == Phase.STARTED:
        assert not gateway.is_changed


@pytest.mark.parametrize(("state", "phase"), PAIRS)
def test_from_each_pair_a_domain_comes_to_what_is_wanted(state: State, phase: Phase) -> None:
    domain = RuntimeDomain(state=state, phase=phase)
    end = walk(DOMAIN, domain)[-1]
    assert end == (Phase.DELETED if phase in (Phase.DELETING, Phase.DELETED) else ENDS[state])
    assert walk(DOMAIN, domain) == [end]


@pytest.mark.parametrize("phase", STEPS)
def test_after_each_checkpoint_comes_the_next_step(phase: Phase) -> None:
    state = {Phase.STARTING: State.RUNNING, Phase.STOPPING: State.STOPPED}.get(phase, State.DELETED)
    gateway = FunctionGateway(state=State.RUNNING if phase == Phase.CREATING else state, phase=phase)
    names = []
    while (move := GATEWAY.decide(gateway)) and move.phase == phase:
        names.append(move.step)
        gateway.checkpoint = move.checkpoint
        gateway.starting_generation = gateway.generation
    assert names == [step.name for step in STEPS[phase]]


def test_a_start_begins_again_when_something_else_is_wanted_meanwhile() -> None:
    gateway = FunctionGateway(state=State.RUNNING, phase=Phase.STARTING, checkpoint="runtime", starting_generation=1)
    assert GATEWAY.decide(gateway).step == "routes"  # type: ignore[union-attr]
    gateway.generation = 2
    move = GATEWAY.decide(gateway)
    assert move is not None
    assert (move.phase, move.checkpoint, move.step) == (Phase.STARTING, "", "")


def test_the_picture_is_drawn_from_the_table_as_it_is(tmp_path: Path) -> None:
    assert PICTURE.read_text() == draw(), "run tools/lifecycle.py"
    checked = subprocess.run(
        [sys.executable, "tools/lifecycle.py", "--check"], cwd=PICTURE.parents[1], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode()
