"""The limits in time fit together: a step's, its task's, its lease, the queue's."""

from datetime import timedelta

import pytest
from django.core.checks.registry import registry
from django_q.conf import Conf

from apps.core.lifecycle import checks
from apps.core.lifecycle.checks import check_lifecycles
from apps.core.lifecycle.machine import LEASE, Machine, all_machines
from tests.lifecycle.world import Thing, decide


def ids() -> set[str]:
    return {str(message.id) for message in check_lifecycles()}


def test_nothing_is_wrong_as_it_is() -> None:
    assert {machine.name for machine in all_machines()} >= {"gateway", "domain"}
    assert check_lifecycles() == []


def test_it_is_asked_at_each_start() -> None:
    assert check_lifecycles in registry.get_checks()


def test_a_call_to_a_cluster_that_its_step_waits_for_too_long(settings) -> None:
    settings.KUBE_TIMEOUT = timedelta(seconds=9)
    assert ids() == {"lifecycle.E002"}


@pytest.mark.parametrize(
    ("name", "seconds", "found"),
    [
        ("TURN", 3, "lifecycle.E001"),
        ("STEP_TIMEOUT", 9, "lifecycle.E001"),
        ("STEP_TIMEOUT", 6, "lifecycle.E002"),
        ("TASK_TIMEOUT", 8, "lifecycle.E002"),
        # It may go on for as long as its process takes to be killed
        ("TASK_TIMEOUT", 14, "lifecycle.E002"),
    ],
)
def test_each_wrong_limit_is_found(monkeypatch: pytest.MonkeyPatch, name: str, seconds: int, found: str) -> None:
    monkeypatch.setattr(checks, name, timedelta(seconds=seconds))
    assert found in ids()


def test_a_queue_that_tries_again_before_the_lease_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "RETRY", LEASE.total_seconds())
    assert ids() == {"lifecycle.E002"}


def test_a_machine_with_a_lease_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    short: Machine[Thing] = Machine("short", Thing, decide, lease=timedelta(seconds=11))
    monkeypatch.setattr(checks, "all_machines", lambda: [short])
    (error,) = check_lifecycles()
    assert "the lease of short" in error.msg
