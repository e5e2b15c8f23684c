"""Setting up providers: by whom, with what, and what the log keeps of it."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.crypto import MASK
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleVersion
from apps.sso import services
from apps.sso.arrivals import Arrival
from apps.sso.models import GroupRole, IdentityProvider, LinkedIdentity
from apps.sso.oidc.problems import ProviderDisabled
from tests.contracts.service import ServiceContract
from tests.people import make_person

pytestmark = pytest.mark.django_db

VALUES = {
    "name": "Keycloak",
    "issuer": "https://login.tidewater.example/realms/staff",
    "client_id": "imp",
    "email_domains": "tidewater.example",
}


def make_provider(**changed: Any) -> IdentityProvider:
    slug = changed.pop("slug", "keycloak")
    return services.create_provider(actor=SYSTEM, slug=slug, client_secret="s3cret", **{**VALUES, **changed})


class OnlyAdministrators(ServiceContract):
    watched = (IdentityProvider, GroupRole)
    allowed = ("yuna",)
    refused = {"alice": NotAllowed, "operator": NotAllowed}

    @pytest.fixture
    def actors(self, alice: User, bob: User, operator: User, yuna: User) -> dict[str, User]:
        return {"alice": alice, "bob": bob, "operator": operator, "yuna": yuna}


class TestCreateProvider(OnlyAdministrators):
    verb = "sso.provider_created"

    def make(self, alice: User, bob: User) -> Any:
        return None

    def call(self, actor: User, row: Any) -> Any:
        services.create_provider(actor=actor, slug="keycloak", client_secret="s3cret", **VALUES)


class TestChangeProvider(OnlyAdministrators):
    verb = "sso.provider_changed"
    slugs = iter(f"provider-{number}" for number in range(100))

    def make(self, alice: User, bob: User) -> Any:
        return make_provider(slug=next(self.slugs))

    def call(self, actor: User, row: Any) -> Any:
        services.change_provider(actor=actor, provider=row, name="Staff")


class TestSetGroupRole(OnlyAdministrators):
    verb = "sso.group_role_set"

    @pytest.fixture(autouse=True)
    def _in(self, tidewater: Any) -> None:
        self.tenant = tidewater

    make = TestChangeProvider.make
    slugs = TestChangeProvider.slugs

    def call(self, actor: User, row: Any) -> Any:
        services.set_group_role(actor=actor, provider=row, group="imp-qa", tenant=self.tenant, role="qa")


class TestRemoveGroupRole(TestSetGroupRole):
    verb = "sso.group_role_removed"

    def make(self, alice: User, bob: User) -> Any:
        provider = make_provider(slug=next(self.slugs))
        return services.set_group_role(actor=SYSTEM, provider=provider, group="a", tenant=self.tenant, role="qa")

    def call(self, actor: User, row: Any) -> Any:
        services.remove_group_role(actor=actor, group_role=row)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"issuer": "http://login.tidewater.example"}, "issuer"),
        ({"issuer": "https://"}, "issuer"),
        ({"issuer": "https://login.example/?x=1"}, "issuer"),
        ({"issuer": "https://[broken"}, "issuer"),
        ({"issuer": "login.example"}, "issuer"),
        ({"scopes": "email profile"}, "scopes"),
        ({"email_domains": ""}, "email_domains"),
        ({"email_domains": "tidewater.example, tidewater"}, "email_domains"),
        ({"session_hours": 0}, "session_hours"),
        ({"session_hours": 721}, "session_hours"),
        ({"name": " "}, "name"),
        ({"client_id": ""}, "client_id"),
        ({"slug": "two words"}, "slug"),
    ],
)
def test_what_cant_work_is_refused_at_its_field(changed, field):
    with pytest.raises(InvalidInput) as raised:
        make_provider(**changed)
    assert list(raised.value.fields) == [field]
    assert not IdentityProvider.objects.exists()


def test_what_was_typed_untidily_is_kept_tidily():
    provider = make_provider(email_domains=" @Tidewater.example ,b.example b.example", scopes="openid  openid email")
    assert provider.email_domains == "tidewater.example, b.example"
    assert provider.scopes == "openid email"
    assert provider.vouches_for("Claes@TIDEWATER.example")
    assert not provider.vouches_for("claes@evil-tidewater.example")
    assert not provider.vouches_for("claes@sub.tidewater.example")


def test_the_secret_is_masked_in_the_log_and_kept_when_nothing_is_given():
    provider = make_provider()
    assert AuditEvent.objects.get(verb="sso.provider_created").after["client_secret"] == MASK
    services.change_provider(actor=SYSTEM, provider=provider, name="Staff")
    assert IdentityProvider.objects.get().client_secret.reveal() == "s3cret"
    services.change_provider(actor=SYSTEM, provider=provider, client_secret="")
    assert IdentityProvider.objects.get().client_secret is None
    event = AuditEvent.objects.filter(verb="sso.provider_changed").latest("pk")
    assert (event.before, event.after) == ({"client_secret": MASK}, {"client_secret": None})


def test_of_two_who_change_it_at_once_one_is_told():
    provider = make_provider()
    other = IdentityProvider.objects.get()
    services.change_provider(actor=SYSTEM, provider=provider, name="First")
    with pytest.raises(StaleVersion):
        services.change_provider(actor=SYSTEM, provider=other, name="Second")


def test_a_provider_that_people_are_linked_to_keeps_its_issuer():
    """The new one could sign in as any of them, by using the same subjects."""
    provider = make_provider()
    LinkedIdentity.objects.create(provider=provider, subject="1", person=make_person("claes"))
    with pytest.raises(Conflict, match="Make a new provider"):
        services.change_provider(actor=SYSTEM, provider=provider, issuer="https://evil.example")
    assert IdentityProvider.objects.get().issuer == VALUES["issuer"]


def test_a_role_must_be_one_of_the_workspaces_kind(tidewater):
    provider = make_provider()
    with pytest.raises(InvalidInput) as raised:
        services.set_group_role(actor=SYSTEM, provider=provider, group="a", tenant=tidewater, role="consumer")
    assert list(raised.value.fields) == ["role"]
    assert not GroupRole.objects.exists()


def test_setting_a_groups_role_again_changes_it_and_the_same_again_nothing(tidewater):
    provider = make_provider()
    for role in ("qa", "viewer", "viewer"):
        services.set_group_role(actor=SYSTEM, provider=provider, group=" imp ", tenant=tidewater, role=role)
    assert GroupRole.objects.values_list("group", "role").get() == ("imp", "viewer")
    events = AuditEvent.objects.filter(verb="sso.group_role_set", tenant_id=tidewater.pk)
    assert [(event.before.get("role"), event.after["role"]) for event in events.order_by("pk")] == [
        (None, "qa"),
        ("qa", "viewer"),
    ]


# --- What people do with their own identities ------------------------------------------------------


class TestLinkIdentity(ServiceContract):
    """Everybody links their own."""

    watched = (LinkedIdentity,)
    verb = "identity.linked"
    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}
    slugs = TestChangeProvider.slugs

    def make(self, alice: User, bob: User) -> Any:
        return make_provider(slug=next(self.slugs))

    def call(self, actor: User, row: Any) -> Any:
        arrival = Arrival(subject=actor.pk, email=actor.email, is_email_verified=False, name="", groups=())
        services.link_identity(actor=actor, provider=row, arrival=arrival)


class TestUnlinkIdentity(OnlyAdministrators):
    """One's own, or as an administrator anybody's."""

    watched = (LinkedIdentity,)
    verb = "identity.unlinked"
    allowed = ("alice", "yuna")
    refused = {"bob": NotFound, "operator": NotAllowed}
    slugs = TestChangeProvider.slugs

    def make(self, alice: User, bob: User) -> Any:
        return LinkedIdentity.objects.create(provider=make_provider(slug=next(self.slugs)), subject="1", person=alice)

    def call(self, actor: User, row: Any) -> Any:
        services.unlink_identity(actor=actor, identity=row)


def test_a_provider_that_was_disabled_a_moment_ago_neither_signs_in_nor_links(alice):
    provider = make_provider()
    services.change_provider(actor=SYSTEM, provider=IdentityProvider.objects.get(), is_enabled=False)
    arrival = Arrival(subject="1", email=alice.email, is_email_verified=True, name="", groups=())
    with pytest.raises(ProviderDisabled):
        services.sign_in(provider=provider, arrival=arrival)
    with pytest.raises(ProviderDisabled):
        services.link_identity(actor=alice, provider=provider, arrival=arrival)
    assert not LinkedIdentity.objects.exists()
