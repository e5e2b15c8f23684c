"""Linking and unlinking, by everybody who may and who may not."""

from itertools import count
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import NotAllowed, NotFound
from apps.sso import services
from apps.sso.arrivals import Arrival
from apps.sso.models import IdentityProvider, LinkedIdentity
from tests.contracts.service import ServiceContract
from tests.sso.test_providers import make_provider

numbers = count(1)


def provider_at_hand() -> IdentityProvider:
    return IdentityProvider.objects.filter(slug="keycloak").first() or make_provider()


class TestLinkIdentity(ServiceContract):
    """To one's own account; there's no other one to name."""

    watched = (LinkedIdentity,)
    verb = "identity.linked"
    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}

    def make(self, alice: User, bob: User) -> IdentityProvider:
        return provider_at_hand()

    def call(self, actor: User, row: IdentityProvider) -> LinkedIdentity:
        arrival = Arrival(f"s{next(numbers)}", actor.email, is_email_verified=True, name="", groups=())
        return services.link_identity(actor=actor, provider=row, arrival=arrival)


class TestUnlinkIdentity(ServiceContract):
    """One's own; a system administrator anybody's."""

    watched = (LinkedIdentity,)
    verb = "identity.unlinked"
    allowed = ("alice", "yuna")
    refused = {"bob": NotFound, "charlie": NotFound, "operator": NotAllowed}

    @pytest.fixture
    def actors(self, alice: User, bob: User, charlie: User, operator: User, yuna: User) -> dict[str, Any]:
        return {"alice": alice, "bob": bob, "charlie": charlie, "operator": operator, "yuna": yuna}

    def make(self, alice: User, bob: User) -> LinkedIdentity:
        LinkedIdentity.objects.all().delete()
        subject = f"s{next(numbers)}"
        return LinkedIdentity.objects.create(provider=provider_at_hand(), subject=subject, person=alice, email="")

    def call(self, actor: User, row: LinkedIdentity) -> None:
        services.unlink_identity(actor=actor, identity=row)
