"""Signing in through a real provider: who gets in as whom, and what is asked of the provider."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from apps.sso import services
from apps.sso.models import LinkedIdentity
from apps.tenants.services import invite_person
from tests.people import make_person
from tests.sso.visits import CLAES, fields_of
from tests.tenants.world import member

pytestmark = pytest.mark.django_db


def test_somebody_new_signs_in_and_has_an_account_and_the_role_of_their_group(visit, developers, tidewater):
    answer = visit.sign_in()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    person = visit.person()
    assert (person.email, person.name, person.has_usable_password()) == (CLAES["email"], CLAES["name"], False)
    membership = person.memberships.get()
    assert (membership.tenant, membership.role, membership.given_by) == (tidewater, "api-developer", "sso")
    assert not OutgoingMail.objects.exists()
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))[-4:]
    assert verbs == ["account.signed_up", "identity.linked", "member.joined", "account.signed_in"]


def test_the_second_time_it_is_the_same_person_whatever_name_and_address_they_have_there(visit, developers):
    visit.sign_in()
    first = visit.person()
    visit.client = Client()
    visit.knows(**{**CLAES, "email": "wikstrom@elsewhere.example", "email_verified": False})
    assert visit.sign_in()["Location"] == "/"
    assert visit.person() == first
    assert visit.person().email == CLAES["email"]


def test_a_verified_address_finds_the_account_that_is_there(visit, developers):
    claes = make_person("claes")
    visit.sign_in()
    assert visit.person() == claes
    assert LinkedIdentity.objects.get().person == claes
    claes.refresh_from_db()
    assert claes.has_usable_password()
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.subject) == (claes.email, "Keycloak opens your account now")
    assert "/account#identities" in mail.text.reveal()


def test_the_request_has_state_nonce_and_the_challenge_and_none_of_them_twice(visit):
    first, second = (fields_of(visit.leave()) for _ in range(2))
    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "http://testserver/sso/keycloak/callback"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_two_tabs_sign_in_side_by_side(visit, developers):
    first, second = visit.leave(), visit.leave()
    assert visit.come_back(second)["Location"] == "/"
    assert visit.come_back(first)["Location"] == "/"


def test_one_goes_on_to_where_one_wanted_to_go_and_only_on_this_host(visit, developers):
    assert visit.sign_in(path="/sso/keycloak?next=/account%23identities")["Location"] == "/account#identities"
    assert visit.sign_in(path="/sso/keycloak?next=https://evil.example/")["Location"] == "/"


def test_the_second_factor_of_the_account_is_asked_for_as_ever(visit, developers, secret_of):
    claes = make_person("claes")
    code = secret_of(claes)
    answer = visit.sign_in()
    assert answer["Location"] == "/sign-in/code"
    assert visit.person() is None
    assert visit.client.post("/sign-in/code", {"code": code()})["Location"] == "/"
    assert visit.person() == claes
    assert "sso" in visit.client.session


def test_a_session_lasts_as_long_as_the_provider_is_set_up_for(visit, developers, keycloak, yuna, time_machine):
    services.change_provider(actor=yuna, provider=keycloak, session_hours=3)
    visit.sign_in()
    assert visit.client.get("/account").status_code == 200
    time_machine.move_to(clock.now() + timedelta(hours=3, minutes=1))
    assert visit.client.get("/account")["Location"].startswith("/sign-in")


@pytest.mark.parametrize("client_id", ["imp-public", "imp-post"])
def test_a_client_without_a_secret_and_one_that_posts_it_get_in_too(visit, developers, keycloak, yuna, client_id):
    secret = "" if client_id == "imp-public" else None
    services.change_provider(actor=yuna, provider=keycloak, client_id=client_id, client_secret=secret)
    assert visit.sign_in()["Location"] == "/"


def test_claims_in_the_id_token_need_no_userinfo(visit, developers):
    visit.oidc.set(inIdToken=True)
    visit.sign_in()
    assert visit.person().memberships.get().role == "api-developer"
    assert not [each for each in visit.oidc.requests() if each.endswith("/me")]


def test_metadata_and_keys_are_asked_for_once_and_not_for_each_person(visit, developers):
    visit.sign_in()
    visit.client = Client()
    visit.oidc.set()
    visit.sign_in()
    asked = visit.oidc.requests()
    assert "POST /token" in asked
    assert "GET /jwks" not in asked
    assert "GET /.well-known/openid-configuration" not in asked


def test_new_keys_of_the_provider_are_found_by_themselves(visit, developers):
    visit.sign_in()
    visit.client = Client()
    visit.oidc.set(rotated=True)
    assert visit.sign_in()["Location"] == "/"
    assert visit.oidc.requests().count("GET /jwks") == 1


def test_an_invited_person_without_a_group_gets_in_to_accept(visit, alice, tidewater):
    invite_person(actor=member(alice, tidewater), email=CLAES["email"], role="qa")
    visit.knows(**{**CLAES, "groups": []})
    assert visit.sign_in(path="/sso/keycloak?next=/account")["Location"] == "/account"


def test_the_button_is_on_the_sign_in_page_and_keeps_where_one_wanted_to_go(client, keycloak, yuna):
    page = client.get("/sign-in?next=/account").content.decode()
    assert "Continue with Keycloak" in page
    assert 'href="/sso/keycloak?next=%2Faccount"' in page
    services.change_provider(actor=yuna, provider=keycloak, is_enabled=False)
    assert "Keycloak" not in client.get("/sign-in").content.decode()
