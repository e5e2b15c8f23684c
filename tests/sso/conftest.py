from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import User
from apps.accounts.second_factor.adapter import secrets_of
from apps.audit.services import SYSTEM
from apps.sso import services
from apps.sso.models import IdentityProvider
from apps.sso.oidc import discovery
from apps.tenants.models import Tenant
from tests.accounts.codes import code_of
from tests.sso.running import SECRET, RunningProvider, running
from tests.sso.visits import Visit


@pytest.fixture(scope="session")
def provider_process() -> Iterator[RunningProvider]:
    yield from running()


@pytest.fixture
def oidc(provider_process: RunningProvider) -> RunningProvider:
    """The running provider, as if nobody had ever been there, and forgotten by us."""
    provider_process.set_up()
    discovery.forget_all()
    return provider_process


@pytest.fixture(autouse=True)
def _nothing_used_yet(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def keycloak(oidc: RunningProvider) -> IdentityProvider:
    return services.create_provider(actor=SYSTEM, slug="keycloak", client_secret=SECRET, **settings_of(oidc))


def settings_of(oidc: RunningProvider, **changed: Any) -> dict[str, Any]:
    return {
        "name": "Keycloak",
        "issuer": oidc.issuer,
        "client_id": "imp",
        "email_domains": "tidewater.example",
        **changed,
    }


@pytest.fixture
def developers(keycloak: IdentityProvider, tidewater: Tenant) -> None:
    """Whoever is in the group develops for Tidewater."""
    services.set_group_role(
        actor=SYSTEM, provider=keycloak, group="imp-developers", tenant=tidewater, role="api-developer"
    )


@pytest.fixture
def visit(oidc: RunningProvider, keycloak: IdentityProvider) -> Visit:
    """Claes's browser; the provider has him in the group."""
    return Visit(oidc, Client())


@pytest.fixture
def secret_of() -> Callable[[User], Callable[[], str]]:
    """Turns on somebody's second factor; what it gives says the code of the moment."""

    def turn_on(person: User) -> Callable[[], str]:
        secret = generate_totp_secret()
        with secrets_of(person):
            TOTP.activate(person, secret)
        return lambda: code_of(secret)

    return turn_on
