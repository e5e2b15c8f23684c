"""What every service promises: who may, what is written down, and that a refusal changes nothing."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import pytest
from django.core import serializers
from django.db import models

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import NotAllowed, NotFound, Problem


class ServiceContract(ABC):
    """Give `call` and `make`, and say who may. `make` sets the scene and returns the row, or None before a create."""

    #: The rows that must stay as they are when it's refused
    watched: ClassVar[tuple[type[models.Model], ...]]
    #: Empty: it's of nobody's concern but one's own
    verb: ClassVar[str]
    #: Verbs that are written down besides, such as that of an invitation which comes with a new workspace
    also: ClassVar[tuple[str, ...]] = ()
    allowed: ClassVar[tuple[str, ...]] = ("alice",)
    #: Actor → the refusal they get
    refused: ClassVar[dict[str, type[Problem]]] = {"bob": NotAllowed, "charlie": NotFound}

    @abstractmethod
    def make(self, alice: User, bob: User) -> Any: ...

    @abstractmethod
    def call(self, actor: User, row: Any) -> Any: ...

    @pytest.fixture
    def actors(self, alice: User, bob: User, charlie: User, operator: User) -> dict[str, User]:
        return {"alice": alice, "bob": bob, "charlie": charlie, "operator": operator}

    def test_whoever_may_does_it_and_it_is_written_down(self, actors: dict[str, User]) -> None:
        assert self.allowed
        for name in self.allowed:
            row = self.make(actors["alice"], actors["bob"])
            before = _snapshot(self.watched)
            known = set(AuditEvent.objects.values_list("pk", flat=True))
            self.call(actors[name], row)
            assert _snapshot(self.watched) != before, f"{name} may, but nothing changed"
            events = AuditEvent.objects.exclude(pk__in=known)
            assert sorted(event.verb for event in events) == sorted(filter(None, [self.verb, *self.also]))
            assert {event.actor_id for event in events} <= {actors[name].pk}
            assert all(event.target_id for event in events)

    def test_whoever_may_not_changes_nothing(self, actors: dict[str, User]) -> None:
        assert self.refused or set(self.allowed) == set(actors)
        for name, refusal in self.refused.items():
            row = self.make(actors["alice"], actors["bob"])
            before = _snapshot((*self.watched, AuditEvent))
            with pytest.raises(refusal) as raised:
                self.call(actors[name], row)
            assert raised.type is refusal, f"{name} got {raised.type.__name__}"
            assert _snapshot((*self.watched, AuditEvent)) == before, f"{name} was refused, but something changed"


def _snapshot(kinds: tuple[type[models.Model], ...]) -> str:
    """Every stored value of these tables."""
    return "\n".join(serializers.serialize("json", kind._base_manager.order_by("pk")) for kind in kinds)
