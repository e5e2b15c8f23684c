"""What every resource of the API promises. Say what differs; everything that holds for all is tried here."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from django.core import serializers as row_serializers
from django.db import models

from apps.accounts.models import User
from tests.contracts.queries import pinned_queries
from tests.people import Api

PROBLEM = {"type", "title", "status", "detail", "instance", "request_id", "errors"}


def assert_problem(response: Any, slug: str) -> dict[str, Any]:
    """A problem document whose header, status and body say the same."""
    assert response["Content-Type"] == "application/problem+json", response.content
    document: dict[str, Any] = response.json()
    assert set(document) >= PROBLEM
    assert document["type"].endswith(f"/errors/{slug}"), document
    assert document["status"] == response.status_code
    assert document["request_id"] == response["X-Request-Id"]
    assert document["title"]
    assert document["detail"]
    assert all(set(error) == {"path", "message", "code"} for error in document["errors"])
    return document


class ReadContract(ABC):
    """Lists and reads."""

    url: ClassVar[str]
    model: ClassVar[type[models.Model]]
    #: A filter that finds a part of what is there
    narrowing: ClassVar[dict[str, str]]
    rows: ClassVar[int] = 12

    @abstractmethod
    def make(self, alice: User, bob: User, count: int = 1) -> list[Any]:
        """So many rows of alice's that bob may read and charlie mustn't know of."""

    def one(self, alice: User, bob: User) -> Any:
        return self.make(alice, bob)[0]

    def test_a_list_is_walked_to_the_end_and_back(self, alice: User, bob: User) -> None:
        expected = {row.pk for row in self.make(alice, bob, self.rows)}
        api = Api(alice)
        seen, cursor = [], None
        while True:
            page = api.get(self.url, {"limit": 5, **({"cursor": cursor} if cursor else {})}).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert expected <= set(seen)
        assert len(seen) == len(set(seen))
        back = [item["id"] for item in page["items"]]
        while page["previous_cursor"]:
            page = api.get(self.url, {"limit": 5, "cursor": page["previous_cursor"]}).json()
            back = [item["id"] for item in page["items"]] + back
        assert back == seen

    def test_links_lead_to_the_neighbours(self, alice: User, bob: User) -> None:
        self.make(alice, bob, self.rows)
        first = Api(alice).get(self.url, {"limit": 5})
        assert 'rel="next"' in first["Link"]
        second = Api(alice).get(first["Link"].partition("<")[2].partition(">")[0])
        assert 'rel="prev"' in second["Link"]
        assert not {item["id"] for item in first.json()["items"]} & {item["id"] for item in second.json()["items"]}

    def test_filters_narrow(self, alice: User, bob: User) -> None:
        self.make(alice, bob, self.rows)
        everything = Api(alice).get(self.url, {"limit": 200}).json()["items"]
        found = Api(alice).get(self.url, {"limit": 200, **self.narrowing}).json()["items"]
        assert 0 < len(found) < len(everything)

    def test_the_list_shows_what_the_object_shows(self, alice: User, bob: User) -> None:
        row = self.one(alice, bob)
        items = Api(alice).get(self.url, {"limit": 200}).json()["items"]
        assert next(item for item in items if item["id"] == row.pk) == Api(alice).get(f"{self.url}/{row.pk}").json()

    def test_owner_and_reader_see_it_and_others_do_not(self, alice: User, bob: User, charlie: User) -> None:
        row = self.one(alice, bob)
        for person, sees in ((alice, True), (bob, True), (charlie, False)):
            items = Api(person).get(self.url, {"limit": 200}).json()["items"]
            assert (row.pk in [item["id"] for item in items]) is sees, person
            assert Api(person).get(f"{self.url}/{row.pk}").status_code == (200 if sees else 404), person
        assert_problem(Api(charlie).get(f"{self.url}/{row.pk}"), "not-found")

    def test_strangers_are_told_to_sign_in(self, alice: User, bob: User) -> None:
        row = self.one(alice, bob)
        for path in (self.url, f"{self.url}/{row.pk}"):
            response = Api().get(path)
            assert_problem(response, "not-signed-in")
            assert response["WWW-Authenticate"]

    def test_a_known_version_is_not_sent_again(self, alice: User, bob: User) -> None:
        path = f"{self.url}/{self.one(alice, bob).pk}"
        etag = Api(alice).get(path)["ETag"]
        assert Api(alice).get(path, if_none_match=etag).status_code == 304

    def test_parameters_that_do_not_exist_are_refused(self, alice: User) -> None:
        document = assert_problem(Api(alice).get(self.url, {"no_such": "1"}), "invalid-input")
        assert document["errors"][0]["path"] == "?no_such"

    def test_every_answer_says_how_many_requests_are_left(self, alice: User) -> None:
        response = Api(alice).get(self.url)
        assert int(response["RateLimit-Remaining"]) < int(response["RateLimit-Limit"])

    def test_the_number_of_queries_is_pinned_and_not_per_row(self, alice: User, bob: User) -> None:
        api = Api(alice)
        row = self.one(alice, bob)
        with pinned_queries(f"{type(self).__name__}: list"):
            api.get(self.url)
        self.make(alice, bob, 20)
        with pinned_queries(f"{type(self).__name__}: list"):
            api.get(self.url)
        with pinned_queries(f"{type(self).__name__}: retrieve"):
            api.get(f"{self.url}/{row.pk}")


class ApiContract(ReadContract):
    """Creates, changes, deletes and verbs too."""

    creating: ClassVar[Mapping[str, Any]]
    changing: ClassVar[Mapping[str, Any]]
    #: Bodies that are refused → the path that is named
    refused_bodies: ClassVar[list[tuple[Mapping[str, Any], str]]]
    #: Verbs without a body, as they're written in the address
    verbs: ClassVar[tuple[str, ...]] = ()

    def test_what_is_created_is_there(self, alice: User) -> None:
        response = Api(alice).post(self.url, dict(self.creating))
        assert response.status_code == 201, response.content
        created = response.json()
        found = Api(alice).get(response["Location"])
        assert found["ETag"] == response["ETag"]
        assert found.json().items() <= created.items()

    def test_a_create_sent_twice_creates_once(self, alice: User) -> None:
        before = self.model._base_manager.count()
        first, second = (Api(alice).post(self.url, dict(self.creating), idempotency_key="k") for _ in range(2))
        assert self.model._base_manager.count() == before + 1
        assert second.json() == first.json()
        assert second["Idempotency-Replayed"] == "true"

    def test_a_wrong_body_changes_nothing_and_says_where(self, alice: User, bob: User) -> None:
        row = self.one(alice, bob)
        assert self.refused_bodies
        for body, path in [*self.refused_bodies, ({**self.creating, "no_such_field": 1}, "/no_such_field")]:
            before = self._rows()
            for response in (
                Api(alice).post(self.url, dict(body)),
                Api(alice).patch(f"{self.url}/{row.pk}", dict(body), if_match=self._etag(alice, row)),
            ):
                if response.request["REQUEST_METHOD"] == "PATCH" and not body:
                    continue
                document = assert_problem(response, "invalid-input")
                assert path in [error["path"] for error in document["errors"]], document
            assert self._rows() == before

    def test_a_change_changes_what_is_named_and_the_version(self, alice: User, bob: User) -> None:
        row = self.one(alice, bob)
        path, etag = f"{self.url}/{row.pk}", self._etag(alice, row)
        response = Api(alice).patch(path, dict(self.changing), if_match=etag)
        assert response.status_code == 200, response.content
        assert self.changing.items() <= response.json().items()
        assert response["ETag"] != etag
        assert Api(alice).get(path).json() == response.json()

    def test_a_change_needs_the_current_version(self, alice: User, bob: User) -> None:
        row = self.one(alice, bob)
        path, before = f"{self.url}/{row.pk}", self._rows()
        for change in (
            lambda **h: Api(alice).patch(path, dict(self.changing), **h),
            lambda **h: Api(alice).delete(path, **h),
        ):
            assert_problem(change(), "version-required")
            assert_problem(change(if_match='"stale"'), "stale-version")
        assert self._rows() == before

    def test_a_delete_deletes(self, alice: User, bob: User) -> None:
        row = self.one(alice, bob)
        response = Api(alice).delete(f"{self.url}/{row.pk}", if_match=self._etag(alice, row))
        assert (response.status_code, response.content) == (204, b"")
        assert not self.model._base_manager.filter(pk=row.pk).exists()

    @pytest.mark.parametrize(("actor", "slug"), [("bob", "not-allowed"), ("charlie", "not-found")])
    def test_whoever_may_not_changes_nothing(
        self, alice: User, bob: User, charlie: User, actor: str, slug: str
    ) -> None:
        row = self.one(alice, bob)
        path, etag = f"{self.url}/{row.pk}", self._etag(alice, row)
        api = Api({"bob": bob, "charlie": charlie}[actor])
        before = self._rows()
        assert_problem(api.patch(path, dict(self.changing), if_match=etag), slug)
        assert_problem(api.delete(path, if_match=etag), slug)
        for verb in self.verbs:
            assert_problem(api.post(f"{path}/{verb}"), slug)
        assert self._rows() == before

    def test_verbs_are_repeated_safely(self, alice: User, bob: User) -> None:
        for verb in self.verbs:
            path = f"{self.url}/{self.one(alice, bob).pk}/{verb}"
            first, second = (Api(alice).post(path, idempotency_key=f"k-{verb}") for _ in range(2))
            assert first.status_code < 300, first.content
            assert (second.status_code, second.content) == (first.status_code, first.content)

    def test_strangers_change_nothing(self, alice: User, bob: User) -> None:
        path = f"{self.url}/{self.one(alice, bob).pk}"
        before = self._rows()
        for response in (Api().post(self.url, {}), Api().patch(path, {}), Api().delete(path)):
            assert_problem(response, "not-signed-in")
        assert self._rows() == before

    def _etag(self, person: User, row: Any) -> str:
        etag: str = Api(person).get(f"{self.url}/{row.pk}")["ETag"]
        return etag

    def _rows(self) -> str:
        return row_serializers.serialize("json", self.model._base_manager.order_by("pk"))
