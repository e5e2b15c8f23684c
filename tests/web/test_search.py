"""The palette: what it finds, in which order, in which language, for whom."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.core.web.search import Result, consonants, rank
from tests.web.htmx import HTMX

PAGES = [Result("Audit log", "/audit", keywords="history"), Result("Account", "/account"), Result("감사 로그", "/k")]


def found(query: str) -> list[str]:
    return [str(result.label) for result in rank(PAGES, query)]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("audit", ["Audit log"]),
        ("AUD", ["Audit log"]),
        ("log", ["Audit log"]),
        ("histo", ["Audit log"]),
        ("log aud", ["Audit log"]),
        ("acnt", ["Account"]),
        ("감사", ["감사 로그"]),
        ("ㄱㅅ", ["감사 로그"]),
        ("ㄹㄱ", ["감사 로그"]),
        ("audit nosuch", []),
        ("zzz", []),
    ],
)
def test_finds_by_beginning_middle_letters_in_order_and_first_consonants(query: str, labels: list[str]) -> None:
    assert found(query) == labels


def test_beginning_goes_before_a_middle_and_a_label_before_keywords() -> None:
    results = [Result("Keys", "/1", keywords="log"), Result("Catalogue", "/2"), Result("Logs", "/3")]
    assert [str(result.label) for result in rank(results, "log")] == ["Logs", "Catalogue", "Keys"]


def test_first_consonants_of_syllables() -> None:
    assert consonants("감사 로그 A") == "ㄱㅅㄹㄱA"


def search(client: Client, query: str) -> str:
    return client.get("/search", {"q": query}, headers=HTMX).content.decode()


def test_pages_are_found_in_korean_and_in_english_whatever_the_language(page_client: Client, alice: User) -> None:
    assert 'href="/audit"' in search(page_client, "감사")
    alice.language = "ko"
    alice.save()
    assert 'href="/audit"' in search(page_client, "audit")


def test_nothing_asked_shows_pages_and_commands(page_client: Client) -> None:
    fragment = search(page_client, "")
    assert 'href="/"' in fragment
    assert 'data-clicks="theme-dark"' in fragment
    assert 'action="/sign-out"' in fragment
    assert "<html" not in fragment


def test_nothing_found_says_so_and_repeats_the_query_harmlessly(page_client: Client) -> None:
    fragment = search(page_client, "<script>zzz")
    assert "&lt;script&gt;zzz" in fragment
    assert "<script" not in fragment


def test_operators_pages_are_found_by_operators_only(page_client: Client, operator: User) -> None:
    assert "/admin/" not in search(page_client, "operators")
    client = Client()
    client.force_login(operator)
    assert "/admin/" in search(client, "operators")


def test_visitor_finds_public_pages_and_the_sign_in(client: Client, db: None) -> None:
    fragment = search(client, "")
    assert "/errors/" in fragment
    assert "/sign-in" in fragment
    assert "/audit" not in fragment
    assert "/sign-out" not in fragment


def test_search_is_a_page_of_its_own_without_script(page_client: Client) -> None:
    page = page_client.get("/search?q=audit").content.decode()
    assert "<html" in page
    assert 'href="/audit"' in page


def test_search_costs_no_query_beyond_who_asks_and_where_they_are(
    page_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        search(page_client, "audit")


@pytest.mark.parametrize("query", ["\x00", "%", "x" * 5000, "\ud55c" * 50, "'; drop table"])
def test_odd_queries_are_answered(page_client: Client, query: str) -> None:
    assert page_client.get("/search", {"q": query}, headers=HTMX).status_code == 200
