"""`/v1/api-gateways/{id}/collections` and what lies below it."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import assert_problem as is_problem
from tests.people import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(gateway: FunctionGateway, hanbit: Tenant) -> str:
    return f"/v1/api-gateways/{gateway.pk}/collections"


@pytest.fixture
def owner(alice: User) -> Api:
    return Api(alice)


def assert_problem(response: Any, status: int, slug: str, at: str = "") -> None:
    problem = is_problem(response, slug)
    assert (response.status_code, [error["path"] for error in problem["errors"]]) == (status, [at] if at else [])


def documents(url: str) -> str:
    return f"{url}/notes/documents"


def test_collections_are_made_listed_and_dropped(owner: Api, url: str) -> None:
    made = owner.post(url, {"name": "notes"})
    assert (made.status_code, made.headers["Location"]) == (201, f"{url}/notes")
    [row] = owner.get(url).json()["items"]
    assert (row["name"], row["documents"], row["is_exact"]) == ("notes", 0, True)
    assert made.json() == owner.get(made.headers["Location"]).json() == row
    assert_problem(owner.get(f"{url}/others"), 404, "not-found")
    assert owner.delete(f"{url}/notes").status_code == 204
    assert owner.get(url).json() == {"items": []}
    assert_problem(owner.post(url, {"name": "imp_x"}), 422, "invalid-input", at="/name")


def test_documents_are_inserted_found_changed_and_deleted(owner: Api, url: str) -> None:
    made = owner.post(documents(url), {"document": {"_id": "a/b", "n": 1, "at": {"$date": "2026-01-31T12:00:00Z"}}})
    assert made.status_code == 201
    where, etag = made.headers["Location"], made.headers["ETag"]
    found = owner.get(where)
    assert found.json()["document"] == {"_id": "a/b", "n": 1, "at": {"$date": "2026-01-31T12:00:00.000Z"}}
    assert owner.get(where, if_none_match=etag).status_code == 304
    assert_problem(owner.put(where, {"document": {"n": 2}}), 428, "version-required")
    changed = owner.put(where, {"document": {"n": 2}}, if_match=etag)
    assert changed.json()["document"] == {"_id": "a/b", "n": 2}
    assert owner.put(where, {"document": {"n": 3}}, if_match=etag).status_code == 412
    assert owner.delete(where, if_match=etag).status_code == 412
    assert owner.get(where).json()["document"]["n"] == 2
    assert owner.delete(where, if_match=changed.headers["ETag"]).status_code == 204
    assert owner.get(where).status_code == 404


@pytest.mark.parametrize("id", ["a\nb\n", "%2F", "e\u0301", "\u202e\u200b", "?x#y", "🛳" * 100])
def test_a_document_is_where_its_insert_says_whatever_its_id(owner: Api, url: str, id: str) -> None:
    made = owner.post(documents(url), {"document": {"_id": id}})
    assert owner.get(made.headers["Location"]).json()["document"] == {"_id": id}
    assert owner.delete(made.headers["Location"], if_match=made.headers["ETag"]).status_code == 204


def test_an_insert_that_is_sent_again_is_made_once(owner: Api, url: str) -> None:
    for _time in range(2):
        made = owner.post(documents(url), {"document": {"n": 1}}, idempotency_key="the-same-insert")
        assert made.status_code == 201
    assert len(owner.get(documents(url)).json()["items"]) == 1


def test_pages_by_filter_and_order(owner: Api, url: str) -> None:
    for number in range(5):
        owner.post(documents(url), {"document": {"_id": str(number), "n": number}})
    query = {"filter": '{"n": {"$gt": 0}}', "sort": '{"n": -1}', "limit": "3"}
    first = owner.get(documents(url), query).json()
    assert [each["document"]["_id"] for each in first["items"]] == ["4", "3", "2"]
    second = owner.get(documents(url), {**query, "cursor": first["next_cursor"]}).json()
    assert ([each["document"]["_id"] for each in second["items"]], second["next_cursor"]) == (["1"], None)
    wrong: list[tuple[dict[str, str], str]] = [
        ({"filter": "{"}, "?filter"),
        ({"filter": '{"n": {"$near": 1}}'}, "?filter"),
        ({"sort": "[]"}, "?sort"),
        ({"cursor": "x"}, "?cursor"),
    ]
    for query, field in wrong:
        assert_problem(owner.get(documents(url), query), 422, "invalid-input", at=field)


def test_indexes_are_made_listed_and_dropped(owner: Api, url: str) -> None:
    owner.post(documents(url), {"document": {"mail": "a"}})
    made = owner.post(f"{url}/notes/indexes", {"keys": {"mail": 1}, "is_unique": True})
    assert (made.status_code, made.json()["name"], made.json()["keys"]) == (201, "mail_1", {"mail": 1})
    assert [row["name"] for row in owner.get(f"{url}/notes/indexes").json()["items"]] == ["_id_", "mail_1"]
    assert owner.get(made.headers["Location"]).json() == made.json()
    assert owner.post(documents(url), {"document": {"mail": "a"}}).status_code == 409
    assert owner.delete(f"{url}/notes/indexes/mail_1").status_code == 204
    assert owner.delete(f"{url}/notes/indexes/mail_1").status_code == 404
    assert owner.get(f"{url}/notes/indexes/mail_1").status_code == 404
    for keys in ({}, {"a": 2}, {"_id": 1}):
        assert owner.post(f"{url}/notes/indexes", {"keys": keys}).status_code == 422
    assert owner.get(url.replace("collections", "slow-operations")).json() == {"items": []}


def test_who_may(owner: Api, url: str, bob: User, charlie: User, alice: User) -> None:
    owner.post(documents(url), {"document": {"_id": "x"}})
    asks: list[tuple[str, str, Any]] = [
        ("post", url, {"name": "other"}),
        ("delete", f"{url}/notes", None),
        ("post", documents(url), {"document": {}}),
        ("put", f"{documents(url)}/x", {"document": {"n": 1}}),
        ("delete", f"{documents(url)}/x", None),
        ("post", f"{url}/notes/indexes", {"keys": {"n": 1}}),
        ("delete", f"{url}/notes/indexes/n_1", None),
    ]
    reading = TokenApi(make_token(alice, "functions:read", "gateways:read"))
    before = AuditEvent.objects.count()
    for person, status in ((Api(bob), 403), (Api(charlie), 404), (reading, 403), (Api(), 401)):
        for method, path, body in asks:
            extra = {"if_match": "*"} if path.endswith("/x") else {}
            arguments = [] if method == "delete" else [body]
            assert getattr(person, method)(path, *arguments, **extra).status_code == status, (method, path)
    assert AuditEvent.objects.count() == before
    for reader in (Api(bob), reading):
        assert len(reader.get(documents(url)).json()["items"]) == 1
    assert Api(charlie).get(documents(url)).status_code == 404
