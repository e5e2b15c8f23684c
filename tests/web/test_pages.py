"""The overview and the audit log as a client sees them, and what they cost."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import Target, record
from apps.core import clock
from apps.core.processes.models import ProcessHeartbeat


@pytest.fixture
def event(alice: User) -> AuditEvent:
    return record(
        actor=alice,
        verb="account.preferences_changed",
        target=alice,
        before={"theme": "light", "language": "en"},
        after={"theme": "dark", "language": "en"},
    )


def test_overview_teaches_a_person_who_did_nothing_yet(page_client: Client) -> None:
    page = page_client.get("/").content.decode()
    assert "Welcome, Alice" in page
    assert "Quiet so far" in page
    assert "Add a second factor" in page


def test_overview_shows_what_the_person_did_and_nobody_elses(page_client: Client, event: AuditEvent, bob: User) -> None:
    record(actor=bob, verb="account.signed_in", target=Target("user", bob.pk, "Secret Bob"))
    page = page_client.get("/").content.decode()
    assert event.pk in page
    assert "Secret Bob" not in page
    assert f'data-live="audit:{event.actor_id}"' in page


def test_overview_sends_a_visitor_to_the_sign_in(client: Client, db: None) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in?next=/"


def test_overview_costs_five_queries(
    page_client: Client, event: AuditEvent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page_client.get("/")
    with django_assert_num_queries(5):
        page_client.get("/")


def test_overview_refreshes_one_part_by_its_name(page_client: Client, event: AuditEvent) -> None:
    response = page_client.get("/", headers={"HX-Request": "true", "HX-Target": "activity"})
    part = response.content.decode()
    assert part.strip().startswith("<section")
    assert event.pk in part
    assert "<html" not in part
    assert "HX-Request" in response["Vary"]


def test_platform_card_names_the_process_that_fell_silent(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    headers = {"HX-Request": "true", "HX-Target": "platform"}
    ProcessHeartbeat.objects.create(kind="worker", host="here", pid=41, version="0")
    assert "All well" in client.get("/", headers=headers).content.decode()
    minute_ago = clock.now() - timedelta(minutes=2)
    ProcessHeartbeat.objects.create(kind="live", host="here", pid=42, version="0", seen_at=minute_ago)
    card = client.get("/", headers=headers).content.decode()
    assert "Needs a look" in card
    assert "not seen since" in card


def test_platform_card_is_for_operators(page_client: Client) -> None:
    response = page_client.get("/", headers={"HX-Request": "true", "HX-Target": "platform"})
    assert response.status_code == 403
    assert "platform-title" not in response.content.decode()


def test_audit_page_costs_three_queries(
    page_client: Client, event: AuditEvent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page_client.get("/audit")
    with django_assert_num_queries(3):
        page_client.get("/audit")


def test_audit_page_shows_a_persons_own_events_only(page_client: Client, event: AuditEvent, bob: User) -> None:
    other = record(actor=bob, verb="account.signed_in", target=bob)
    page = page_client.get("/audit").content.decode()
    assert event.pk in page
    assert other.pk not in page


def test_audit_page_shows_operators_everything(operator: User, event: AuditEvent) -> None:
    client = Client()
    client.force_login(operator)
    assert event.pk in client.get("/audit").content.decode()


def test_audit_page_teaches_when_there_is_nothing(page_client: Client) -> None:
    page = page_client.get("/audit").content.decode()
    assert "Nothing has been done yet" in page
    assert "Clear the filters" not in page


def test_audit_page_offers_to_clear_filters_that_find_nothing(page_client: Client, event: AuditEvent) -> None:
    page = page_client.get("/audit?q=nosuchthing").content.decode()
    assert "Nothing matches" in page
    assert 'href="/audit"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("verb=account.preferences_changed", True),
        ("verb=account.signed_in", False),
        ("within=24h", True),
        ("q=Alice", True),
        ("since=2999-01-01T00:00", False),
    ],
)
def test_audit_page_filters(page_client: Client, event: AuditEvent, query: str, found: bool) -> None:
    assert (event.pk in page_client.get(f"/audit?{query}").content.decode()) is found


def test_audit_entry_shows_before_and_after_side_by_side(page_client: Client, event: AuditEvent) -> None:
    page = page_client.get(f"/audit/{event.pk}").content.decode()
    assert "theme: <del>light</del>" in page
    assert "theme: <ins>dark</ins>" in page
    assert page.count("<td>language: en</td>") == 2


def test_audit_entry_of_somebody_else_is_not_there(page_client: Client, bob: User) -> None:
    other = record(actor=bob, verb="account.signed_in", target=bob)
    assert page_client.get(f"/audit/{other.pk}").status_code == 404


def test_audit_export_carries_the_filters_and_the_values(page_client: Client, event: AuditEvent) -> None:
    response = page_client.get("/audit?format=csv&verb=account.preferences_changed")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("id,at,actor_id,actor_label,verb")
    assert len(lines) == 2
    assert event.pk in lines[1]
    empty = page_client.get("/audit?format=csv&verb=account.signed_in")
    assert len(b"".join(empty.streaming_content).splitlines()) == 1
