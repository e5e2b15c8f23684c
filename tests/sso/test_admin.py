"""An operator sets a provider up in the admin, and it counts from the next click on."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.sso import services
from apps.sso.models import GroupRole, IdentityProvider, LinkedIdentity
from tests.people import make_person
from tests.sso.running import SECRET
from tests.sso.visits import Visit

pytestmark = pytest.mark.django_db
ADD = "/admin/sso/identityprovider/add/"


@pytest.fixture
def admin(yuna) -> Client:
    client = Client()
    client.force_login(yuna)
    return client


def typed(oidc: Any, **changed: Any) -> dict[str, Any]:
    return {
        "name": "Keycloak",
        "slug": "keycloak",
        "issuer": oidc.issuer,
        "client_id": "imp",
        "new_secret": SECRET,
        "scopes": "openid email profile",
        "groups_claim": "groups",
        "email_domains": "tidewater.example",
        "session_hours": "12",
        "is_enabled": "on",
        **changed,
    }


def lines(*rows: dict[str, Any], there: int = 0) -> dict[str, Any]:
    """The groups' part of the form."""
    fields = {"group_roles-TOTAL_FORMS": len(rows), "group_roles-INITIAL_FORMS": there}
    return fields | {
        f"group_roles-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()
    }


def change_of(provider: IdentityProvider) -> str:
    return f"/admin/sso/identityprovider/{provider.pk}/change/"


def messages_of(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", page).replace("&#x27;", "'").replace("&amp;", "&")


def test_set_up_in_the_admin_and_signed_in_through_without_a_restart(admin, oidc, tidewater):
    answer = admin.post(ADD, typed(oidc))
    assert answer.status_code == 302, answer.content.decode()
    provider = IdentityProvider.objects.get()
    assert provider.client_secret.reveal() == SECRET
    row = {"group": "imp-developers", "workspace": tidewater.pk, "role": "api-developer"}
    answer = admin.post(change_of(provider), typed(oidc, new_secret="", shown_version=1) | lines(row))
    assert answer.status_code == 302, answer.content.decode()
    visit = Visit(oidc, Client())
    assert visit.sign_in()["Location"] == "/"
    assert visit.person().memberships.get().role == "api-developer"


def test_the_page_says_what_to_enter_at_the_provider_and_never_the_secret(admin, keycloak):
    page = admin.get(change_of(keycloak)).content.decode()
    assert "http://testserver/sso/keycloak/callback" in page
    assert "http://testserver/sign-in" in page
    assert SECRET not in page
    assert "a secret" not in page


def test_what_is_wrong_stands_at_its_field_with_the_rest_kept(admin, oidc):
    answer = admin.post(ADD, typed(oidc, issuer="http://login.example", new_secret=""))
    page = messages_of(answer.content.decode())
    assert answer.status_code == 200
    assert "It must begin with https:// and name a host." in page
    assert "Copy it from the provider, or say that it's a public client." in page
    assert 'value="tidewater.example"' in answer.content.decode()
    assert not IdentityProvider.objects.exists()


def test_groups_are_added_changed_and_taken_away_each_through_its_service(admin, oidc, keycloak, tidewater, hanbit):
    first = {"group": "a", "workspace": tidewater.pk, "role": "qa"}
    second = {"group": "b", "workspace": tidewater.pk, "role": "viewer"}
    base = typed(oidc, new_secret="", shown_version=1)
    assert admin.post(change_of(keycloak), base | lines(first, second)).status_code == 302
    ids = {rule.group: rule.pk for rule in GroupRole.objects.all()}
    moved = {"id": ids["a"], "group": "a", "workspace": hanbit.pk, "role": "qa"}
    gone = {"id": ids["b"], **second, "DELETE": "on"}
    assert admin.post(change_of(keycloak), base | lines(moved, gone, there=2)).status_code == 302
    assert list(GroupRole.objects.values_list("group", "tenant", "role")) == [("a", hanbit.pk, "qa")]
    verbs = list(AuditEvent.objects.filter(verb__startswith="sso.group").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["sso.group_role_set"] * 2 + [
        "sso.group_role_removed",
        "sso.group_role_set",
        "sso.group_role_removed",
    ]


def test_a_role_that_the_workspace_doesnt_have_is_refused_in_its_line(admin, oidc, keycloak, tidewater):
    row = {"group": "a", "workspace": tidewater.pk, "role": "consumer"}
    answer = admin.post(change_of(keycloak), typed(oidc, new_secret="", shown_version=1) | lines(row))
    assert "Tidewater has no such role." in messages_of(answer.content.decode())
    assert not GroupRole.objects.exists()


def test_whoever_saves_second_is_told(admin, oidc, keycloak):
    assert admin.post(change_of(keycloak), typed(oidc, name="A", new_secret="", shown_version=1) | lines())
    answer = admin.post(
        change_of(keycloak), typed(oidc, name="B", new_secret="", shown_version=1) | lines(), follow=True
    )
    assert "Someone saved first" in answer.content.decode()
    assert IdentityProvider.objects.get().name == "A"


def test_an_operator_who_is_no_administrator_looks_and_changes_nothing(client, operator, oidc, keycloak):
    client.force_login(operator)
    page = client.get(change_of(keycloak)).content.decode()
    assert keycloak.issuer in page
    assert 'name="new_secret"' not in page
    assert client.post(change_of(keycloak), typed(oidc, name="X") | lines()).status_code == 403
    assert client.get(ADD).status_code == 403
    assert IdentityProvider.objects.get().name == "Keycloak"


def test_an_administrator_unlinks_somebody_who_cant(admin, keycloak):
    identity = LinkedIdentity.objects.create(provider=keycloak, subject="1", person=make_person("claes"))
    fields = {"action": "unlink", "_selected_action": [identity.pk], "index": "0"}
    assert "1 unlinked." in admin.post("/admin/sso/linkedidentity/", fields, follow=True).content.decode()
    assert not LinkedIdentity.objects.exists()
    assert AuditEvent.objects.get(verb="identity.unlinked").before["provider"] == "Keycloak"


# --- Testing the connection ------------------------------------------------------------------------


def findings_of(admin: Client, provider: IdentityProvider) -> str:
    path = change_of(provider).replace("/change/", "/test-connection/")
    return messages_of(admin.get(path, follow=True).content.decode())


def test_the_button_is_there_and_says_that_all_is_well(admin, keycloak):
    assert "/test-connection" in admin.get(change_of(keycloak)).content.decode()
    page = findings_of(admin, keycloak)
    assert f"The provider answers as {keycloak.issuer}." in page
    assert "It signs with 1 key." in page
    assert "It knows the client and its secret" in page
    assert "Signing out here signs out there too." in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"client_secret": "not-it"}, "It refuses the client: compare client id and secret with what it has."),
        ({"client_id": "nobody"}, "It refuses the client: compare client id and secret with what it has."),
        ({"scopes": "openid email profile groups"}, "It doesn't know these scopes: groups."),
        ({"issuer": "http://127.0.0.1:1"}, "The provider doesn't answer: 127.0.0.1"),
    ],
)
def test_the_test_names_what_is_wrong(admin, keycloak, changed, sentence):
    services.change_provider(actor=SYSTEM, provider=keycloak, **changed)
    assert sentence in findings_of(admin, keycloak)


def test_the_test_says_how_the_provider_calls_itself(admin, keycloak):
    services.change_provider(actor=SYSTEM, provider=keycloak, issuer=keycloak.issuer + "/")
    page = findings_of(admin, keycloak)
    assert f"it calls itself {keycloak.issuer.rstrip('/')}, not {keycloak.issuer.rstrip('/')}/" in page
