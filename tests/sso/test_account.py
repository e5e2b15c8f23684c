"""Linking and unlinking on the account's page, confirming who one is there, and signing out at the provider."""

import base64
import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils.html import escape

from apps.accounts.departures import belongings_of
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.crypto import keys
from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.core.mail.models import OutgoingMail
from apps.sso import services
from apps.sso.models import GivenRole, IdentityProvider, LinkedIdentity
from apps.sso.oidc import flow
from apps.sso.oidc.problems import ProviderUnreachable
from tests.people import PASSWORD, make_person
from tests.sso.running import SECRET
from tests.sso.visits import CLAES, Visit, fields_of
from tests.tenants.world import join

pytestmark = pytest.mark.django_db


@pytest.fixture
def claes(tidewater) -> User:
    person = make_person("claes")
    join(person, tidewater, "qa")
    return person


@pytest.fixture
def at_home(visit: Visit, claes: User) -> Visit:
    """Signed in here with the password, which was confirmed just now."""
    visit.client.force_login(claes)
    confirm_by_password(visit.client)
    return visit


def confirm_by_password(client: Client) -> None:
    assert client.post("/account/confirm?next=/account", {"password": PASSWORD}).status_code == 302


def leads_to(answer: Any) -> str:
    """Where the page goes on to by itself."""
    page = answer.content.decode()
    assert answer.status_code == 200, page
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert found, page
    assert f'href="{found[1]}"' in page
    return found[1].replace("&amp;", "&")


def link(visit: Visit, **who: Any) -> Any:
    return visit.come_back(leads_to(visit.client.post("/account/identities/keycloak/link")), **who)


# --- Linking ---------------------------------------------------------------------------------------


def test_somebody_links_an_identity_with_another_address_and_signs_in_with_it(at_home, claes):
    at_home.knows(**{**CLAES, "email": "someone@elsewhere.example", "email_verified": False})
    assert link(at_home)["Location"] == "/account#identities"
    page = at_home.client.get("/account").content.decode()
    assert "Keycloak is linked" in page
    assert "someone@elsewhere.example" in page
    assert OutgoingMail.objects.get().to == claes.email
    event = AuditEvent.objects.get(verb="identity.linked")
    assert (event.actor_id, event.after["provider"]) == (claes.pk, "Keycloak")
    at_home.client = Client()
    at_home.sign_in()
    assert at_home.person() == claes


def test_linking_asks_for_the_password_first_and_then_goes_on(visit, claes):
    visit.client.force_login(claes)
    answer = visit.client.post("/account/identities/keycloak/link")
    assert answer["Location"].startswith("/account/confirm?next=")
    answer = visit.client.post(answer["Location"], {"password": PASSWORD})
    assert visit.come_back(leads_to(answer))["Location"] == "/account#identities"
    assert LinkedIdentity.objects.get().person == claes


def test_whoever_takes_their_data_along_finds_it_there(at_home, claes):
    link(at_home)
    kept = belongings_of(claes)["identities"]
    assert [(each["provider"], each["subject"]) for each in kept] == [("Keycloak", "claes")]


def test_linking_takes_a_form_of_ours(at_home):
    client = Client(enforce_csrf_checks=True)
    client.cookies = at_home.client.cookies
    assert client.post("/account/identities/keycloak/link").status_code == 403
    assert at_home.client.get("/account/identities/keycloak/link").status_code == 405
    assert Client().post("/account/identities/keycloak/link")["Location"].startswith("/sign-in")


def test_an_identity_of_somebody_else_isnt_linked(at_home, claes, developers):
    other = make_person("other")
    LinkedIdentity.objects.create(provider=IdentityProvider.objects.get(), subject="claes", person=other)
    answer = link(at_home)
    assert answer.status_code == 409
    assert "linked to another account" in answer.content.decode()
    assert LinkedIdentity.objects.get().person == other


def test_a_second_identity_at_the_same_provider_is_refused_with_what_to_do(at_home):
    link(at_home)
    at_home.knows("twin", **CLAES)
    at_home.visitor = type(at_home.visitor)()
    answer = link(at_home, login="twin")
    assert answer.status_code == 409
    assert "Unlink that one first." in answer.content.decode()
    assert LinkedIdentity.objects.get().subject == "claes"


def test_somebody_else_who_signed_in_meanwhile_doesnt_get_it(at_home, bob):
    url = leads_to(at_home.client.post("/account/identities/keycloak/link"))
    at_home.client.force_login(bob)
    answer = at_home.come_back(url)
    assert answer.status_code == 400
    assert not LinkedIdentity.objects.exists()


def test_linking_gives_the_roles_of_the_groups_where_nobody_gave_one_by_hand(at_home, claes, keycloak, hanbit):
    services.set_group_role(actor=SYSTEM, provider=keycloak, group="staff", tenant=hanbit, role="viewer")
    link(at_home)
    assert {(row.tenant.name, row.role) for row in claes.memberships.all()} == {
        ("Tidewater", "qa"),
        ("Hanbit", "viewer"),
    }


# --- Unlinking -------------------------------------------------------------------------------------


@pytest.fixture
def linked(at_home: Visit, keycloak, hanbit) -> LinkedIdentity:
    services.set_group_role(actor=SYSTEM, provider=keycloak, group="staff", tenant=hanbit, role="viewer")
    link(at_home)
    return LinkedIdentity.objects.get()


def test_unlinking_names_the_roles_that_end_and_ends_them(at_home, linked, claes):
    path = f"/account/identities/{linked.pk}/unlink"
    page = at_home.client.get(path).content.decode()
    assert "Unlink Keycloak?" in page
    assert "Hanbit" in page
    assert "Your role viewer ends" in page
    assert "Tidewater" not in page.partition('class="touches"')[2].partition("</dl>")[0]
    assert at_home.client.post(path)["Location"] == "/account#identities"
    assert [row.tenant.name for row in claes.memberships.all()] == ["Tidewater"]
    assert not LinkedIdentity.objects.exists()
    assert not GivenRole.objects.exists()
    assert AuditEvent.objects.get(verb="identity.unlinked").before["provider"] == "Keycloak"


def test_unlinking_the_only_way_in_is_refused(at_home, linked, claes):
    claes.set_unusable_password()
    claes.save()
    with pytest.raises(Conflict, match="Set a password first"):
        services.unlink_identity(actor=claes, identity=linked)
    assert LinkedIdentity.objects.exists()
    assert GivenRole.objects.exists()


def test_nobody_unlinks_somebody_elses(at_home, linked, alice, operator, yuna):
    for person, refusal in ((alice, NotFound), (operator, NotAllowed)):
        with pytest.raises(refusal):
            services.unlink_identity(actor=person, identity=linked)
    client = Client()
    client.force_login(alice)
    confirm_by_password(client)
    assert client.post(f"/account/identities/{linked.pk}/unlink").status_code == 404
    assert LinkedIdentity.objects.exists()
    services.unlink_identity(actor=yuna, identity=linked)
    assert not LinkedIdentity.objects.exists()


# --- Confirming ------------------------------------------------------------------------------------


@pytest.fixture
def without_password(visit: Visit, developers: None) -> Visit:
    """Claes came through the provider and has no password here."""
    visit.sign_in()
    return visit


def test_somebody_without_a_password_confirms_at_the_provider_and_goes_on_with_what_they_began(without_password):
    visit = without_password
    pk = LinkedIdentity.objects.get().pk
    answer = visit.client.get(f"/account/identities/{pk}/unlink")
    answer = visit.client.get(answer["Location"])
    assert unquote(answer["Location"]) == f"/account/confirm/with/keycloak?next=/account/identities/{pk}/unlink"
    url = leads_to(visit.client.get(answer["Location"]))
    assert fields_of(url)["prompt"] == "login"
    assert visit.come_back(url)["Location"] == f"/account/identities/{pk}/unlink"
    assert visit.client.get(f"/account/identities/{pk}/unlink").status_code == 200


def test_a_form_that_was_sent_before_confirming_goes_through_after_it(without_password, keycloak, yuna):
    other = {"name": "Other", "issuer": keycloak.issuer, "client_id": "imp-public", "email_domains": "*"}
    services.create_provider(actor=yuna, slug="other", **other)
    answer = without_password.client.post("/account/identities/other/link")
    assert unquote(answer["Location"]) == "/account/confirm/with/keycloak?next=/account/identities/other/link"
    answer = without_password.come_back(leads_to(without_password.client.get(answer["Location"])))
    assert "redirect_uri=http%3A%2F%2Ftestserver%2Fsso%2Fother%2Fcallback" in leads_to(answer)


def test_confirming_wants_the_same_person_and_a_sign_in_of_this_moment(without_password):
    visit = without_password
    start = "/account/confirm/with/keycloak?next=/account"
    visit.knows("somebody", **{**CLAES, "email": "somebody@tidewater.example"})
    answer = visit.come_back(leads_to(visit.client.get(start)), login="somebody")
    assert answer.status_code == 403
    assert "didn't ask who you are" in answer.content.decode().replace("&#x27;", "'")
    visit.knows(**CLAES)
    for auth_time in (1_700_000_000, None, "now"):
        visit.oidc.set(fault={"claims": {"auth_time": auth_time}})
        answer = visit.come_back(leads_to(visit.client.get(start)))
        assert answer.status_code == 403, auth_time
    assert visit.client.get(f"/account/identities/{LinkedIdentity.objects.get().pk}/unlink").status_code == 302


def test_somebody_with_a_password_may_use_either(at_home, linked, claes):
    client = Client()
    client.force_login(claes)
    page = client.get("/account/confirm?next=/account").content.decode()
    assert "Use Keycloak" in page
    assert "/account/confirm/with/keycloak" in page


# --- Signing out -----------------------------------------------------------------------------------


def test_signing_out_goes_on_to_the_provider_and_ends_the_session_there(visit, developers):
    visit.sign_in()
    answer = visit.client.post("/sign-out")
    assert answer["Location"] == "/sign-out/provider"
    assert visit.person() is None
    answer = visit.client.get(answer["Location"])
    assert "no-store" in answer["Cache-Control"]
    url = leads_to(answer)
    assert fields_of(url)["client_id"] == "imp"
    assert fields_of(url)["id_token_hint"].count(".") == 2
    assert visit.visitor.go(url, login="nobody") == "http://testserver/sign-in"
    # There they ask again who it is: somebody else can sign in
    visit.knows("other", **{**CLAES, "email": "other@tidewater.example"})
    visit.sign_in(login="other")
    assert visit.person().email == "other@tidewater.example"


def test_the_id_token_lies_sealed_in_the_session_and_opens_for_its_person_only(visit, developers):
    visit.sign_in()
    kept = visit.client.session["sso"]["id_token"]
    assert not kept.startswith("ey")
    assert "eyJ" not in escape(str(dict(visit.client.session)))


def test_a_key_that_is_gone_signs_out_without_the_hint(visit, developers, settings):
    visit.sign_in()
    visit.client.post("/sign-out")
    settings.ENCRYPTION_KEYS = f"another:{base64.b64encode(bytes(range(32))).decode()}"
    url = leads_to(visit.client.get("/sign-out/provider"))
    assert "id_token_hint" not in fields_of(url)
    assert keys.keyring().current_id == "another"


def test_a_provider_that_is_down_signs_out_here_and_says_so(visit, developers, monkeypatch):
    visit.sign_in()
    visit.client.post("/sign-out")

    def down(issuer: str) -> None:
        raise ProviderUnreachable(reason="down")

    monkeypatch.setattr(flow, "metadata_of", down)
    answer = visit.client.get("/sign-out/provider", follow=True)
    assert answer.redirect_chain == [("/sign-in", 302)]
    assert "maybe not at Keycloak" in answer.content.decode()


def test_whoever_signed_in_with_a_password_goes_to_no_provider(visit, claes):
    visit.client.post("/sign-in", {"login": claes.email, "password": PASSWORD})
    assert visit.client.post("/sign-out")["Location"] == "/sign-in"
    assert visit.client.get("/sign-out/provider")["Location"] == "/sign-in"


def test_somebody_elses_sign_in_in_the_same_browser_keeps_nothing_of_the_provider(visit, developers, bob):
    visit.sign_in()
    visit.client.post("/sign-out")
    visit.client.post("/sign-in", {"login": bob.email, "password": PASSWORD})
    assert "sso" not in visit.client.session
    assert visit.client.post("/sign-out")["Location"] == "/sign-in"


def test_a_sign_in_that_stops_at_the_second_factor_leaves_nothing_for_the_next_person(
    visit, developers, claes, bob, secret_of
):
    secret_of(claes)
    assert visit.sign_in()["Location"] == "/sign-in/code"
    visit.client.post("/sign-out")
    visit.client.post("/sign-in", {"login": bob.email, "password": PASSWORD})
    assert visit.person() == bob
    assert "sso" not in visit.client.session


def test_the_secret_stays_sealed(keycloak):
    assert keycloak.client_secret.reveal() == SECRET
    assert SECRET not in str(AuditEvent.objects.get(verb="sso.provider_created").after)
