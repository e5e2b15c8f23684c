"""What people change of functions' data: who may, what is written down, and that nothing is overwritten unseen."""

import threading
from typing import Any

import psycopg
import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.documents.problems import DataUnanswered, DocumentChanged, DuplicateDocument
from apps.documents.selectors import (
    get_document,
    list_collections,
    list_documents,
    list_indexes,
    list_slow,
)
from apps.documents.services import (
    change_document,
    create_collection,
    create_index,
    delete_document,
    drop_collection,
    drop_index,
    insert_document,
)
from apps.functions.calling.problems import GatewayOutOfReach, GatewayStopped
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.documents.conftest import empty
from tests.documents.world import make_keeping, mute
from tests.runtime.house import House
from tests.runtime.processes import wait_until
from tests.tenants.contract import WorkspaceServiceContract
from tests.tenants.world import make_member, member
from tests.triggers.world import answers_at

pytestmark = pytest.mark.django_db
NAME = "deliveries"
END_WHAT_WAITS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class DataServiceContract(WorkspaceServiceContract):
    """Its rows are in the gateway's database; those of the platform are what was written down."""

    watched = (AuditEvent,)
    also = ("data.change_begun",)
    house: House
    port: int
    alice: Member
    count = 0

    @pytest.fixture(autouse=True)
    def _there(self, house: House, port: int, tidewater: Tenant, alice: User) -> Any:
        self.house, self.port, self.alice = house, port, member(alice, tidewater)
        yield
        empty(house)

    def make(self, alice: User, bob: User) -> FunctionGateway:
        type(self).count += 1
        gateway = make_keeping(self.tidewater, self.house, self.port, name=f"keeping-{self.count}")
        empty(self.house)
        change = {"actor": self.alice, "gateway": gateway, "collection": NAME}
        insert_document(**change, document={"_id": "a", "status": "open"})
        create_index(**change, keys={"status": 1})
        return gateway

    def rows(self) -> Any:
        return self.house.ask_data(f"SELECT doc FROM data.{NAME} ORDER BY 1")

    def test_whoever_may_not_leaves_the_data(self, actors: dict[str, User]) -> None:
        gateway = self.make(actors["alice"], actors["bob"])
        before = self.rows()
        with pytest.raises(NotAllowed):
            self.call(actors["bob"], gateway)
        assert self.rows() == before


class TestCreateCollection(DataServiceContract):
    verb = "data.collection_created"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return create_collection(actor=actor, gateway=row, name="notes")


class TestDropCollection(DataServiceContract):
    verb = "data.collection_dropped"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return drop_collection(actor=actor, gateway=row, name=NAME)


class TestInsertDocument(DataServiceContract):
    verb = "data.document_inserted"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return insert_document(actor=actor, gateway=row, collection=NAME, document={"status": "new"})


class TestChangeDocument(DataServiceContract):
    verb = "data.document_changed"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        found = get_document(actor=self.alice, gateway=row, collection=NAME, id="a")
        change = {"document": {"status": "done"}, "version": found.version}
        return change_document(actor=actor, gateway=row, collection=NAME, id="a", **change)


class TestDeleteDocument(DataServiceContract):
    verb = "data.document_deleted"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return delete_document(actor=actor, gateway=row, collection=NAME, id="a")


class TestCreateIndex(DataServiceContract):
    verb = "data.index_created"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return create_index(actor=actor, gateway=row, collection=NAME, keys={"created": -1}, is_unique=False)


class TestDropIndex(DataServiceContract):
    verb = "data.index_dropped"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return drop_index(actor=actor, gateway=row, collection=NAME, name="status_1")


@pytest.fixture
def about(gateway: FunctionGateway, alice: User, tidewater: Tenant) -> dict[str, Any]:
    return {"actor": member(alice, tidewater), "gateway": gateway, "collection": NAME}


def test_what_is_written_is_found(about: dict[str, Any]) -> None:
    for number in range(5):
        insert_document(**about, document={"_id": str(number), "n": number, "at": {"$date": "2026-01-31T12:00:00Z"}})
    page = list_documents(**about, filter={"n": {"$gte": 1}}, sort={"n": -1}, limit=3)
    assert [each["_id"] for each in page.documents] == ["4", "3", "2"]
    rest = list_documents(**about, filter={"n": {"$gte": 1}}, sort={"n": -1}, limit=3, after=page.after)
    assert ([each["_id"] for each in rest.documents], rest.after) == (["1"], None)
    [found] = list_collections(actor=about["actor"], gateway=about["gateway"])
    assert (found.name, found.documents, found.is_exact) == (NAME, 5, True)
    assert found.bytes > 0


def test_a_change_that_somebody_made_meanwhile_is_not_overwritten(about: dict[str, Any]) -> None:
    read = insert_document(**about, document={"_id": "x", "n": 1})
    mine = change_document(**about, id="x", document={"n": 2}, version=read.version)
    with pytest.raises(DocumentChanged):
        change_document(**about, id="x", document={"n": 3}, version=read.version)
    with pytest.raises(DocumentChanged):
        delete_document(**about, id="x", version=read.version)
    assert get_document(**about, id="x").content == {"_id": "x", "n": 2}
    delete_document(**about, id="x", version=mine.version)
    with pytest.raises(NotFound):
        get_document(**about, id="x")


def test_what_is_wrong_is_said_at_its_field(about: dict[str, Any]) -> None:
    insert_document(**about, document={"_id": "x"})
    wrong: list[tuple[str, Any]] = [
        ("document", lambda: insert_document(**about, document={"$a": 1})),
        ("document", lambda: insert_document(**about, document={"_id": 5})),
        ("document", lambda: change_document(**about, id="x", document={"_id": "y"}, version="")),
        ("filter", lambda: list_documents(**about, filter={"$where": "1"}, sort={})),
        ("keys", lambda: create_index(**about, keys={"a": 5})),
        ("name", lambda: create_collection(actor=about["actor"], gateway=about["gateway"], name="imp_x")),
    ]
    for field, act in wrong:
        with pytest.raises(InvalidInput) as raised:
            act()
        assert list(raised.value.fields) == [field], raised.value.fields
    with pytest.raises(DuplicateDocument):
        insert_document(**about, document={"_id": "x"})


def test_indexes_are_listed_with_what_they_are_used(about: dict[str, Any]) -> None:
    insert_document(**about, document={"mail": "a"})
    assert create_index(**about, keys={"mail": 1, "at": -1}, is_unique=True) == "mail_1_at_-1"
    always, made = list_indexes(**about)
    assert (always.name, always.keys, always.bytes) == ("_id_", (("_id", 1),), None)
    assert (made.keys, made.is_unique, made.uses) == ((("mail", 1), ("at", -1)), True, 0)
    with pytest.raises(DuplicateDocument):
        insert_document(**about, document={"mail": "a"})
    assert list_slow(actor=about["actor"], gateway=about["gateway"]) == []


def test_who_reads(about: dict[str, Any], tidewater: Tenant) -> None:
    insert_document(**about, document={"_id": "x"})
    for role in (Role.API_DEVELOPER, Role.QA, Role.VIEWER):
        reader = {**about, "actor": make_member(role, tidewater, role)}
        assert get_document(**reader, id="x").id == "x"
        with pytest.raises(NotAllowed):
            delete_document(**reader, id="x")
    stranger = {**about, "actor": make_member("manager", tidewater, Role.BUSINESS_MANAGER)}
    for read in (
        lambda: get_document(**stranger, id="x"),
        lambda: list_documents(**stranger, filter={}, sort={}),
        lambda: list_indexes(**stranger),
        lambda: list_slow(actor=stranger["actor"], gateway=stranger["gateway"]),
        lambda: list_collections(actor=stranger["actor"], gateway=stranger["gateway"]),
    ):
        with pytest.raises(NotAllowed):
            read()


def test_whose_gateway_it_is_may_change_it(about: dict[str, Any], tidewater: Tenant) -> None:
    owner = make_member("gateway-owner", tidewater, Role.GATEWAY_OWNER)
    with pytest.raises(NotAllowed):
        insert_document(**{**about, "actor": owner}, document={})
    FunctionGateway.objects.filter(pk=about["gateway"].pk).update(owner=owner.person)
    about["gateway"].owner_id = owner.person.pk
    assert insert_document(**{**about, "actor": owner}, document={"n": 1}).content["n"] == 1


def test_what_is_in_a_document_is_not_written_down(about: dict[str, Any]) -> None:
    insert_document(**about, document={"_id": "x", "secret": "never-said"})
    event = AuditEvent.objects.get(verb="data.document_inserted")
    assert event.after == {"collection": NAME, "id": "x"}
    assert event.target_id == about["gateway"].pk


def told() -> list[tuple[str, Any]]:
    found = AuditEvent.objects.filter(verb__startswith="data.").order_by("pk")
    return [(event.verb.partition(".")[2], event.after) for event in found]


def test_what_is_refused_is_written_down_as_that(about: dict[str, Any]) -> None:
    insert_document(**about, document={"_id": "x"})
    with pytest.raises(DuplicateDocument):
        insert_document(**about, document={"_id": "x"})
    change = {"collection": NAME, "change": "document_inserted"}
    assert told() == [
        ("change_begun", change),
        ("document_inserted", {"collection": NAME, "id": "x"}),
        ("change_begun", change),
        ("change_refused", {**change, "because": "duplicate-document"}),
    ]
    with pytest.raises(NotFound):
        drop_collection(actor=about["actor"], gateway=about["gateway"], name="nobody")
    assert told()[-1][0] == "change_refused"


def test_a_gateway_that_cannot_be_asked_says_why(about: dict[str, Any]) -> None:
    about["gateway"].state = State.STOPPED
    for act in (
        lambda: list_collections(actor=about["actor"], gateway=about["gateway"]),
        lambda: insert_document(**about, document={}),
    ):
        with pytest.raises(GatewayStopped):
            act()
    assert told() == []
    about["gateway"].state = State.RUNNING
    answers_at(about["gateway"], 9)
    about["gateway"].cluster.refresh_from_db()
    with pytest.raises(GatewayOutOfReach):
        insert_document(**about, document={})
    assert [verb for verb, _after in told()] == ["change_begun", "change_refused"]


def test_of_a_change_without_an_answer_the_log_says_no_more_than_that_it_began(about: dict[str, Any]) -> None:
    with mute() as port:
        answers_at(about["gateway"], port)
        about["gateway"].cluster.refresh_from_db()
        with pytest.raises(DataUnanswered):
            insert_document(**about, document={})
    assert [verb for verb, _after in told()] == ["change_begun"]


def test_nor_of_one_whose_session_ended_in_the_middle(about: dict[str, Any], house: House) -> None:
    insert_document(**about, document={"_id": "x"})
    made = len(told())
    with psycopg.connect(house.spec["database_url"]) as holding:
        holding.execute(f'LOCK TABLE data."{NAME}" IN EXCLUSIVE MODE')
        ending = threading.Thread(target=wait_until, args=(lambda: bool(house.ask(END_WHAT_WAITS)),))
        ending.start()
        with pytest.raises(DataUnanswered):
            insert_document(**about, document={"_id": "y"})
        ending.join()
    assert [verb for verb, _after in told()[made:]] == ["change_begun"]
