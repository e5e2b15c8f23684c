"""An operator looks at the console as somebody else: what they see, what stays closed, and what is written down."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from apps.accounts.models import Session, User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.mail.models import OutgoingMail
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from apps.tenants.view_as.history import Ended, end_viewing
from apps.tenants.view_as.services import start_viewing
from apps.tenants.view_as.tasks import write_down_end
from apps.tenants.view_as.viewing import LASTS, Viewing
from tests.contracts.service import ServiceContract
from tests.people import make_person
from tests.tenants.world import join

REASON = "Ticket 4471"
END = "/view-as/end"


class TestStartViewing(ServiceContract):
    """Two operators may, whatever their rank; those who own the workspace may not."""

    watched = (OutgoingMail,)
    verb = "view_as.started"
    allowed = ("operator", "administrator")
    refused = {"alice": NotAllowed, "bob": NotAllowed, "charlie": NotAllowed}

    @pytest.fixture
    def actors(
        self, alice: User, bob: User, charlie: User, operator: User, yuna: User, tidewater: Tenant
    ) -> dict[str, User]:
        return {"alice": alice, "bob": bob, "charlie": charlie, "operator": operator, "administrator": yuna}

    def make(self, alice: User, bob: User) -> User:
        return bob

    def call(self, actor: User, row: User) -> Viewing:
        return start_viewing(actor=actor, person=row, reason=REASON)


class TestEndViewing(ServiceContract):
    watched = (AuditEvent,)
    verb = "view_as.ended"
    allowed = ("operator",)
    refused = {}

    def make(self, alice: User, bob: User) -> Viewing:
        now = clock.now()
        return Viewing("look_1", "usr_operator", bob.pk, REASON, now, now + LASTS)

    def call(self, actor: User, row: Viewing) -> None:
        end_viewing(actor=actor, viewing=row, how=Ended.BY_HAND)

    def test_whoever_may_not_changes_nothing(self, actors: dict[str, User]) -> None:
        """Whoever holds the session ends it; once it has ended, nothing more is written."""
        row = self.make(actors["alice"], actors["bob"])
        for how in (Ended.BY_HAND, Ended.BY_TIME):
            end_viewing(actor=actors["operator"], viewing=row, how=how)
        assert [event.after["how"] for event in recorded("view_as.ended")] == ["by hand"]


def recorded(verb: str) -> list[Any]:
    return list(AuditEvent.objects.filter(verb=verb).order_by("tenant_id", "at"))


# --- Beginning -------------------------------------------------------------------------------------


def test_a_reason_has_to_be_given(operator: User, alice: User) -> None:
    for reason in ("", "  \n ", "x" * 301):
        with pytest.raises(InvalidInput) as caught:
            start_viewing(actor=operator, person=alice, reason=reason)
        assert list(caught.value.fields) == ["reason"]
    assert not AuditEvent.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_operators_and_those_who_can_not_sign_in_are_not_looked_at(operator: User, yuna: User, alice: User) -> None:
    alice.is_active = False
    for person in (yuna, operator, alice):
        with pytest.raises(Conflict):
            start_viewing(actor=operator, person=person, reason=REASON)
    assert not AuditEvent.objects.exists()


def test_it_stands_in_the_log_of_each_workspace_of_the_person(
    operator: User, bob: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(bob, hanbit, Role.QA)
    viewing = start_viewing(actor=operator, person=bob, reason=REASON)
    events = recorded("view_as.started")
    assert {event.tenant_id for event in events} == {tidewater.pk, hanbit.pk}
    for event in events:
        assert (event.actor_id, event.target_id) == (operator.pk, bob.pk)
        assert event.after["reason"] == REASON
        assert event.after["look"] == viewing.id


def test_of_somebody_in_no_workspace_it_stands_in_their_own_log(operator: User, bob: User) -> None:
    start_viewing(actor=operator, person=bob, reason=REASON)
    assert [event.tenant_id for event in recorded("view_as.started")] == [""]


def test_the_person_and_the_owners_are_told_and_nobody_learns_of_other_workspaces(
    operator: User, alice: User, bob: User, charlie: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    join(bob, hanbit, Role.QA)
    make_viewer = make_person("vera")
    join(make_viewer, tidewater, Role.VIEWER)
    start_viewing(actor=operator, person=bob, reason=REASON)
    texts = {mail.to: mail.text.reveal() for mail in OutgoingMail.objects.all()}
    assert set(texts) == {alice.email, bob.email, charlie.email}
    assert all(REASON in text and "Olivia" in text and "Bob" in text for text in texts.values())
    assert "/t/tidewater/audit" in texts[alice.email]
    assert "hanbit" not in texts[alice.email]
    assert "tidewater" not in texts[charlie.email].replace("@tidewater", "")


# --- While it lasts --------------------------------------------------------------------------------


@pytest.fixture
def viewing(operator: User, bob: User, tidewater: Tenant) -> Viewing:
    return start_viewing(actor=operator, person=bob, reason=REASON)


@pytest.fixture
def client(operator: User, viewing: Viewing) -> Client:
    """The operator's browser, which looks as bob."""
    client = Client(raise_request_exception=False)
    client.force_login(operator)
    session = client.session
    viewing.keep(session)
    session.save()
    return client


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def test_every_page_shows_what_the_person_sees_under_a_banner(client: Client, bob: User, hanbit: Tenant) -> None:
    for address in ("/t/tidewater/audit", "/audit", "/nowhere-at-all"):
        page = text_of(client.get(address))
        assert "You see the console as Bob" in page, address
        assert REASON in page
    assert client.get("/t/tidewater/audit").status_code == 403, "bob is a viewer, and viewers don't read the log"
    assert client.get("/t/hanbit/").status_code == 404, "bob isn't in it; the operator sees no more than he does"


def test_pages_without_it_have_no_banner(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    assert "You see the console as" not in text_of(client.get("/audit"))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("address", ["/t/tidewater/", "/account/theme", "/v1/me", "/nowhere", "/"])
def test_nothing_can_be_changed(client: Client, bob: User, operator: User, address: str, method: str) -> None:
    response = getattr(client, method)(address, {"theme": "dark"}, headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert "only-looking" in text_of(response)
    for person in (bob, operator):
        person.refresh_from_db()
        assert person.theme == "system"


@pytest.mark.parametrize(
    "address",
    [
        "/account",
        "/account/password",
        "/account/tokens",
        "/account/sessions",
        "/admin/",
        "/sign-in",
        "/v1/me",
        "/v1/access-tokens",
        "/v1/audit-events",
        "/mails",
        "/invitations/x",
        "/an-address-that-comes-later",
    ],
)
def test_accounts_the_admin_and_the_api_are_closed(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 403, address
    assert "only-looking" in text_of(response)


def test_looking_leaves_no_traces_of_the_person(client: Client, bob: User, operator: User) -> None:
    client.get("/t/tidewater/audit")
    assert Membership.objects.get(person=bob).last_seen_at is None
    assert set(Session.objects.values_list("person_id", flat=True)) == {operator.pk}


def write(request: HttpRequest) -> HttpResponse:
    try:
        with transaction.atomic():
            User.objects.update(name="Changed")
    except DatabaseError as error:
        return HttpResponse(str(error))
    return HttpResponse("written")


urlpatterns = [path("components/write", write), path("", include("portal.urls"))]


@pytest.mark.usefixtures("client")
def test_a_page_that_writes_for_a_get_is_stopped_by_the_database(client: Client, bob: User) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        assert "read-only transaction" in text_of(client.get("/components/write"))
    bob.refresh_from_db()
    assert bob.name == "Bob"
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("off",)


# --- The end ---------------------------------------------------------------------------------------


def assert_over(client: Client, how: Ended) -> None:
    (event,) = recorded("view_as.ended")
    assert event.after["how"] == how
    assert "view_as" not in client.session


def test_the_operator_ends_it_and_is_back_at_the_persons_page(client: Client, bob: User, operator: User) -> None:
    response = client.post(END)
    assert response["Location"] == f"/admin/accounts/user/{bob.pk}/change/"
    assert_over(client, Ended.BY_HAND)
    assert recorded("view_as.ended")[0].actor_id == operator.pk
    assert client.get("/account").status_code == 200
    assert client.post(END)["Location"] == "/"


def test_ending_makes_the_forms_void_that_were_shown_meanwhile(
    operator: User, viewing: Viewing, tidewater: Tenant
) -> None:
    """A page left open in another tab would be sent by the operator, who meant to be somebody else."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    session = client.session
    viewing.keep(session)
    session.save()
    shown = client.get("/audit").context["csrf_token"]
    assert client.post(END, {"csrfmiddlewaretoken": str(shown)}).status_code == 302
    stale = client.post("/account/theme", {"csrfmiddlewaretoken": str(shown), "theme": "dark"})
    assert stale.status_code == 403
    operator.refresh_from_db()
    assert operator.theme == "system"


@pytest.fixture
def later(viewing: Viewing) -> Iterator[None]:
    with time_machine.travel(clock.now() + LASTS + timedelta(seconds=1)):
        yield


@pytest.mark.usefixtures("later")
def test_after_half_an_hour_the_next_request_is_not_answered_but_ends_it(client: Client, operator: User) -> None:
    response = client.post("/account/theme", {"theme": "dark"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert_over(client, Ended.BY_TIME)
    assert recorded("view_as.ended")[0].after["seconds"] == LASTS.total_seconds()
    operator.refresh_from_db()
    assert operator.theme == "system"
    assert client.get("/account").status_code == 200


@pytest.mark.usefixtures("later")
def test_an_operator_who_never_comes_back_leaves_its_end_in_the_log(viewing: Viewing) -> None:
    arguments = (viewing.id, viewing.operator_id, viewing.person_id, viewing.started_at.isoformat())
    write_down_end(*arguments)
    write_down_end(*arguments)
    (event,) = recorded("view_as.ended")
    assert (event.after["how"], event.after["seconds"]) == ("by time", 1800)


def test_signing_out_ends_it_and_signs_out_the_operator(client: Client, operator: User) -> None:
    client.post("/sign-out")
    (event,) = recorded("view_as.ended")
    assert event.after["how"] == Ended.SIGNED_OUT
    assert AuditEvent.objects.get(verb="account.signed_out").actor_id == operator.pk
    assert client.get("/audit").status_code == 302


@pytest.mark.parametrize(
    ("who", "field", "value"),
    [("bob", "is_active", False), ("bob", "is_staff", True), ("operator", "is_staff", False)],
)
def test_it_ends_when_it_could_not_begin_any_more(
    client: Client, bob: User, operator: User, who: str, field: str, value: bool
) -> None:
    User.objects.filter(pk={"bob": bob, "operator": operator}[who].pk).update(**{field: value})
    assert client.get("/audit")["Location"] == "/"
    assert_over(client, Ended.REFUSED)


def test_it_ends_with_the_session(client: Client, operator: User) -> None:
    Session.objects.filter(person=operator).delete()
    assert client.get("/audit").status_code == 302
    fresh = Client()
    fresh.force_login(operator)
    assert "You see the console as" not in text_of(fresh.get("/audit"))
