"""Something with a life cycle that is no part of the product: a thing that is made in three steps, or unmade in two."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection, models
from django.test.utils import isolate_apps

from apps.core.ids import IdField
from apps.core.lifecycle import Machine, Move
from apps.core.lifecycle.models import LifecycleEvent, Living
from apps.core.queue.models import QueuedTask

EFFECTS = """
CREATE TABLE IF NOT EXISTS lifecycle_effect (
    id bigserial PRIMARY KEY, thing text, step text, fence bigint, pid integer,
    at timestamptz DEFAULT clock_timestamp()
)
"""
MAKING, UNMAKING = ("cut", "join", "paint"), ("strip", "split")

with isolate_apps("tests.sample"):

    class Thing(Living):
        id = IdField(prefix="thg")
        state = models.CharField(max_length=16, default="made")
        phase = models.CharField(max_length=16, default="new")

        class Meta(Living.Meta):
            app_label = "sample"
            db_table = "lifecycle_thing"


Act = Callable[[Thing], None]
# What tests put in the place of a step; processes that are forked then know it too
acts: dict[str, Act] = {}
# Which thing a machine tells of, and how
told: list[tuple[str, str]] = []


def decide(thing: Thing) -> Move[Thing] | None:
    if thing.state not in ("made", "unmade"):
        raise ValueError(f"nobody knows how to be {thing.state}")
    match thing.state, thing.phase:
        case "made", "new" | "unmaking":
            return Move("making")
        case "unmade", "made" | "making":
            return Move("unmaking")
        case _, "making":
            return _step(thing, MAKING, "made")
        case _, "unmaking":
            return _step(thing, UNMAKING, "new")
        case _:
            return None


def _step(thing: Thing, steps: tuple[str, ...], leads_to: str) -> Move[Thing]:
    done = steps.index(thing.checkpoint) + 1 if thing.checkpoint in steps else 0
    if done == len(steps):
        return Move(leads_to)
    name = steps[done]
    return Move(thing.phase, checkpoint=name, step=name, act=_act(name))


def _act(step: str) -> Act:
    def act(thing: Thing) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO lifecycle_effect (thing, step, fence, pid) VALUES (%s, %s, %s, %s)",
                [thing.pk, step, thing.fence, os.getpid()],
            )
        if step in acts:
            acts[step](thing)

    return act


def changed(thing: Thing) -> None:
    told.append(("changed", thing.phase))


def moved(thing: Thing) -> None:
    told.append(("moved", thing.checkpoint or thing.phase))


MACHINE: Machine[Thing] = Machine("thing", Thing, decide, changed, moved)


def lines(thing: Thing, **narrow: object) -> list[LifecycleEvent]:
    return list(LifecycleEvent.objects.filter(subject_id=thing.pk, **narrow).order_by("id"))


def effects(thing: Thing) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT step FROM lifecycle_effect WHERE thing = %s ORDER BY id", [thing.pk])
        return [row[0] for row in cursor.fetchall()]


def hints() -> int:
    return QueuedTask.objects.filter(function="apps.core.lifecycle.tasks.advance_row").count()


def forget_hints() -> None:
    """As when a queue is lost, or a worker dies with a task in its hand."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_queuedtask")
        cursor.execute("DELETE FROM django_q_ormq")


def write(thing: Thing, **values: Any) -> None:
    """Past the kernel, as what happens elsewhere at the same time."""
    Thing.objects.filter(pk=thing.pk).update(**values)


def seen(thing: Thing) -> Mapping[str, Any]:
    return Thing.objects.filter(pk=thing.pk).values().get()
