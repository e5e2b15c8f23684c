"""Reading a log: every filter, pages in both directions, and searches that take too long."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.gateways.store import Away, connect
from apps.logs import reading, selectors
from apps.logs.asking import read_filter
from apps.logs.lines import LogFilter
from apps.logs.problems import SearchTookTooLong
from apps.logs.selectors import LogPage, logs_of_call, read_logs
from apps.logs.streaming.tails import matches
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import some_gateway
from tests.logs.world import Written, gateway_row, moment
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(tidewater: Tenant, alice: User, gateway_id: str) -> FunctionGateway:
    return gateway_row(tidewater, alice, gateway_id)


def read(gateway: FunctionGateway, person: User, query: str = "", **more: Any) -> LogPage:
    actor = member(person, gateway.tenant)
    return read_logs(actor=actor, gateway=gateway, wanted=read_filter(QueryDict(query)), **more)


def texts(page: LogPage) -> list[str]:
    return [line.text for line in page.lines]


VARIED: list[dict[str, Any]] = [
    {"text": "one", "stage": "dev", "level": "debug", "request_id": "req_1"},
    {"text": "two % of it", "stage": "prod", "level": "warn", "function": "user/:id"},
    {"text": "three", "stage": "staging", "level": "error", "fields": {"stack": "Error\n  at user/me.ts:3"}},
    {"text": "Four_Of", "stage": "prod", "level": "error", "request_id": "req_1", "source": "call"},
    {"text": "fourXOf \\ all", "stage": "dev", "fields": {"zone": "Busan, 부산"}},
]
FILTERS = [
    ("stage=dev", ["one", "fourXOf \\ all"]),
    ("stage=dev&stage=staging", ["one", "three", "fourXOf \\ all"]),
    ("stage=dev,staging&level=error", ["three"]),
    ("function=user/:id", ["two % of it"]),
    ("request_id=req_1", ["one", "Four_Of"]),
    ("level=warn,error", ["two % of it", "three", "Four_Of"]),
    ("q=four", ["Four_Of", "fourXOf \\ all"]),
    ("q=four_", ["Four_Of"]),
    ("q=%25", ["two % of it"]),
    ("q=%5C", ["three", "fourXOf \\ all"]),
    ("q=user/me.ts", ["three"]),
    ("q=부산", ["fourXOf \\ all"]),
    ("q=nothing+of+it", []),
]


@pytest.mark.parametrize(("query", "found"), FILTERS)
def test_each_filter_finds_what_it_says(
    query: str, found: list[str], gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.lines([{"at": moment(60 - place), **each} for place, each in enumerate(VARIED)])
    assert texts(read(gateway, alice, query)) == found


@pytest.mark.parametrize(("query", "found"), FILTERS)
def test_who_follows_is_told_what_who_reads_is_shown(
    query: str, found: list[str], gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.lines([{"at": moment(60 - place), **each} for place, each in enumerate(VARIED)])
    wanted = read_filter(QueryDict(query))
    with connect(gateway.pk) as connection:
        told = {row[0]: row[1] for row in connection.execute("SELECT id, coalesce(fields::text, '') FROM imp.logs")}
    lines = read(gateway, alice).lines
    assert [line.text for line in lines if matches(wanted, line, told[line.id])] == found


def test_pages_go_back_and_forth_and_lose_no_line_among_equal_times(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    same = moment(30)
    written.lines([{"at": same, "text": str(number)} for number in range(25)])
    newest = read(gateway, alice, limit=10)
    assert texts(newest) == [str(number) for number in range(15, 25)]
    assert newest.newer is None
    middle = read(gateway, alice, cursor=newest.older, limit=10)
    oldest = read(gateway, alice, cursor=middle.older, limit=10)
    assert texts(oldest) == ["0", "1", "2", "3", "4"]
    assert oldest.older is None
    again = read(gateway, alice, cursor=oldest.newer, limit=10)
    assert texts(again) == texts(middle)
    written.line("25")
    last = read(gateway, alice, cursor=newest.older and again.newer, limit=11)
    assert texts(last) == [str(number) for number in range(15, 26)]
    assert last.newer is None


def test_a_cursor_is_of_one_log_and_not_made_by_hand(
    gateway: FunctionGateway, written: Written, alice: User, tidewater: Tenant
) -> None:
    written.lines([{"text": str(number)} for number in range(3)])
    older = read(gateway, alice, limit=2).older
    assert older is not None
    for cursor in (f"{older}x", "x.y", "", "é"):
        if cursor:
            with pytest.raises(InvalidInput):
                read(gateway, alice, cursor=cursor)
    another = some_gateway(tidewater, alice)
    with pytest.raises(InvalidInput):
        read_logs(actor=member(alice, tidewater), gateway=another, wanted=LogFilter(), cursor=older)


def test_time_travel_shows_what_was_there_then(gateway: FunctionGateway, written: Written, alice: User) -> None:
    written.lines([{"at": moment(3600 * hours), "text": f"{hours} h"} for hours in (50, 30, 3, 1)])
    until = (moment() - timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    since = (moment() - timedelta(hours=31)).isoformat().replace("+00:00", "Z")
    assert texts(read(gateway, alice, f"until={until}")) == ["50 h", "30 h", "3 h"]
    assert texts(read(gateway, alice, f"since={since}&until={until}")) == ["30 h", "3 h"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("stage=qa", "?stage"),
        ("level=loud", "?level"),
        ("since=yesterday", "?since"),
        ("since=2026-02-31T00:00:00Z", "?since"),
        ("since=2026-02-02T00:00:00Z&until=2026-02-01T00:00:00Z", "?until"),
        (f"q={'x' * 201}", "?q"),
        ("q=%00", "?q"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_parameter(query: str, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_filter(QueryDict(query))
    assert list(refused.value.fields) == [path]


def test_a_search_that_takes_too_long_ends(
    gateway: FunctionGateway, written: Written, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.lines([{"text": "x" * 2_000} for _ in range(2_000)])
    monkeypatch.setattr(reading, "WITHIN_MS", 1)
    monkeypatch.setattr(reading.read_lines, "__kwdefaults__", {**reading.read_lines.__kwdefaults__, "within_ms": 1})
    with pytest.raises(SearchTookTooLong):
        read(gateway, alice, "q=nowhere")


def test_a_calls_lines_are_found_by_its_request(gateway: FunctionGateway, written: Written) -> None:
    written.lines([{"request_id": f"req_{number % 2}", "text": str(number)} for number in range(6)])
    assert [line.text for line in logs_of_call(gateway, "req_1")] == ["1", "3", "5"]
    assert logs_of_call(gateway, "") == []


def test_what_a_limit_kept_out_is_counted(gateway: FunctionGateway, written: Written, alice: User) -> None:
    for dropped in (1_200, 34):
        written.line("left out", source="system", level="warn", fields={"left_out": dropped})
    # A function that says so itself has dropped nothing
    written.line("left out", fields={"left_out": 5})
    assert read(gateway, alice).dropped == 1_234


def test_only_those_who_may_read_functions_of_that_workspace(
    gateway: FunctionGateway, written: Written, alice: User, bob: User, charlie: User, hanbit: Tenant
) -> None:
    written.line()
    assert len(read(gateway, bob).lines) == 1
    with pytest.raises(NotFound):
        read_logs(actor=member(charlie, hanbit), gateway=gateway, wanted=LogFilter())
    manager = make_member("mia", gateway.tenant, Role.BUSINESS_MANAGER)
    with pytest.raises(NotAllowed):
        read_logs(actor=member(manager.person, gateway.tenant), gateway=gateway, wanted=LogFilter())


def test_nobody_follows_what_is_deleted_or_suspended(gateway: FunctionGateway, alice: User, tidewater: Tenant) -> None:
    assert selectors.can_follow(alice, gateway.pk)
    FunctionGateway.objects.filter(pk=gateway.pk).update(phase=Phase.DELETED)
    assert not selectors.can_follow(alice, gateway.pk)
    FunctionGateway.objects.filter(pk=gateway.pk).update(phase=Phase.STARTED)
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=moment(), suspended_because="Unpaid")
    assert not selectors.can_follow(alice, gateway.pk)


def test_without_its_database_it_says_so(tidewater: Tenant, alice: User) -> None:
    gateway = some_gateway(tidewater, alice)
    with pytest.raises(Away):
        read(gateway, alice)
    with pytest.raises(Away):
        selectors.download_logs(actor=member(alice, tidewater), gateway=gateway, wanted=LogFilter())


def test_runtimes_write_and_functions_see_nothing(gateway: FunctionGateway, written: Written) -> None:
    import psycopg

    written.line()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        written.connection.execute("SELECT * FROM imp.logs")
