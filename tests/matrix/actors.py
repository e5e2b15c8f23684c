"""Everybody who could ask for something, each signed in or with a token, in a world with all there is to ask for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import import_module
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client

from apps.access.services import create_token
from apps.accounts.models import User
from apps.core import clock
from apps.sso.models import IdentityProvider
from apps.tenants.models import Tenant
from apps.tenants.roles import ROLES_OF, SCOPES, Kind, Role
from apps.tenants.view_as.services import start_viewing
from apps.tenants.view_as.viewing import Viewing
from tests.matrix.things import (
    PROVIDER_SLUG,
    FleetThings,
    OwnThings,
    Things,
    draft_of,
    make_fleet_things,
    make_own_things,
    make_things,
)
from tests.people import give_second_factor, make_person
from tests.tenants.world import join, make_tenant

ANONYMOUS, OUTSIDER, SUSPENDED = "anonymous", "outsider", "suspended"
NARROW_TOKEN, READING_TOKEN = "narrow-token", "reading-token"
OPERATOR, SYSTEM_ADMIN = "sre-operator", "system-admin"
# A system administrator who has no second factor
BARE_ADMIN = "bare-admin"
PROVIDERS = tuple(f"provider's {role}" for role in ROLES_OF[Kind.PROVIDER])
CUSTOMERS = tuple(f"customer's {role}" for role in ROLES_OF[Kind.CUSTOMER])
MEMBERS = (*PROVIDERS, *CUSTOMERS)
OPERATORS = (OPERATOR, SYSTEM_ADMIN, BARE_ADMIN)
EVERYBODY = (ANONYMOUS, OUTSIDER, *MEMBERS, SUSPENDED, NARROW_TOKEN, READING_TOKEN, *OPERATORS)

# What no endpoint of today needs
UNRELATED_SCOPE = "functions:read"

# A table's column → whose answers stand in it. All columns of a table together are everybody
COLUMNS: dict[str, tuple[str, ...]] = {
    ANONYMOUS: (ANONYMOUS,),
    OUTSIDER: (OUTSIDER,),
    SUSPENDED: (SUSPENDED,),
    NARROW_TOKEN: (NARROW_TOKEN,),
    READING_TOKEN: (READING_TOKEN,),
    OPERATOR: (OPERATOR,),
    SYSTEM_ADMIN: (SYSTEM_ADMIN,),
    BARE_ADMIN: (BARE_ADMIN,),
    **{role: tuple(name for name in MEMBERS if name.endswith(f"'s {role}")) for role in Role.values},
    "person": (OUTSIDER, *MEMBERS, SUSPENDED),
    "member": MEMBERS,
    "operator": (OPERATOR, SYSTEM_ADMIN),
    "token": (NARROW_TOKEN, READING_TOKEN),
}


@dataclass(frozen=True)
class Actor:
    """`tenant` is the workspace that they ask about, whether they're in it or not."""

    world: "World" = field(repr=False)
    name: str
    tenant: Tenant
    things: Things
    #: Of themselves; of somebody else for those without an account
    own: OwnThings
    person: User | None = None
    session_key: str = ""
    token: str = ""

    def client(self) -> Client:
        """A fresh one: no request leaves anything behind for the next."""
        client = Client(raise_request_exception=False)
        if self.session_key:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.session_key
        return client

    @property
    def is_customer(self) -> bool:
        return self.tenant.kind == Kind.CUSTOMER

    @property
    def owner(self) -> "Actor":
        """Who may do everything in the tenant that this one asks about."""
        return self.world.actors["customer's owner" if self.is_customer else "provider's owner"]


@dataclass(frozen=True)
class World:
    tidewater: Tenant
    greenmarket: Tenant
    hanbit: Tenant
    closed: Tenant
    provider: IdentityProvider
    fleet: FleetThings
    actors: dict[str, Actor] = field(default_factory=dict, repr=False)


def make_world() -> World:
    world = World(
        tidewater=make_tenant("Tidewater"),
        greenmarket=make_tenant("Greenmarket", Kind.CUSTOMER),
        hanbit=make_tenant("Hanbit"),
        closed=make_tenant("Closed"),
        # Nothing answers on that port, so whoever may go there learns that it's away
        provider=IdentityProvider.objects.create(
            name="Harbour", slug=PROVIDER_SLUG, issuer="http://127.0.0.1:9", client_id="imp", email_domains="*"
        ),
        fleet=make_fleet_things(),
    )
    make = _maker(world)
    make(ANONYMOUS, world.tidewater, None)
    outsider = _person(OUTSIDER)
    join(outsider, world.hanbit, Role.OWNER)
    make(OUTSIDER, world.tidewater, outsider)
    for names, tenant in ((PROVIDERS, world.tidewater), (CUSTOMERS, world.greenmarket)):
        for name in names:
            person = _person(name)
            join(person, tenant, name.partition("'s ")[2])
            make(name, tenant, person)
    _make_token_holders(world, make)
    suspended = _person(SUSPENDED)
    join(suspended, world.closed, Role.OWNER)
    world.closed.suspended_at, world.closed.suspended_because = clock.now(), "The invoice of May is open."
    world.closed.save()
    make(SUSPENDED, world.closed, suspended)
    for name in OPERATORS:
        person = _person(name, is_staff=True, is_superuser=name != OPERATOR)
        if name != BARE_ADMIN:
            give_second_factor(person)
        make(name, world.tidewater, person)
    return world


Make = Callable[..., None]


def _maker(world: World) -> Make:
    things = {tenant.pk: make_things(tenant) for tenant in (world.tidewater, world.greenmarket, world.closed)}

    inviting = make_tenant("Inviting")
    nobodys = make_own_things(make_person("nobody"), world.provider, inviting)

    def make(name: str, tenant: Tenant, person: User | None, *, token: str = "") -> None:
        session_key = sign_in(person) if person is not None and not token else ""
        own = make_own_things(person, world.provider, inviting) if person is not None else nobodys
        if person is not None:
            draft_of(person, things[tenant.pk].function)
        world.actors[name] = Actor(world, name, tenant, things[tenant.pk], own, person, session_key, token)

    return make


def _make_token_holders(world: World, make: Make) -> None:
    """Tokens of somebody who may do everything there; so what is refused is refused to the token."""
    for name, scopes in (
        (NARROW_TOKEN, [UNRELATED_SCOPE]),
        (READING_TOKEN, [scope for scope in SCOPES if scope.endswith(":read")]),
    ):
        person = _person(name)
        join(person, world.tidewater, Role.OWNER)
        token = create_token(actor=person, name=name, scopes=scopes, expires_at=clock.now() + timedelta(days=1))
        assert token.secret is not None
        make(name, world.tidewater, person, token=token.secret.reveal())


def _person(name: str, **fields: Any) -> User:
    return make_person(name.replace("'s ", "-"), **fields)


def looking_as(operator: Actor, seen: Actor) -> Actor:
    """The operator, who looks at the console through somebody else's eyes."""
    assert operator.person is not None
    assert seen.person is not None
    viewing = start_viewing(actor=operator.person, person=seen.person, reason="Ticket 4711")
    return replace(seen, name=f"{operator.name} as {seen.name}", session_key=sign_in(operator.person, viewing))


def sign_in(person: User, viewing: Viewing | None = None) -> str:
    """A session whose person proved a moment ago who they are; its key."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    if viewing is not None:
        viewing.keep(session)
    session[SESSION_KEY] = person.pk
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    # However slow the machine is, it stays a moment ago
    proven_at = time() + 24 * 3600
    session["account_authentication_methods"] = [{"method": "password", "at": proven_at, "reauthenticated": True}]
    session["account_authentication_methods_user"] = person.pk
    session.save()
    key: str = session.session_key
    return key
