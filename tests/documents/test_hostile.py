"""What people could send to the tab Data and to its API that isn't meant well, or is meant for somebody else."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core import clock
from apps.documents.selectors import list_documents
from apps.documents.services import insert_document
from apps.functions.calling.limits import DATA_PLACES
from apps.functions.calling.problems import TooManyQuestions
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.contracts.api import assert_problem
from tests.documents.world import make_keeping, mute
from tests.gateways.pages import GATEWAYS, IN_SHEET
from tests.people import Api
from tests.runtime.house import House
from tests.tenants.world import member
from tests.triggers.world import answers_at

pytestmark = pytest.mark.django_db
LONE = "\\ud800"


@pytest.fixture
def about(gateway: FunctionGateway, alice: User, tidewater: Tenant, hanbit: Tenant) -> dict[str, Any]:
    about = {"actor": member(alice, tidewater), "gateway": gateway, "collection": "notes"}
    insert_document(**about, document={"_id": "x", "n": 1})
    return about


@pytest.fixture
def url(about: dict[str, Any]) -> str:
    return f"/v1/api-gateways/{about['gateway'].pk}/collections"


@pytest.fixture
def page(about: dict[str, Any]) -> str:
    return f"{GATEWAYS}/{about['gateway'].pk}/data/collections/notes"


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def nested(levels: int) -> str:
    return '{"$and": [' * levels + "{}" + "]}" * levels


FILTERS = {
    "1,000 levels": nested(1000),
    "100,000 levels": nested(100_000),
    "110 levels": nested(110),
    "2 MB": json.dumps({"a": "x" * 2_000_000}),
    "40,000 fields": json.dumps({f"f{at}": 1 for at in range(40_000)}),
    "code": '{"$where": "sleep(10000)"}',
    "__proto__": '{"__proto__": 1}',
    "__proto__ inside": '{"a": {"__proto__": {"$gt": 1}}}',
    "half a character": f'{{"a": "{LONE}"}}',
    "half a character as a name": f'{{"{LONE}": 1}}',
    "NUL": '{"a": "\\u0000"}',
    "NUL itself": '{"a": "\0"}',
    "a dot at the end": '{"a.": 1}',
    "no number": '{"a": Infinity}',
    "a number beyond all": '{"a": 1e999999999999}',
    "a number below all": '{"a": 1e-999999999999999999999}',
    "many digits": f'{{"a": 0.{"1" * 5_000}}}',
    "a text": '"x"',
    "a field twice": '{"a": 1, "b": 2, "a": 3}',
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(alices: Client, alice: User, url: str, page: str, name: str) -> None:
    query = {"filter": FILTERS[name]}
    text = alices.get(page, query).content.decode()
    assert 'id="filter-error"' in text
    assert '<p class="error">' in text
    problem = assert_problem(Api(alice).get(f"{url}/notes/documents", query), "invalid-input")
    assert [error["path"] for error in problem["errors"]] == ["?filter"]


DOCUMENTS = {
    "__proto__": '{"__proto__": {"a": 1}}',
    "a dot": '{"a.b": 1}',
    "an operator": '{"$set": {"a": 1}}',
    "no name": '{"": 1}',
    "NUL": '{"a": "\\u0000"}',
    "half a character": f'{{"a": "{LONE}"}}',
    "1,000 levels": '{"a":' * 1000 + "1" + "}" * 1000,
    "many digits": '{"a": [{"b": 12345678901234567890}]}',
    "a number as an id": '{"_id": 5}',
    "a field twice": '{"a": [{"b": 1, "b": 1}]}',
    "a date that is none": '{"a": {"$date": "never"}}',
    "2 MB": json.dumps({"a": "x" * 2_000_000}),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(alices: Client, about: dict[str, Any], page: str, url: str, alice: User, name: str) -> None:
    sent = alices.post(f"{page}/insert", {"document": DOCUMENTS[name]}, headers=IN_SHEET)
    assert sent.status_code == 422
    assert 'class="error"' in sent.content.decode()
    body = f'{{"document": {DOCUMENTS[name]}}}'
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    answer = client.post(f"{url}/notes/documents", body, content_type="application/json")
    assert answer.status_code in (400, 413, 422), answer.content
    assert len(list_documents(**about, filter={}, sort={}).documents) == 1


def test_a_document_of_a_collection_that_is_not_there(url: str, about: dict[str, Any], alice: User) -> None:
    answer = Api(alice).get(f"{url}/nowhere/documents/x")
    assert answer.status_code == 404
    assert assert_problem(answer, "not-found")["detail"] == "There is no collection nowhere."


NAMES = [
    "1a",
    "a b",
    "a;b",
    "é",
    "__proto__",
    "imp_slow",
    "pg_class",
    "system",
    "x" * 49,
    "a.b",
    "..",
    "a%00",
    "%0A",
    "'",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_collections(
    alices: Client, about: dict[str, Any], alice: User, page: str, url: str, name: str
) -> None:
    there = name if "%" in name else quote(name)
    api = Api(alice)
    for answer in (
        api.get(f"{url}/{there}/documents"),
        api.get(f"{url}/{there}/indexes"),
        api.delete(f"{url}/{there}"),
        api.post(f"{url}/{there}/documents", {"document": {}}),
        api.post(url, {"name": name}),
        alices.get(f"{page.removesuffix('notes')}{there}"),
        alices.post(f"{page.removesuffix('notes')}{there}/insert", {"document": "{}"}, headers=IN_SHEET),
        alices.post(f"{page.removesuffix('/collections/notes')}/new", {"name": name}),
    ):
        assert answer.status_code in (200, 302, 404, 422), (answer.status_code, answer.content)
    assert len(list_documents(**about, filter={}, sort={}).documents) == 1


@pytest.mark.parametrize("id", ["\0", "", "x" * 300, "\x7f", "../notes", "%", "nobody"])
def test_ids(alices: Client, page: str, url: str, alice: User, id: str) -> None:
    for answer in (
        Api(alice).get(f"{url}/notes/documents/{quote(id, safe='')}"),
        alices.get(f"{page}/change", {"name": id}, headers=IN_SHEET),
        alices.post(f"{page}/delete?name={quote(id)}", {"version": "1"}, headers=IN_SHEET),
        alices.post(f"{page}/indexes/drop?name={quote(id)}", {}, headers=IN_SHEET),
    ):
        assert answer.status_code in (200, 404, 422), (answer.status_code, answer.content)


def test_what_is_another_workspaces_is_nowhere(about: dict[str, Any], charlie: User, url: str, page: str) -> None:
    hanbits = page.replace("/tidewater/", "/hanbit/")
    client = Client()
    client.force_login(charlie)
    api = Api(charlie)
    for answer in (
        *(client.get(f"{where}{form}") for where in (page, hanbits) for form in ("", "/insert", "/change?name=x")),
        *(client.post(f"{where}/delete?name=x") for where in (page, hanbits)),
        api.get(url),
        api.get(f"{url}/notes/documents"),
        api.get(f"{url}/notes/documents/x"),
        api.put(f"{url}/notes/documents/x", {"document": {}}, if_match="*"),
        api.delete(f"{url}/notes/documents/x", if_match="*"),
        api.delete(f"{url}/notes"),
        api.post(url, {"name": "mine"}),
        api.get(url.replace("collections", "slow-operations")),
    ):
        assert answer.status_code == 404
    assert len(list_documents(**about, filter={}, sort={}).documents) == 1


def test_a_suspended_workspace_keeps_its_data_to_itself(
    about: dict[str, Any], alices: Client, alice: User, tidewater: Tenant, url: str, page: str
) -> None:
    Tenant.objects.filter(pk=tidewater.pk).update(suspended_at=clock.now(), suspended_because="Unpaid")
    for answer in (
        alices.get(page),
        alices.post(f"{page}/delete?name=x"),
        Api(alice).get(f"{url}/notes/documents"),
        Api(alice).delete(f"{url}/notes"),
    ):
        assert answer.status_code == 403
    assert len(list_documents(**about, filter={}, sort={}).documents) == 1


def test_a_gateway_that_was_deleted_meanwhile(
    about: dict[str, Any], alices: Client, alice: User, url: str, page: str
) -> None:
    FunctionGateway.objects.filter(pk=about["gateway"].pk).update(state="deleted")
    assert Api(alice).get(f"{url}/notes/documents").status_code in (404, 409)
    assert Api(alice).post(f"{url}/notes/documents", {"document": {}}).status_code in (404, 409)
    assert alices.post(f"{page}/insert", {"document": '{"typed": 1}'}, headers=IN_SHEET).status_code in (404, 409)


def test_the_same_requests_sent_again_take_effect_once(about: dict[str, Any], alice: User, url: str) -> None:
    api = Api(alice)
    for path, body in (
        (url, {"name": "once"}),
        (f"{url}/notes/documents", {"document": {"n": 2}}),
        (f"{url}/notes/indexes", {"keys": {"n": 1}}),
    ):
        first, again = (api.post(path, body, idempotency_key=f"once-{len(path)}") for _time in range(2))
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len(list_documents(**about, filter={}, sort={}).documents) == 2
    # What was refused may be mended and sent again under its key
    wrong = {"document": {"_id": "x"}}
    assert api.post(f"{url}/notes/documents", wrong, idempotency_key="k").status_code == 409
    assert api.post(f"{url}/notes/documents", {"document": {"_id": "y"}}, idempotency_key="k").status_code == 201
    # A change and a deletion name the version that they're of
    document = f"{url}/notes/documents/x"
    etag = api.get(document).headers["ETag"]
    statuses = [api.put(document, {"document": {"n": 5}}, if_match=etag).status_code for _time in range(2)]
    assert statuses == [200, 412]
    etag = api.get(document).headers["ETag"]
    assert [api.delete(document, if_match=etag).status_code for _time in range(2)] == [204, 404]


def test_one_of_which_nothing_is_known_is_not_made_again_under_its_key(
    about: dict[str, Any], alice: User, url: str
) -> None:
    path = f"{url}/notes/documents"
    with mute() as port:
        answers_at(about["gateway"], port)
        unknown = Api(alice).post(path, {"document": {"n": 2}}, idempotency_key="the-same")
        assert_problem(unknown, "data-unanswered")
        again = Api(alice).post(path, {"document": {"n": 2}}, idempotency_key="the-same")
    assert (again.status_code, again.content) == (503, unknown.content)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_slow_questions_about_one_gateway_leave_places_for_others(
    about: dict[str, Any], house: House, port: int, tidewater: Tenant, alices: Client, alice: User, url: str, page: str
) -> None:
    other = make_keeping(tidewater, house, port, name="another")
    taken, pk = DATA_PLACES.taken, about["gateway"].pk
    with taken(pk), taken(pk):
        problem = assert_problem(Api(alice).get(f"{url}/notes/documents"), "too-many-questions")
        assert problem["status"] == 429
        assert "Too much is being asked" in alices.get(page).content.decode()
        with pytest.raises(TooManyQuestions):
            insert_document(**about, document={})
        found = list_documents(**{**about, "gateway": other}, filter={}, sort={})
        assert len(found.documents) == 1
        with taken("a third"), taken("a fourth"), pytest.raises(TooManyQuestions):
            list_documents(**{**about, "gateway": other}, filter={}, sort={})
    assert len(list_documents(**about, filter={}, sort={}).documents) == 1
