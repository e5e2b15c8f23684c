"""What happens to functions' data when the platform's own database can't commit: the log tells of all that changed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.documents.selectors import list_collections, list_documents
from apps.documents.services import create_collection
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.access.tokens import TokenApi, make_token
from tests.gateways.pages import GATEWAYS, IN_SHEET
from tests.people import Api
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)
Breaking = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def breaking() -> Breaking:
    """As a database that goes away would: what writes that verb down can't be committed."""

    @contextmanager
    def broken(verb: str) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'no commit' USING ERRCODE = '57P01'; END $$"
            )
            cursor.execute(
                "CREATE CONSTRAINT TRIGGER test_refuse AFTER INSERT ON audit_auditevent DEFERRABLE INITIALLY DEFERRED"
                f" FOR EACH ROW WHEN (NEW.verb = '{verb}') EXECUTE FUNCTION test_refuse()"
            )
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP FUNCTION test_refuse() CASCADE")

    return broken


@pytest.fixture
def about(gateway: FunctionGateway, alice: User, tidewater: Tenant) -> dict[str, Any]:
    about = {"actor": member(alice, tidewater), "gateway": gateway}
    create_collection(**about, name="notes")
    return about


def kept(about: dict[str, Any]) -> list[str]:
    page = list_documents(**about, collection="notes", filter={}, sort={})
    return [each["_id"] for each in page.documents]


def verbs() -> list[str]:
    found = AuditEvent.objects.filter(verb__startswith="data.").order_by("pk").values_list("verb", flat=True)
    return list(found)[2:]


def insert_by_page(alice: User, gateway: FunctionGateway) -> int:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    url = f"{GATEWAYS}/{gateway.pk}/data/collections/notes/insert"
    return int(client.post(url, {"document": '{"_id": "x"}'}, headers=IN_SHEET).status_code)


def insert_by_api(alice: User, gateway: FunctionGateway) -> int:
    api = Api(alice)
    url = f"/v1/api-gateways/{gateway.pk}/collections/notes/documents"
    return int(api.post(url, {"document": {"_id": "x"}}, idempotency_key="the-same").status_code)


@pytest.mark.parametrize("insert", [insert_by_page, insert_by_api])
def test_what_was_done_is_told_as_begun_where_its_end_is_not_committed(
    insert: Callable[[User, FunctionGateway], int], about: dict[str, Any], alice: User, breaking: Breaking
) -> None:
    with breaking("data.document_inserted"):
        status = insert(alice, about["gateway"])
    assert status != 204
    assert (kept(about), verbs()) == (["x"], ["data.change_begun"])


@pytest.mark.parametrize("insert", [insert_by_page, insert_by_api])
def test_nothing_is_done_where_its_beginning_is_not_committed(
    insert: Callable[[User, FunctionGateway], int], about: dict[str, Any], alice: User, breaking: Breaking
) -> None:
    with breaking("data.change_begun"):
        insert(alice, about["gateway"])
    assert (kept(about), verbs()) == ([], [])


@pytest.mark.parametrize("insert", [insert_by_page, insert_by_api])
def test_without_a_fault_both_are_told(
    insert: Callable[[User, FunctionGateway], int], about: dict[str, Any], alice: User
) -> None:
    assert insert(alice, about["gateway"]) in (201, 204)
    assert (kept(about), verbs()) == (["x"], ["data.change_begun", "data.document_inserted"])


def test_a_change_by_a_token_names_it(about: dict[str, Any], alice: User) -> None:
    token = make_token(alice, "functions:write", "functions:read", "gateways:read")
    made = TokenApi(token).post(f"/v1/api-gateways/{about['gateway'].pk}/collections", {"name": "others"})
    assert made.status_code == 201, made.content
    assert {row.name for row in list_collections(**about)} == {"notes", "others"}
    events = AuditEvent.objects.filter(verb__startswith="data.").order_by("pk")
    assert [bool(event.token_id) for event in events] == [False, False, True, True]
