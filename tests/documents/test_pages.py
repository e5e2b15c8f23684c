"""The tab Data as a client sees it: collections, a query, documents, indexes; and a gateway that can't be asked."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.documents.selectors import get_document, list_collections, list_indexes
from apps.documents.services import change_document, create_index, insert_document
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.contracts.queries import pinned_queries
from tests.gateways.pages import ASKING, GATEWAYS, IN_SHEET
from tests.runtime.house import House
from tests.tenants.pages import IN_DIALOG
from tests.tenants.world import member
from tests.triggers.world import answers_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def data(gateway: FunctionGateway) -> str:
    return f"{GATEWAYS}/{gateway.pk}/data"


@pytest.fixture
def page(data: str) -> str:
    return f"{data}/collections/deliveries"


@pytest.fixture
def about(gateway: FunctionGateway, alice: User, tidewater: Tenant) -> dict[str, Any]:
    actor: Member = member(alice, tidewater)
    about = {"actor": actor, "gateway": gateway, "collection": "deliveries"}
    for number in range(25):
        insert_document(**about, document={"_id": f"d{number:02}", "n": number, "who": "<b>Anna</b>"})
    return about


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_who_sees_it(client: Client, about: Any, data: str, page: str, alice: User, bob: User, charlie: User) -> None:
    for url in (data, page):
        client.logout()
        assert client.get(url).status_code == 302
        for person, status in ((alice, 200), (bob, 200), (charlie, 404)):
            client.force_login(person)
            assert client.get(url).status_code == status, person
    client.force_login(bob)
    assert "insert-document" not in client.get(page).content.decode()
    for form in ("insert", "change?name=d01", "delete?name=d01", "indexes/new", "indexes/drop?name=x", "drop"):
        assert client.get(f"{page}/{form}").status_code == 403, form
    assert client.get(f"{data}/new").status_code == 403


def test_collections_with_their_sizes(alices: Client, about: Any, data: str) -> None:
    text = alices.get(data).content.decode()
    assert 'href="' + f"{data}/collections/deliveries" + '"' in text
    assert re.search(r'data-label="Documents">\s*25\s*<', text)


def test_a_query_by_filter_order_and_number(alices: Client, about: Any, page: str) -> None:
    def shown(**query: str) -> list[str]:
        found = alices.get(page, query, headers={"HX-Request": "true", "HX-Target": "documents"}).content.decode()
        return re.findall(r'aria-label="(d\d\d)"', found)

    assert shown() == [f"d{number:02}" for number in range(20)]
    assert shown(filter='{"n": {"$gte": 22}}', sort='{"n": -1}') == ["d24", "d23", "d22"]
    first = alices.get(page, {"sort": '{"n": -1}'}).content.decode()
    following = re.search(r'id="next-documents" href="([^"]+)"', first)
    assert following
    later = alices.get(following[1].replace("&amp;", "&")).content.decode()
    assert re.findall(r'aria-label="(d\d\d)"', later) == ["d04", "d03", "d02", "d01", "d00"]
    assert "&lt;b&gt;Anna" in later
    assert "<b>Anna" not in later


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"filter": '{"n": '}, "line 1, column 7"),
        ({"filter": "[1]"}, "Write an object"),
        ({"filter": '{"$where": "1"}'}, "$where isn&#x27;t supported"),
        ({"sort": '{"n": "down"}'}, "sort takes fields with 1 or -1"),
        ({"filter": '{"n": NaN}'}, "can&#x27;t be read as JSON"),
        ({"projection": '{"a": 1, "b": 0}'}, "either takes fields or leaves fields out"),
        ({"projection": '{"_id": 0}'}, "The _id stays"),
        ({"filter": '{"n": 9007199254740993}'}, "9007199254740993 has more digits than a number keeps"),
    ],
)
def test_a_query_that_cannot_be_read_is_told_and_kept(
    alices: Client, about: Any, page: str, query: dict[str, str], said: str
) -> None:
    [(field, given)] = query.items()
    for headers in ({}, {"HX-Request": "true", "HX-Target": "documents"}):
        text = alices.get(page, query, headers=headers).content.decode()
        at_field = re.search(rf'<div id="{field}-error"[^>]*role="alert">(.*?)</div>', text, re.S)
        assert at_field
        assert said in at_field[1]
    assert given.replace('"', "&quot;") in alices.get(page, query).content.decode()


def test_all_that_cannot_be_read_is_told_at_once(alices: Client, about: Any, page: str) -> None:
    text = alices.get(page, {"filter": "{", "sort": "[]", "projection": "x"}).content.decode()
    assert text.count('<p class="error">') == 3


def test_some_fields_of_each(alices: Client, about: Any, page: str) -> None:
    text = alices.get(page, {"projection": '{"n": 1}', "limit": "20"}).content.decode()
    assert "&quot;n&quot;: 3" in text
    assert "Anna" not in text
    assert "projection=%7B" in text.partition('id="next-documents" href="')[2].partition('"')[0]


def test_a_collection_that_is_not_there_says_so(
    alices: Client, about: Any, data: str, client: Client, bob: User
) -> None:
    there_not = f"{data}/collections/nobody"
    text = alices.get(there_not).content.decode()
    assert "There is no collection nobody" in text
    assert f"{data}/new?name=nobody" in text
    assert 'value="nobody"' in alices.get(f"{data}/new?name=nobody", headers=IN_DIALOG).content.decode()
    alices.post(f"{data}/new", {"name": "nobody"}, headers=IN_DIALOG)
    text = alices.get(there_not).content.decode()
    assert "There is no collection" not in text
    assert "No documents yet" in text
    client.force_login(bob)
    assert "new?name=" not in client.get(f"{data}/collections/another").content.decode()


def test_documents_are_inserted_changed_and_deleted(alices: Client, about: Any, page: str) -> None:
    response = alices.post(f"{page}/insert", {"document": '{"_id": "new", "n": 1}'}, headers=IN_SHEET)
    assert (response.status_code, "data-changed" in response["HX-Trigger"]) == (204, True)
    form = alices.get(f"{page}/change?name=new", headers=IN_SHEET).content.decode()
    version = re.search(r'name="version" value="(\w+)"', form)
    assert version
    change = {"document": '{"_id": "new", "n": 2}', "version": version[1]}
    assert alices.post(f"{page}/change?name=new", change, headers=IN_SHEET).status_code == 204
    stale = alices.post(f"{page}/change?name=new", {**change, "document": '{"n": 3}'}, headers=IN_SHEET)
    text = stale.content.decode()
    assert (stale.status_code, "&quot;n&quot;: 2" in text, "&quot;n&quot;: 3" in text) == (412, True, True)
    assert get_document(**about, id="new").content["n"] == 2
    newer = re.search(r'name="newer_version" value="(\w+)"', text)
    assert newer
    over = {"document": '{"n": 3}', "version": version[1], "newer_version": newer[1], "over": "1"}
    assert alices.post(f"{page}/change?name=new", over, headers=IN_SHEET).status_code == 204
    assert get_document(**about, id="new").content == {"_id": "new", "n": 3}


def test_a_document_is_deleted_as_it_was_shown(alices: Client, about: Any, page: str) -> None:
    def version_in(text: str) -> str:
        found = re.search(r'name="version" value="(\w+)"', text)
        assert found
        return found[1]

    delete = f"{page}/delete?name=d03"
    dialog = alices.get(delete, headers=IN_DIALOG).content.decode()
    for told in ("Way back", "&quot;n&quot;: 3"):
        assert told in dialog
    shown = get_document(**about, id="d03")
    assert version_in(dialog) == shown.version
    change_document(**about, id="d03", document={"n": 33}, version=shown.version)
    stale = alices.post(delete, {"version": shown.version}, headers=IN_DIALOG)
    text = stale.content.decode()
    assert (stale.status_code, "The document was changed since it was read" in text) == (412, True)
    for told in ("&quot;n&quot;: 33", "Delete again if that should go too."):
        assert told in text
    # Unseen, nothing goes
    for unseen in ({}, {"version": ""}):
        assert alices.post(delete, unseen, headers=IN_DIALOG).status_code == 422
    assert get_document(**about, id="d03").content["n"] == 33
    assert alices.post(delete, {"version": version_in(text)}, headers=IN_DIALOG).status_code == 204
    assert alices.get(delete, headers=IN_DIALOG).status_code == 404


@pytest.mark.parametrize(
    "document", ["{", '{"_id": "d01"}', '{"$a": 1}', '{"a.b": 1}', '{"n": 12345678901234567890}', '{"n": 1e400}']
)
def test_a_document_that_cannot_be_kept_is_not_lost(alices: Client, about: Any, page: str, document: str) -> None:
    response = alices.post(f"{page}/insert", {"document": document}, headers=IN_SHEET)
    assert response.status_code in (409, 422)
    assert document.replace('"', "&quot;") in response.content.decode()


def test_indexes_and_collections_come_and_go(alices: Client, about: Any, data: str, page: str) -> None:
    made = alices.post(f"{page}/indexes/new", {"keys": '{"who": 1, "n": -1}'}, headers=IN_DIALOG)
    assert made.status_code == 204
    assert [index.name for index in list_indexes(**about)] == ["_id_", "who_1_n_-1"]
    assert "who_1_n_-1" in alices.get(page).content.decode()
    for keys in ("{}", '{"a": 2}', "x"):
        assert alices.post(f"{page}/indexes/new", {"keys": keys}, headers=IN_DIALOG).status_code == 422
    assert alices.post(f"{page}/indexes/drop?name=who_1_n_-1", {}, headers=IN_DIALOG).status_code == 204
    assert alices.post(f"{data}/new", {"name": "notes"}, headers=IN_DIALOG).status_code in (200, 204)
    assert alices.post(f"{data}/new", {"name": "no name"}, headers=IN_DIALOG).status_code == 422
    assert alices.post(f"{page}/drop", {"typed": "other"}, headers=IN_DIALOG).status_code == 422
    alices.post(f"{page}/drop", {"typed": "deliveries"}, headers=IN_DIALOG)
    found = list_collections(actor=about["actor"], gateway=about["gateway"])
    assert [row.name for row in found] == ["notes"]


def test_what_was_slow_offers_its_index(alices: Client, about: Any, data: str, house: House) -> None:
    create_index(**about, keys={"n": 1})
    house.ask_data(
        "INSERT INTO data.imp_slow (collection, op, shape, suggests, total_ms, most_ms) VALUES"
        """ ('deliveries', 'find', '{"who":?}', '[["who", 1]]', 250, 250)"""
    )
    text = alices.get(data).content.decode()
    assert "find {&quot;who&quot;:?}" in text
    where = re.search(r'href="([^"]+indexes/new\?keys=[^"]+)"', text)
    assert where
    assert "{&quot;who&quot;: 1}" in alices.get(where[1], headers=IN_DIALOG).content.decode()


def test_a_gateway_that_is_stopped_offers_to_start_it(
    alices: Client, about: Any, data: str, page: str, bob: User
) -> None:
    FunctionGateway.objects.filter(pk=about["gateway"].pk).update(state="stopped", phase="stopped")
    for url in (data, page):
        text = alices.get(url).content.decode()
        assert "Its data is kept" in text
        assert f"{GATEWAYS}/{about['gateway'].pk}/start" in text
    alices.force_login(bob)
    assert "start-for-data" not in alices.get(data).content.decode()


def test_a_gateway_out_of_reach_says_so(alices: Client, about: Any, data: str, page: str) -> None:
    answers_at(about["gateway"], 9)
    for url in (data, page):
        response = alices.get(url)
        assert (response.status_code, "reached" in response.content.decode()) == (200, True)
    typed = {"document": '{"typed": 1}'}
    assert alices.post(f"{page}/insert", typed, headers=IN_SHEET).status_code == 503
    # On a page of its own, which is gone with its answer, it comes back with it
    failed = alices.post(f"{page}/insert", typed)
    assert (failed.status_code, "{&quot;typed&quot;: 1}" in failed.content.decode()) == (503, True)


def test_how_much_the_pages_ask(alices: Client, about: Any, data: str, page: str) -> None:
    for name, url in (("Data: collections", data), ("Data: collection", page)):
        alices.get(url)
        with pinned_queries(name):
            assert alices.get(url).status_code == 200


def test_what_comes_anew_has_the_indexes_with_it(alices: Client, about: Any, page: str) -> None:
    piece = alices.get(page, headers={"HX-Request": "true", "HX-Target": "documents"}).content.decode()
    assert 'id="beside" hx-swap-oob="true"' in piece
    assert 'id="beside" hx-swap-oob' not in alices.get(page).content.decode()


def test_news_replace_what_they_are_about(alices: Client, about: Any, data: str) -> None:
    assert alices.get(data, headers=ASKING).status_code == 200
