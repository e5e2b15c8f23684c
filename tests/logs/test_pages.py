"""The page of a log: what it shows, finds, offers to go on with, and keeps from those who may not."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.gateways.models import FunctionGateway
from apps.logs.models import LogRetention
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import some_gateway
from tests.logs.world import Written, gateway_row, moment
from tests.tenants.world import make_member

pytestmark = pytest.mark.django_db
IN_VIEW = {"HX-Request": "true", "HX-Target": "log-view"}
STACK = "Error: no such parcel\n    at find (user/me.ts:3:9)"


@pytest.fixture
def gateway(tidewater: Tenant, alice: User, gateway_id: str) -> FunctionGateway:
    return gateway_row(tidewater, alice, gateway_id)


def url_of(gateway: FunctionGateway, below: str = "") -> str:
    return f"/t/tidewater/gateways/{gateway.pk}/logs{below}"


def show(person: User, gateway: FunctionGateway, below: str = "", **query: Any) -> HttpResponse:
    client = Client()
    client.force_login(person)
    return client.get(url_of(gateway, below), query)


def test_lines_with_their_level_their_call_and_their_stack(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.line("<b>estimate</b>", request_id="req_1", fields={"zone": "부산"})
    written.line("no such parcel", level="error", fields={"stack": STACK}, function="user/:id", stage="prod")
    page = show(alice, gateway).content.decode()
    assert "&lt;b&gt;estimate&lt;/b&gt;" in page
    assert "부산" in page
    assert "?request_id=req_1" in page
    assert "prod/user/:id" in page
    assert "at find (user/me.ts:3:9)" in page
    assert 'class="is-bad"' in page
    assert page.index("estimate") < page.index("no such parcel")


def test_filters_of_the_address_are_chosen_and_hold(gateway: FunctionGateway, written: Written, alice: User) -> None:
    written.lines([{"text": "fine"}, {"text": "too slow", "level": "warn", "stage": "prod"}])
    page = show(alice, gateway, stage="prod", level="warn,error", q="SLOW").content.decode()
    assert "too slow" in page
    assert "fine" not in page
    assert '<option value="prod" selected>' in page
    assert '<option value="warn,error" selected>' in page


def test_what_cannot_be_meant_is_told_and_the_rest_holds(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.lines([{"text": "another line"}, {"text": "of prod", "stage": "prod"}])
    response = show(alice, gateway, stage="prod", since="yesterday")
    page = response.content.decode()
    assert response.status_code == 200
    assert "Write a time such as" in page
    assert "of prod" in page
    assert "another line" not in page


def test_it_goes_on_live_from_what_it_shows_but_not_at_a_time_that_is_over(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.line("now")
    response = show(alice, gateway, stage="dev", q="now")
    page = response.content.decode()
    followed = response.context["follow_url"]
    assert parse_qs(urlsplit(followed).query) == {"gateway": [gateway.pk], "stage": ["dev"], "q": ["now"]}
    assert f'data-since="{response.context["page"].snapshot}"' in page
    until = (moment() - timedelta(hours=1)).isoformat()
    back = show(alice, gateway, until=until)
    assert "data-tail" not in back.content.decode()
    assert "Back to now" in back.content.decode()


def test_a_time_is_meant_in_the_readers_zone(gateway: FunctionGateway, written: Written, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Seoul")
    written.line("at noon in UTC", at=moment().replace(hour=0, minute=30, second=0, microsecond=0))
    day = moment().date()
    # Half past nine in Seoul
    page = show(alice, gateway, since=f"{day}T09:29:00", until=f"{day}T09:31:00").content.decode()
    assert "at noon in UTC" in page
    assert "09:30:00.000" in page


def test_pages_are_linked_and_the_fragment_is_of_them_alone(
    gateway: FunctionGateway, written: Written, alice: User, client: Client
) -> None:
    written.lines([{"text": f"line {number:03}"} for number in range(250)])
    first = show(alice, gateway)
    assert "line 049" not in first.content.decode()
    assert "line 050" in first.content.decode()
    client.force_login(alice)
    older = client.get(first.context["older_url"], headers=IN_VIEW)
    text = older.content.decode()
    assert "line 049" in text
    assert "line 050" not in text
    assert "<html" not in text
    assert "data-tail" not in text
    assert 'id="log-newer"' in text


def test_empty_ones_teach(gateway: FunctionGateway, written: Written, alice: User, tidewater: Tenant) -> None:
    assert "Nothing was written yet" in show(alice, gateway).content.decode()
    assert "Nothing was found" in show(alice, gateway, q="nowhere").content.decode()
    away = show(alice, some_gateway(tidewater, alice))
    assert away.status_code == 200
    assert "The log can't be read at the moment" in away.content.decode()


def test_what_a_limit_kept_out_is_said(gateway: FunctionGateway, written: Written, alice: User) -> None:
    written.line("left out", source="system", level="warn", fields={"left_out": 1234})
    assert "1234 lines were left out here" in show(alice, gateway).content.decode()


def test_a_download_has_each_line_the_newest_first(gateway: FunctionGateway, written: Written, alice: User) -> None:
    written.lines([{"text": f"{number}", "stage": ("dev", "prod")[number % 2]} for number in range(2_500)])
    response = show(alice, gateway, "/download", stage="dev")
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].startswith(f'attachment; filename="{gateway.name}-logs-')
    lines = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    assert [line["text"] for line in lines] == [str(number) for number in range(2_498, -1, -2)]


def test_who_may_not_read_functions_sees_neither_page_nor_menu(
    gateway: FunctionGateway, written: Written, alice: User, bob: User, charlie: User, tidewater: Tenant
) -> None:
    written.line("a secret of ours")
    assert show(bob, gateway).status_code == 200
    manager = make_member("mia", tidewater, Role.BUSINESS_MANAGER).person
    for below in ("", "/download", "/retention"):
        for person, status in ((charlie, 404), (manager, 403)):
            response = show(person, gateway, below)
            assert response.status_code == status, (below, person)
            assert b"a secret of ours" not in response.content
    client = Client()
    client.force_login(manager)
    assert b"/t/tidewater/logs" not in client.get("/t/tidewater/gateways").content


def test_the_menu_leads_to_the_only_log_or_lets_one_choose(
    gateway: FunctionGateway, alice: User, tidewater: Tenant, client: Client
) -> None:
    client.force_login(alice)
    assert client.get("/t/tidewater/logs")["Location"] == url_of(gateway)
    another = some_gateway(tidewater, alice)
    page = client.get("/t/tidewater/logs").content.decode()
    assert url_of(gateway) in page
    assert url_of(another) in page


def test_how_long_it_is_kept_is_changed_in_a_dialog(
    gateway: FunctionGateway, written: Written, alice: User, client: Client
) -> None:
    client.force_login(alice)
    form = url_of(gateway, "/retention")
    assert "gt 90" not in client.get(form).content.decode()
    refused = client.post(form, {"days": 91, "megabytes": 512, "version": 1})
    assert refused.status_code == 422
    assert b'value="91"' in refused.content
    assert client.post(form, {"days": 30, "megabytes": 1024, "version": 1}).status_code == 302
    row = LogRetention.objects.get()
    assert (row.days, row.megabytes) == (30, 1024)
    assert "kept for 30 days and at most 1024 MB" in show(alice, gateway).content.decode()
    stale = client.post(form, {"days": 3, "megabytes": 1024, "version": 1})
    assert stale.status_code == 412
    assert LogRetention.objects.get().days == 30
