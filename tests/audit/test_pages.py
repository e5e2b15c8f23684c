"""The log as pages: a workspace's for the roles that read it, everybody's own, and operators' of the platform."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.selectors import can_listen, list_own_events
from apps.audit.services import SYSTEM, Target, record
from apps.core import clock
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.contracts.lists import DetailContract, ListContract
from tests.people import make_person
from tests.tenants.world import join, member

LOG = "/t/tidewater/audit"
PARTIAL = {"HX-Request": "true", "HX-Target": "table"}


def write(actor: Any, verb: str = "account.signed_in", target: Any = None, **more: Any) -> AuditEvent:
    with transaction.atomic():
        return record(actor=actor, verb=verb, target=target or actor, **more)


class OfTidewater:
    """Alice owns it, bob may read its log, and charlie's workspace is another."""

    tenant: Tenant

    @pytest.fixture(autouse=True)
    def _workspaces(self, tidewater: Tenant, hanbit: Tenant, bob: User) -> None:
        Membership.objects.filter(person=bob).update(role=Role.GATEWAY_OWNER)
        # Noting the visit is the middleware's own cost, once a minute
        Membership.objects.update(last_seen_at=clock.now())
        self.tenant = tidewater


class TestTenantLogPage(OfTidewater, ListContract):
    url = LOG
    narrowing = {"verb": "sign-ins"}
    nonsense = {"since": "yesterday"}

    def make(self, alice: User, bob: User, count: int) -> list[AuditEvent]:
        actor, verbs = member(alice, self.tenant), ("person.changed", "account.signed_out")
        return [write(actor, verbs[number % 2], bob) for number in range(count)]

    def test_owner_and_reader_see_it_and_others_do_not(  # type: ignore[override]
        self, client: Client, made: list[str], alice: User, bob: User, charlie: User
    ) -> None:
        """For charlie there's no such page."""
        for person, status in ((alice, 200), (bob, 200), (charlie, 404)):
            client.force_login(person)
            response = client.get(self.url)
            assert response.status_code == status, person
            assert (made[-1] in response.content.decode()) is (status == 200), person

    def test_the_export_holds_every_row(  # type: ignore[override]
        self, client: Client, made: list[str], alice: User, charlie: User
    ) -> None:
        client.force_login(alice)
        assert set(made) <= self._exported(client, {})
        client.force_login(charlie)
        assert client.get(self.url, {"format": "csv"}).status_code == 404


class TestTenantLogEntry(OfTidewater, DetailContract):
    def make(self, alice: User, bob: User) -> AuditEvent:
        return write(member(alice, self.tenant), "person.changed", bob, before={"name": "B"}, after={"name": "Bob"})

    def url(self, row: AuditEvent) -> str:
        return f"{LOG}/{row.pk}"


@pytest.fixture
def page(alice: User, tidewater: Tenant) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def found(client: Client, query: str = "", path: str = LOG) -> list[str]:
    response = client.get(f"{path}?{query}")
    assert response.status_code == 200
    return [row.pk for row in response.context["list"].rows]


# --- A workspace's ---------------------------------------------------------------------------------


def test_a_role_that_does_not_read_the_log_is_told_which_do(client: Client, bob: User, tidewater: Tenant) -> None:
    client.force_login(bob)
    for address in (LOG, f"{LOG}?format=csv", f"{LOG}/evt_1"):
        response = client.get(address)
        assert response.status_code == 403
        assert "gateway-owner" in response.content.decode()


def test_another_workspaces_entry_is_not_there(page: Client, charlie: User, hanbit: Tenant) -> None:
    entry = write(member(charlie, hanbit), target=charlie)
    assert page.get(f"{LOG}/{entry.pk}").status_code == 404
    assert found(page) == []
    assert found(page, f"actor={charlie.pk}") == []


def test_what_people_do_with_their_accounts_is_in_no_workspaces_log(page: Client, alice: User) -> None:
    write(alice, "account.password_changed")
    assert found(page) == []


def test_people_operators_and_the_system_are_told_apart(
    page: Client, alice: User, operator: User, tidewater: Tenant
) -> None:
    by_alice = write(member(alice, tidewater), target=alice)
    by_operator = write(operator, "view_as.started", alice, tenant_id=tidewater.pk)
    by_system = write(SYSTEM, "member.left", Target("membership", "mem_1", "Vera"), tenant_id=tidewater.pk)
    assert found(page) == [by_system.pk, by_operator.pk, by_alice.pk]
    assert found(page, f"actor={alice.pk}") == [by_alice.pk]
    assert found(page, "actor=operators") == [by_operator.pk]
    assert found(page, "actor=system") == [by_system.pk]
    text = page.get(LOG).content.decode()
    assert text.count('<span class="badge">Operator</span>') == 1


def test_the_choice_of_people_is_the_workspaces_own(page: Client, bob: User, charlie: User, hanbit: Tenant) -> None:
    text = page.get(LOG).content.decode()
    assert f'<option value="{bob.pk}">Bob</option>' in text
    assert charlie.pk not in text


def test_somebody_who_left_and_an_object_are_named_where_a_link_asks_for_them(page: Client, tidewater: Tenant) -> None:
    vera = make_person("vera")
    membership = join(vera, tidewater, Role.ADMIN)
    entry = write(member(vera, tidewater), "member.left", membership)
    Membership.objects.filter(pk=membership.pk).delete()
    assert found(page, f"actor={vera.pk}") == [entry.pk]
    text = page.get(f"{LOG}?actor={vera.pk}&target={membership.pk}").content.decode()
    assert "Who: Vera" in text
    assert "Object: Vera" in text
    assert found(page, "actor=usr_nobody") == []


def test_a_span_from_to_and_the_spans_with_names_do_not_mix(page: Client, alice: User, tidewater: Tenant) -> None:
    with time_machine.travel(clock.now() - timedelta(days=3)):
        old = write(member(alice, tidewater), target=alice)
    new = write(member(alice, tidewater), target=alice)
    day_ago = f"{clock.now() - timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert found(page, f"until={day_ago}") == [old.pk]
    assert found(page, f"within=dates&since={day_ago}") == [new.pk]
    assert found(page, f"within=7d&since={day_ago}") == [new.pk, old.pk], "the fields are hidden then"
    text = page.get(f"{LOG}?until={day_ago}").content.decode()
    assert '<option value="dates" selected>' in text
    assert f'value="{day_ago}"' in text
    assert "within=dates" not in page.get(f"{LOG}?within=dates").context["list"].here


def test_the_dates_are_the_readers(page: Client, alice: User, tidewater: Tenant) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Seoul")
    with time_machine.travel("2027-01-01T12:00:00Z"):
        entry = write(member(alice, tidewater), target=alice)
    assert found(page, "since=2027-01-01T20:59&until=2027-01-01T21:01") == [entry.pk]
    assert found(page, "since=2027-01-01T11:59&until=2027-01-01T12:01") == []
    text = page.get(f"{LOG}?since=2027-01-01T11:59:00Z").content.decode()
    assert 'value="2027-01-01T20:59"' in text


def test_links_of_an_entry_stay_in_the_workspaces_log(page: Client, alice: User, tidewater: Tenant) -> None:
    entry = write(member(alice, tidewater), target=alice)
    text = page.get(f"{LOG}/{entry.pk}").content.decode()
    assert f'href="{LOG}?actor={alice.pk}"' in text
    assert f'href="{LOG}?target={alice.pk}"' in text
    assert f'hx-get="{LOG}/{entry.pk}"' in page.get(LOG, headers=PARTIAL).content.decode()


@pytest.mark.parametrize(
    ("kind", "called"), [("accesstoken", "access token"), ("membership", "member"), ("gone_since", "gone_since")]
)
def test_a_change_names_the_kind_of_object_as_people_do(
    page: Client, alice: User, tidewater: Tenant, kind: str, called: str
) -> None:
    entry = write(member(alice, tidewater), target=Target(kind, "1", "release-bot"), after={"name": "release-bot"})
    assert f"<code>{called} release-bot</code>" in page.get(f"{LOG}/{entry.pk}").content.decode()


def test_a_suspended_workspace_shows_its_log_to_nobody_of_it(page: Client, tidewater: Tenant) -> None:
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid")
    response = page.get(LOG)
    assert response.status_code == 403
    assert "Unpaid" in response.content.decode()


# --- One's own -------------------------------------------------------------------------------------


def test_ones_own_log_has_what_one_did_in_the_workspaces_that_one_is_in(
    page: Client, alice: User, bob: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(alice, hanbit, Role.QA)
    own, there = write(alice), write(member(alice, hanbit), target=alice)
    write(member(bob, tidewater), target=bob)
    assert found(page, path="/audit") == [there.pk, own.pk]
    assert "Hanbit" in page.get("/audit").content.decode()
    Membership.objects.filter(person=alice, tenant=hanbit).delete()
    assert found(page, path="/audit") == [own.pk]
    assert page.get(f"/audit/{there.pk}").status_code == 404


def test_what_one_did_in_a_suspended_workspace_is_closed_with_it(page: Client, alice: User, tidewater: Tenant) -> None:
    entry = write(member(alice, tidewater), target=alice)
    assert found(page, path="/audit") == [entry.pk]
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now())
    assert found(page, path="/audit") == []


def test_an_operators_own_log_leaves_out_what_others_did(operator: User, alice: User) -> None:
    own = write(operator)
    write(alice)
    assert list(list_own_events(actor=operator)) == [own]


# --- The platform's --------------------------------------------------------------------------------


def test_operators_read_everything_and_find_a_workspace_by_its_address(
    operator: User, alice: User, charlie: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    tidewaters = write(member(alice, tidewater), target=alice)
    hanbits = write(member(charlie, hanbit), target=charlie)
    client = Client()
    client.force_login(operator)
    assert found(client, path="/audit") == [hanbits.pk, tidewaters.pk]
    assert found(client, "workspace=tidewater", "/audit") == [tidewaters.pk]
    assert found(client, f"workspace={hanbit.pk}", "/audit") == [hanbits.pk]
    assert found(client, "workspace=nowhere", "/audit") == []
    assert "Hanbit" in client.get(f"/audit/{hanbits.pk}").content.decode()


def test_people_do_not_get_the_operators_filter(page: Client, alice: User, tidewater: Tenant) -> None:
    assert 'name="workspace"' not in page.get("/audit").content.decode()


# --- News ------------------------------------------------------------------------------------------


def test_who_may_hear_of_a_workspaces_log_is_who_may_read_it(
    alice: User, bob: User, charlie: User, operator: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    assert can_listen(alice, tidewater.pk)
    assert can_listen(operator, tidewater.pk)
    for person in (bob, charlie, AnonymousUser()):
        assert not can_listen(person, tidewater.pk), person
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now())
    assert not can_listen(alice, tidewater.pk)
