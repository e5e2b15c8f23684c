"""Everything that is wrong with an answer is refused with its own sentence, and nobody is signed in."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.sso import services
from apps.sso.models import GivenRole, LinkedIdentity
from apps.sso.oidc import discovery, wire
from apps.sso.oidc.problems import ProviderConfused
from tests.machine import free_port
from tests.people import make_person
from tests.sso.visits import CLAES, Visit
from tests.tenants.world import join

pytestmark = pytest.mark.django_db


def refused(visit: Visit, answer, status: int, slug: str, sentence: str) -> None:
    """The page says it, and nobody is signed in, linked or made."""
    page = answer.content.decode()
    assert answer.status_code == status, page
    assert slug in page
    assert sentence in page.replace("&#x27;", "'")
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert visit.person() is None
    assert not LinkedIdentity.objects.exists()


@pytest.fixture(autouse=True)
def _everybody_would_get_in(developers: None) -> None:
    """But for the one thing that each test makes wrong."""


# --- The token -------------------------------------------------------------------------------------

WRONG_TOKENS = {
    "another audience": (
        {"claims": {"aud": "another-app"}},
        403,
        "sso-wrong-audience",
        "meant for another application",
    ),
    "several audiences": (
        {"claims": {"aud": ["imp", "another-app"], "azp": "another-app"}},
        403,
        "sso-wrong-audience",
        "meant for another application",
    ),
    "another issuer": ({"claims": {"iss": "https://evil.example"}}, 403, "sso-wrong-issuer", "another provider"),
    "another nonce": ({"claims": {"nonce": "made-up"}}, 403, "sso-stale-nonce", "belongs to another sign-in"),
    "too old": ({"claims": {"exp": 1_700_000_000}}, 400, "sso-token-expired", "has expired"),
    "a foreign key": ({"key": "foreign"}, 403, "sso-token-invalid", "can't be trusted"),
    "no signature": ({"key": "none"}, 403, "sso-token-invalid", "can't be trusted"),
    "a shared secret": ({"key": "shared"}, 403, "sso-token-invalid", "can't be trusted"),
    "another access token": ({"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}}, 403, "sso-token-invalid", "trusted"),
    "no subject": ({"claims": {"sub": ""}}, 403, "sso-token-invalid", "can't be trusted"),
    "somebody else's subject": ({"claims": {"sub": "alice"}}, 403, "sso-token-invalid", "can't be trusted"),
    "a subject that can't be kept": ({"claims": {"sub": "cl\0aes"}}, 403, "sso-token-invalid", "can't be trusted"),
    "a nonce that is no text": ({"claims": {"nonce": "\ud800"}}, 403, "sso-stale-nonce", "another sign-in"),
    "a hash that is no text": ({"claims": {"at_hash": "\ud800"}}, 403, "sso-token-invalid", "can't be trusted"),
}


@pytest.mark.parametrize("name", WRONG_TOKENS)
def test_a_token_with_one_thing_wrong_is_refused(visit, name):
    fault, status, slug, sentence = WRONG_TOKENS[name]
    visit.oidc.set(fault=fault)
    refused(visit, visit.sign_in(), status, slug, sentence)
    event = AuditEvent.objects.get(verb="account.sign_in_failed")
    assert (event.target_label, event.after["reason"]) == ("Keycloak", slug)


def test_no_signature_is_none_also_to_a_key_that_is_for_any_algorithm(visit, monkeypatch):
    """Some providers don't say of their keys which algorithm they're for."""
    (of_any, *_others) = [
        {name: value for name, value in key.items() if name != "alg"}
        for key in discovery.fetch_keys(discovery.metadata_of(visit.oidc.issuer))
    ]
    monkeypatch.setattr(discovery, "fetch_keys", lambda metadata: [of_any])
    visit.oidc.set(fault={"key": "none"})
    refused(visit, visit.sign_in(), 403, "sso-token-invalid", "can't be trusted")


def test_the_token_of_an_earlier_sign_in_is_refused(visit):
    """Word for word what the provider signed before, as somebody who has stolen one would send it."""
    visit.sign_in()
    LinkedIdentity.objects.all().delete()
    visit.client = Client()
    visit.oidc.set(fault={"replay": True})
    refused(visit, visit.sign_in(), 403, "sso-stale-nonce", "belongs to another sign-in")


def test_a_token_that_is_right_gets_in_so_that_those_above_fail_for_their_reason(visit):
    visit.oidc.set(fault={"claims": {"aud": ["imp"], "azp": "imp"}})
    assert visit.sign_in()["Location"] == "/"


# --- The answer in the browser ---------------------------------------------------------------------


def test_an_answer_that_was_used_is_refused(visit):
    visit.sign_in()
    LinkedIdentity.objects.all().delete()
    visit.client.logout()
    refused(visit, visit.open(visit.returned), 400, "sso-sign-in-outdated", "was used already or took too long")


def test_a_browser_that_keeps_the_attempts_cookie_cant_use_it_again(visit):
    url = visit.leave()
    cookies = {name: morsel.value for name, morsel in visit.client.cookies.items()}
    visit.come_back(url)
    LinkedIdentity.objects.all().delete()
    visit.client = Client()
    visit.client.cookies.load(cookies)
    refused(visit, visit.open(visit.returned), 400, "sso-sign-in-outdated", "was used already")
    assert "POST /token" in visit.oidc.requests()


def test_an_answer_in_another_browser_is_refused(visit):
    """Somebody sends a link that would sign others in as themselves."""
    url = visit.visitor.go(visit.leave(), login="claes")
    visit.client = Client()
    refused(visit, visit.open(url), 400, "sso-sign-in-outdated", "in the browser that began it")


def test_an_attempt_lasts_ten_minutes(visit, time_machine):
    url = visit.visitor.go(visit.leave(), login="claes")
    time_machine.move_to(clock.now().timestamp() + 601)
    refused(visit, visit.open(url), 400, "sso-sign-in-outdated", "took too long")


def test_a_code_that_was_used_elsewhere_is_refused(visit):
    """Somebody else was faster with the same code: the provider says so."""
    first = visit.visitor.go(visit.leave(), login="claes")
    visit.open(first)
    LinkedIdentity.objects.all().delete()
    visit.client = Client()
    code = first.partition("code=")[2].partition("&")[0]
    second = visit.visitor.go(visit.leave(), login="claes")
    mixed = second.replace(second.partition("code=")[2].partition("&")[0], code)
    refused(visit, visit.open(mixed), 400, "sso-code-refused", "refused its own code")


def test_a_made_up_state_is_refused_and_not_written_into_the_log(visit):
    answer = visit.open("http://testserver/sso/keycloak/callback?state=made-up&code=x")
    refused(visit, answer, 400, "sso-sign-in-outdated", "was used already or took too long")
    assert not AuditEvent.objects.filter(verb="account.sign_in_failed").exists()


def test_the_answer_of_another_provider_is_refused(visit, yuna, keycloak):
    """Two providers, and one of them passes the other's answer on as its own."""
    services.create_provider(
        actor=yuna, slug="other", name="Other", issuer=keycloak.issuer, client_id="imp", email_domains="*"
    )
    url = visit.visitor.go(visit.leave(), login="claes")
    refused(visit, visit.open(url.replace("keycloak", "other")), 400, "sso-sign-in-outdated", "was used already")
    url = visit.visitor.go(visit.leave(), login="claes")
    refused(visit, visit.open(url.replace("iss=", "iss=x")), 403, "sso-wrong-issuer", "another provider")
    url = visit.visitor.go(visit.leave(), login="claes")
    refused(visit, visit.open(url.partition("&iss=")[0]), 403, "sso-wrong-issuer", "another provider")


def test_somebody_who_cancels_there_is_told_so(visit):
    refused(visit, visit.come_back(visit.leave(), cancels=True), 403, "sso-cancelled", "You cancelled the sign-in")
    assert not AuditEvent.objects.filter(verb="account.sign_in_failed").exists()


def test_what_an_error_says_isnt_shown_as_anybody_could_write_it(visit):
    state = visit.leave().partition("state=")[2].partition("&")[0]
    url = f"http://testserver/sso/keycloak/callback?state={state}&error=server_error&error_description=Call+555-0100"
    answer = visit.open(f"{url}&iss={visit.oidc.issuer}")
    refused(visit, answer, 403, "sso-refused", "didn't sign you in")
    assert "555" not in answer.content.decode()
    assert state not in answer.content.decode()


# --- The provider ----------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def move(keycloak, yuna, issuer: str) -> None:
    services.change_provider(actor=yuna, provider=keycloak, issuer=issuer)


def test_a_provider_that_is_down_is_said_at_the_button(visit, keycloak, yuna):
    move(keycloak, yuna, f"http://127.0.0.1:{free_port()}")
    answer = visit.client.get("/sso/keycloak")
    refused(visit, answer, 503, "sso-provider-unreachable", "The provider doesn't answer")


def test_a_provider_that_goes_down_on_the_way_is_said_too(visit, keycloak, monkeypatch):
    url = visit.visitor.go(visit.leave(), login="claes")
    down = discovery.Metadata(
        **{**vars(discovery.metadata_of(keycloak.issuer)), "token_endpoint": f"http://127.0.0.1:{free_port()}/token"}
    )
    monkeypatch.setattr("apps.sso.oidc.flow.metadata_of", lambda issuer: down)
    refused(visit, visit.open(url), 503, "sso-provider-unreachable", "doesn't answer")


def test_a_provider_that_hangs_holds_nobody_for_long_and_only_one(visit, keycloak, yuna, silent, monkeypatch):
    monkeypatch.setattr(wire, "TOTAL_SECONDS", 0.3)
    move(keycloak, yuna, silent)
    asked = []
    ask = wire.get
    monkeypatch.setattr(wire, "get", lambda *a, **n: asked.append(a) or ask(*a, **n))
    for _time in range(3):
        refused(visit, visit.client.get("/sso/keycloak"), 503, "sso-provider-unreachable", "doesn't answer")
    assert len(asked) == 1


@pytest.mark.parametrize("start", [b"\r\nContent-Length: 100000\r\n\r\n", b"\r\nX-Long: "], ids=["body", "header"])
def test_a_provider_that_trickles_is_cut_off(start, monkeypatch):
    monkeypatch.setattr(wire, "TOTAL_SECONDS", 0.4)
    sent = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            connection, _address = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK" + start)
                for _piece in range(100):
                    time.sleep(0.1)
                    try:
                        connection.sendall(b" " * 10)
                        sent.append(10)
                    except OSError:
                        return

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        with pytest.raises(wire.ProviderUnreachable):
            wire.get(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert len(sent) < 100, "It was listened to until its end."


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize(
    "address",
    [
        "https://[",
        "https://",
        "https://idp.example:99999/",
        "https://idp.example/\r\nX: y",
        "https://idp.example/\ud800",
    ],
)
def test_what_is_no_address_is_refused_before_anybody_is_sent_there(visit, monkeypatch, name, address):
    there = wire.get(f"{visit.oidc.issuer}/.well-known/openid-configuration").body
    monkeypatch.setattr(wire, "get", lambda url: wire.Answer(200, {**there, name: address}))
    refused(visit, visit.client.get("/sso/keycloak"), 502, "sso-provider-misconfigured", "isn't set up right")


@pytest.mark.parametrize("keys", [5, {"kty": "RSA"}, [None, "x", {"kty": "RSA", "n": "", "e": ""}]])
def test_a_key_set_without_keys_is_refused(visit, keys, monkeypatch):
    metadata = discovery.metadata_of(visit.oidc.issuer)
    monkeypatch.setattr(wire, "get", lambda url: wire.Answer(200, {"keys": keys}))
    with pytest.raises(ProviderConfused):
        discovery.fetch_keys(metadata)


def test_an_answer_that_nests_too_deep_is_no_json(visit, monkeypatch):
    monkeypatch.setattr(wire, "_read", lambda response, deadline: b"[" * 100_000)
    refused(visit, visit.client.get("/sso/keycloak"), 502, "sso-provider-misconfigured", "isn't set up right")


def test_a_provider_that_calls_itself_otherwise_is_refused(visit, keycloak, yuna):
    """Its document is there, but for another name: somebody else could have put it there."""
    move(keycloak, yuna, visit.oidc.issuer.replace("127.0.0.1", "localhost"))
    refused(visit, visit.client.get("/sso/keycloak"), 502, "sso-provider-misconfigured", "isn't set up right")


def test_a_wrong_secret_is_the_operators_to_mend(visit, keycloak, yuna):
    services.change_provider(actor=yuna, provider=keycloak, client_secret="not-it")
    refused(visit, visit.sign_in(), 502, "sso-provider-misconfigured", "test the connection")


def test_a_disabled_provider_lets_nobody_in_not_even_those_on_the_way(visit, keycloak, yuna):
    url = visit.visitor.go(visit.leave(), login="claes")
    services.change_provider(actor=yuna, provider=keycloak, is_enabled=False)
    refused(visit, visit.open(url), 403, "sso-provider-disabled", "is turned off")
    refused(visit, visit.client.get("/sso/keycloak"), 403, "sso-provider-disabled", "is turned off")
    assert visit.client.get("/sso/nobody").status_code == 404


# --- Who it is -------------------------------------------------------------------------------------


def test_an_address_isnt_verified_by_what_is_said_of_another_one(visit):
    """The token names one, and the userinfo another that is verified."""
    make_person("ceo")
    visit.oidc.set(fault={"claims": {"email": "ceo@tidewater.example"}})
    refused(visit, visit.sign_in(), 403, "sso-address-unverified", "hasn't verified your e-mail address")
    visit.oidc.set(fault={"claims": {"email_verified": True}})
    visit.knows(**{**CLAES, "email_verified": False})
    refused(visit, visit.sign_in(), 403, "sso-address-unverified", "hasn't verified your e-mail address")


def test_the_userinfo_may_say_that_the_tokens_address_is_verified(visit):
    visit.oidc.set(fault={"claims": {"email": CLAES["email"]}})
    assert visit.sign_in()["Location"] == "/"


@pytest.mark.parametrize("verified", [False, None, "false", 1], ids=["false", "unsaid", "false-as-text", "a-number"])
def test_an_unverified_address_of_somebodys_account_doesnt_open_it(visit, verified):
    make_person("claes")
    visit.knows(**{**CLAES, "email_verified": verified})
    answer = visit.sign_in()
    refused(visit, answer, 403, "sso-address-unverified", "hasn't verified your e-mail address")
    of_nobody = {**CLAES, "email": "nobody@tidewater.example", "email_verified": verified}
    visit.knows(**of_nobody)
    # Word for word the same for an address that nobody has, so that nobody learns who has an account
    refused(visit, visit.sign_in(), 403, "sso-address-unverified", "hasn't verified your e-mail address")


def test_where_the_provider_says_nothing_the_operator_may_have_said_it(visit, keycloak, yuna):
    services.change_provider(actor=yuna, provider=keycloak, trusts_emails=True)
    visit.knows(**{**CLAES, "email_verified": False})
    refused(visit, visit.sign_in(), 403, "sso-address-unverified", "hasn't verified")
    visit.knows(**{name: value for name, value in CLAES.items() if name != "email_verified"})
    assert visit.sign_in()["Location"] == "/"


def test_a_provider_speaks_for_its_own_domains_only(visit):
    make_person("henrike")
    User.objects.filter(name="Henrike").update(email="henrike@greenmarket.example")
    visit.knows(**{**CLAES, "email": "henrike@greenmarket.example"})
    refused(visit, visit.sign_in(), 403, "sso-address-not-vouched", "can't vouch for your address")


def test_an_operators_account_is_never_joined_by_its_address(visit, yuna):
    visit.knows(**{**CLAES, "email": yuna.email})
    refused(visit, visit.sign_in(), 403, "sso-link-by-hand", "Link this provider yourself first")


def test_without_an_address_there_is_no_account(visit):
    visit.knows(**{name: value for name, value in CLAES.items() if name != "email"})
    refused(visit, visit.sign_in(), 403, "sso-address-missing", "doesn't say your e-mail address")


@pytest.mark.parametrize(
    "email",
    [
        "stranger@elsewhere.example,claes@tidewater.example",
        "claes\nbcc: stranger@elsewhere.example\n@tidewater.example",
        "cl\0aes@tidewater.example",
        f"{'c' * 250}@tidewater.example",
    ],
    ids=["two", "with lines", "with NUL", "too long"],
)
def test_what_is_no_address_is_none(visit, email):
    visit.knows(**{**CLAES, "email": email})
    refused(visit, visit.sign_in(), 403, "sso-address-missing", "doesn't say your e-mail address")
    assert not User.objects.filter(name=CLAES["name"]).exists()


def test_names_and_groups_that_cant_be_kept_keep_nobody_out(visit):
    visit.knows(**{**CLAES, "name": "Cl\0aes", "groups": ["imp-developers", "a\0", "\ud800"]})
    assert visit.sign_in()["Location"] == "/"
    assert visit.person() == User.objects.get(email=CLAES["email"], name="Claes")


def test_somebody_new_without_a_role_gets_no_account_and_is_told_which_groups_would_do(visit):
    visit.knows(**{**CLAES, "groups": ["staff", "warehouse-gdansk"]})
    answer = visit.sign_in()
    refused(visit, answer, 403, "sso-no-role", "Signed in, but without a role")
    page = answer.content.decode()
    assert all(name in page for name in ("claes@tidewater.example", "warehouse-gdansk", "imp-developers"))
    assert not User.objects.filter(email=CLAES["email"]).exists()


def test_somebody_deactivated_is_told_so_and_their_groups_change_nothing(visit):
    claes = make_person("claes", is_active=False)
    assert visit.sign_in()["Location"] == "/sign-in/inactive"
    assert visit.person() is None
    assert not claes.memberships.exists()
    assert not GivenRole.objects.exists()


def test_the_same_subject_at_another_provider_is_somebody_else(visit, yuna, tidewater):
    visit.sign_in()
    join(make_person("mallory"), tidewater)
    services.create_provider(
        actor=yuna, slug="other", name="Other", issuer=visit.oidc.issuer, client_id="imp-public", email_domains="*"
    )
    visit.client = Client()
    visit.knows(login="claes", **{**CLAES, "email": "mallory@tidewater.example"})
    visit.sign_in(path="/sso/other")
    assert visit.person() == User.objects.get(name="Mallory")
