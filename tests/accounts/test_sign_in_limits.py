"""How often one may try: by account and network, by account alone, by place alone; never telling who has an account."""

import re

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from tests.accounts.browsers import CHROME, ELSEWHERE, HOME, SAME_NETWORK, client_of
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NOBODY = "nobody@tidewater.example"


def try_from(address: str, email: str, password: str = "wrong") -> int:
    return client_of(CHROME, address).post("/sign-in", {"login": email, "password": password}).status_code


def statuses(client: Client, email: str, count: int) -> list[int]:
    return [client.post("/sign-in", {"login": email, "password": "wrong"}).status_code for _ in range(count)]


def test_five_tries_from_one_network_and_then_a_wait(mina):
    assert [try_from(HOME, mina.email) for _ in range(3)] == [422] * 3
    assert [try_from(SAME_NETWORK, mina.email) for _ in range(3)] == [422, 422, 429]
    assert try_from(SAME_NETWORK, mina.email, PASSWORD) == 429


def test_somebody_elses_tries_do_not_keep_the_owner_out(mina):
    for _ in range(6):
        try_from(ELSEWHERE, mina.email)
    assert try_from(ELSEWHERE, mina.email, PASSWORD) == 429
    assert try_from(HOME, mina.email, PASSWORD) == 302


def test_many_networks_together_guess_no_faster(mina):
    tried = [try_from(f"198.18.{network}.1", mina.email) for network in range(51)]
    assert tried == [422] * 50 + [429]
    assert try_from("198.18.99.1", mina.email, PASSWORD) == 429


def test_the_right_password_does_not_count_as_a_try(mina):
    for _ in range(10):
        assert try_from(HOME, mina.email, PASSWORD) == 302
    assert [try_from(HOME, mina.email) for _ in range(5)] == [422] * 5


@pytest.mark.parametrize("email", ["mina@tidewater.example", NOBODY])
def test_whoever_tries_learns_nothing_of_who_has_an_account(mina, email):
    assert statuses(client_of(), email, 7) == [422] * 5 + [429] * 2


def test_the_words_of_the_wait_are_the_same_for_everybody(mina):
    pages = []
    for email, address in ((mina.email, HOME), (NOBODY, ELSEWHERE)):
        client = client_of(CHROME, address)
        statuses(client, email, 5)
        pages.append(client.post("/sign-in", {"login": email, "password": "wrong"}).content.decode())
    assert all("Too many tries. Wait 15 minutes" in page for page in pages)


def test_confirming_is_limited_like_signing_in(mina):
    client = client_of()
    client.post("/sign-in", {"login": mina.email, "password": PASSWORD})
    tried = [client.post("/account/confirm", {"password": "wrong"}).status_code for _ in range(6)]
    assert tried == [422] * 5 + [429]
    assert User.objects.count() == 1


def work_of(email: str, address: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], int]:
    """What a refusal asks the database, without the values, and how many passwords it hashes."""
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *values: hashed.append(1) or encode(self, *values))
    with CaptureQueriesContext(connection) as queries:
        assert try_from(address, email) == 422
    monkeypatch.undo()
    return [re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries], len(hashed)


@pytest.mark.parametrize("values", [{}, {"is_active": False}, {"password": "!"}, {"is_staff": True}])
def test_a_refusal_is_the_same_work_whether_the_account_exists_or_not(mina, monkeypatch, values):
    User.objects.filter(pk=mina.pk).update(**values)
    asked, hashed = work_of(mina.email, HOME, monkeypatch)
    asked_of_nobody, hashed_for_nobody = work_of(NOBODY, ELSEWHERE, monkeypatch)
    assert asked == asked_of_nobody
    assert hashed == hashed_for_nobody == 1
