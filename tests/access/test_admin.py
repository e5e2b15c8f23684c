"""Tokens in the operators' admin: looked at, and revoked when one leaks."""

import pytest
from django.test import Client

from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from tests.access.tokens import TokenApi, make_token, text_of

LIST = "/admin/access/accesstoken/"


@pytest.fixture
def admin(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def test_the_list_and_the_page_of_one_show_everything_but_the_text(admin: Client, alice: User) -> None:
    token = make_token(alice, name="usage export")
    for path in (LIST, f"{LIST}{token.pk}/change/"):
        shown = admin.get(path).content.decode()
        assert "usage export" in shown, path
        assert token.shown_start in shown, path
        assert "Alice" in shown, path
        assert text_of(token)[16:] not in shown
        assert token.token_hash not in shown


def test_it_is_for_operators_only(client: Client, alice: User) -> None:
    make_token(alice)
    client.force_login(alice)
    assert client.get(LIST).status_code == 403


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_nothing_is_added_or_deleted_here(admin: Client, alice: User, path: str) -> None:
    token = make_token(alice)
    assert admin.post(LIST + path.format(pk=token.pk), {"name": "x"}).status_code == 403
    assert AccessToken.objects.get().name == token.name


def test_a_post_to_the_page_of_one_changes_nothing(admin: Client, alice: User) -> None:
    token = make_token(alice)
    assert admin.post(f"{LIST}{token.pk}/change/", {"name": "mine now"}).status_code == 403
    token.refresh_from_db()
    assert token.name == "release-bot"


def test_one_that_leaked_is_revoked_by_the_service(admin: Client, alice: User, operator: User) -> None:
    token, other = make_token(alice), make_token(alice)
    admin.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    assert TokenApi(token).get("/v1/me").status_code == 401
    assert TokenApi(other).get("/v1/me").status_code == 200
    event = AuditEvent.objects.get(verb="token.revoked")
    assert (event.actor_id, event.target_id) == (operator.pk, token.pk)


def test_the_state_narrows_the_list(admin: Client, alice: User) -> None:
    for name in ("one-active", "one-ended", "one-revoked"):
        make_token(alice, name=name)
    AccessToken.objects.filter(name="one-ended").update(expires_at=clock.now())
    AccessToken.objects.filter(name="one-revoked").update(revoked_at=clock.now())
    for state in ("active", "ended", "revoked"):
        shown = admin.get(LIST, {"state": state}).content.decode()
        found = [name for name in ("active", "ended", "revoked") if f"one-{name}" in shown]
        assert found == [state]
