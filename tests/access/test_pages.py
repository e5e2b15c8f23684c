"""One's tokens on the pages: listed, made once it's clear who asks, revoked, taken off the list."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.access.models import AccessToken
from apps.accounts.departures import belongings_of
from apps.accounts.models import User
from apps.core import clock
from apps.tenants.models import Tenant
from apps.tenants.roles import SCOPES, Kind
from tests.access.tokens import TokenApi, confirm, make_token, text_of
from tests.contracts.queries import pinned_queries
from tests.tenants.world import join, make_tenant

LIST = "/account/tokens"
NEW = "/account/tokens/new"
IN_DIALOG = {"HX-Request": "true", "HX-Target": "dialog"}
IN_SECTION = {"HX-Request": "true", "HX-Target": "tokens"}


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def sure(browser: Client, alice: User) -> Client:
    """Alice has just said who she is."""
    confirm(browser, alice)
    return browser


def wanted(**changed: object) -> dict[str, object]:
    return {"name": "release-bot", "tenant": "", "expires_at": "30", "scopes": ["account:read"], **changed}


def secret_in(page: str) -> str:
    found = re.findall(r"<output[^>]*>(imp_pat_[^<]+)</output>", page)
    assert len(found) == 1, found
    return str(found[0])


def test_strangers_are_sent_to_the_sign_in(client: Client, alice: User) -> None:
    token = make_token(alice)
    for path in (LIST, NEW, f"{LIST}/{token.pk}/revoke"):
        assert "/sign-in" in client.get(path)["Location"], path
    for path in (NEW, f"{LIST}/{token.pk}/revoke", f"{LIST}/{token.pk}/remove"):
        assert "/sign-in" in client.post(path)["Location"], path
    assert AccessToken.objects.get().state == "active"


def test_the_account_page_and_the_page_of_its_own_show_the_same(browser: Client, alice: User) -> None:
    token = make_token(alice, name="usage export")
    for path in ("/account", LIST):
        shown = browser.get(path).content.decode()
        assert "usage export" in shown, path
        assert token.shown_start in shown, path
        assert text_of(token)[16:] not in shown, path
    assert "<html" not in browser.get(LIST, headers=IN_SECTION).content.decode()


def test_nobody_sees_anybody_elses(browser: Client, bob: User) -> None:
    token = make_token(bob, name="bobs-own")
    assert "bobs-own" not in browser.get(LIST).content.decode()
    for answer in (
        browser.get(f"{LIST}/{token.pk}/revoke"),
        browser.post(f"{LIST}/{token.pk}/revoke"),
        browser.post(f"{LIST}/{token.pk}/remove"),
    ):
        assert answer.status_code == 404
    assert AccessToken.objects.get().state == "active"


def test_without_any_the_list_says_what_they_are_for(browser: Client) -> None:
    assert "A key for programs" in browser.get(LIST).content.decode()


def test_revoked_ones_are_gone_and_ended_ones_say_so(browser: Client, alice: User) -> None:
    make_token(alice, name="gone")
    ended = make_token(alice, name="over")
    AccessToken.objects.filter(name="gone").update(revoked_at=clock.now())
    AccessToken.objects.filter(pk=ended.pk).update(expires_at=clock.now() - timedelta(minutes=1))
    shown = browser.get(LIST).content.decode()
    assert "gone" not in shown
    assert "Remove over" in shown
    assert "Revoke over" not in shown


def test_one_that_ends_soon_is_marked(browser: Client, alice: User) -> None:
    make_token(alice, days=4)
    assert "is-warn" not in browser.get(LIST, headers=IN_SECTION).content.decode()
    make_token(alice, days=2)
    assert browser.get(LIST, headers=IN_SECTION).content.decode().count("is-warn") == 1


def test_the_number_of_queries_is_not_per_token(browser: Client, alice: User, tidewater: Tenant) -> None:
    browser.get(LIST)
    for count in (1, 20):
        for _ in range(count):
            make_token(alice, "functions:read", tenant=tidewater)
        with pinned_queries("AccessTokens: section"):
            browser.get(LIST, headers=IN_SECTION)


def test_making_one_asks_first_who_it_is(browser: Client) -> None:
    page = browser.get(NEW)
    assert (page.status_code, page["Location"]) == (302, "/account/confirm?next=/account/tokens/new")
    dialog = browser.get(NEW, headers=IN_DIALOG)
    assert (dialog.status_code, dialog["HX-Redirect"]) == (204, "/account/confirm?next=/account/tokens/new")
    assert browser.post(NEW, wanted()).status_code == 302
    assert not AccessToken.objects.exists()


def test_it_is_shown_once_in_an_answer_that_nobody_keeps(sure: Client, alice: User) -> None:
    answer = sure.post(NEW, wanted(), headers=IN_DIALOG)
    assert answer.status_code == 200, answer.content
    assert "no-store" in answer["Cache-Control"]
    assert "tokens" in answer["HX-Trigger"]
    secret = secret_in(answer.content.decode())
    assert TokenApi(secret).get("/v1/me").json()["id"] == alice.pk
    for path in (LIST, "/account", NEW):
        assert secret[16:] not in sure.get(path).content.decode()


def test_without_script_it_is_a_page_of_its_own(sure: Client) -> None:
    answer = sure.post(NEW, wanted())
    page = answer.content.decode()
    assert "<html" in page
    assert TokenApi(secret_in(page)).get("/v1/me").status_code == 200
    assert 'action="/account/tokens"' in page


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": " "}, "This field is required."),
        ({"scopes": []}, "Allow it something."),
        ({"scopes": ["fleet:write"]}, "fleet:write"),
        ({"expires_at": "4000"}, "4000"),
        ({"tenant": "ten_others"}, "ten_others"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_kept(sure: Client, changed: dict[str, object], says: str) -> None:
    answer = sure.post(NEW, {**wanted(), "name": "kept-name", **changed}, headers=IN_DIALOG)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert "name" in changed or 'value="kept-name"' in page
    assert not AccessToken.objects.exists()


def test_the_offered_scopes_are_those_of_the_chosen_workspace(sure: Client, alice: User, tidewater: Tenant) -> None:
    shop = make_tenant("Greenmarket", Kind.CUSTOMER)
    join(alice, shop)

    def offered(tenant: str) -> set[str]:
        page = sure.get(NEW, {"tenant": tenant}).content.decode()
        return {found.partition(":")[0] for found in re.findall(r'name="scopes" value="([^"]+)"', page)}

    assert "functions" in offered(tidewater.pk)
    assert not {"account", "subscriptions"} & offered(tidewater.pk)
    assert offered(shop.pk) == {"subscriptions", "workspace"}
    assert offered("") == {scope.partition(":")[0] for scope in SCOPES}


def test_what_was_typed_stays_when_the_workspace_changes(sure: Client, tidewater: Tenant) -> None:
    asked = {"tenant": tidewater.pk, "name": "kept-name", "scopes": ["gateways:read", "account:read"]}
    page = sure.get(NEW, asked).content.decode()
    assert 'value="kept-name"' in page
    assert re.search(r'value="gateways:read"[^>]* checked', page)


def test_everything_is_all_that_is_offered(sure: Client, tidewater: Tenant) -> None:
    sure.post(NEW, wanted(tenant=tidewater.pk, scopes=[], everything="on"), headers=IN_DIALOG)
    token = AccessToken.objects.get()
    assert token.may_everything
    assert "account:read" not in token.scopes


def test_revoking_names_what_it_touches_and_is_done_at_once(browser: Client, alice: User, tidewater: Tenant) -> None:
    token = make_token(alice, "workspace:write", tenant=tidewater)
    api = TokenApi(token)
    api.get("/v1/access-tokens/self")
    asked = browser.get(f"{LIST}/{token.pk}/revoke", headers=IN_DIALOG).content.decode()
    for told in ("Revoke release-bot?", "Tidewater", "workspace:write", "127.0.0.1", token.shown_start):
        assert told in asked
    answer = browser.post(f"{LIST}/{token.pk}/revoke", headers=IN_DIALOG)
    assert answer.status_code == 204
    assert {"toast", "close", "tokens"} <= set(answer.headers["HX-Trigger"].replace('"', " ").split())
    assert api.get("/v1/access-tokens/self").status_code == 401


def test_revoking_twice_is_told_and_not_an_error_page(browser: Client, alice: User) -> None:
    token = make_token(alice)
    browser.post(f"{LIST}/{token.pk}/revoke")
    answer = browser.post(f"{LIST}/{token.pk}/revoke", headers=IN_DIALOG)
    assert answer.status_code == 409
    assert "is revoked already" in answer.content.decode()


def test_what_has_ended_is_taken_off_the_list(browser: Client, alice: User) -> None:
    token = make_token(alice, name="over")
    assert browser.post(f"{LIST}/{token.pk}/remove").status_code == 409
    AccessToken.objects.filter(pk=token.pk).update(expires_at=clock.now())
    answer = browser.post(f"{LIST}/{token.pk}/remove", headers=IN_SECTION)
    assert answer.status_code == 200
    assert "A key for programs" in answer.content.decode()
    assert not AccessToken.objects.exists()


def test_the_copy_of_ones_data_says_what_they_are_and_not_what_they_hold(alice: User, tidewater: Tenant) -> None:
    token = make_token(alice, "functions:read", tenant=tidewater, name="usage export")
    told = str(belongings_of(alice)["access_tokens"])
    assert "usage export" in told
    assert "Tidewater" in told
    assert text_of(token)[16:] not in told
    assert token.token_hash not in told
