"""What every list page and every page of one object promise."""

import csv
import io
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.contracts.queries import pinned_queries

PARTIAL = {"HX-Request": "true", "HX-Target": "table"}


class ListContract(ABC):
    """Give `make` and say where the list is. Rows are told apart by their ids in the page."""

    url: ClassVar[str]
    #: A filter that finds a part of what is there, and one that can't be read
    narrowing: ClassVar[dict[str, str]]
    nonsense: ClassVar[dict[str, str]]
    rows: ClassVar[int] = 55

    @abstractmethod
    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        """So many rows of alice's that bob may read too; more than one page of them."""

    @pytest.fixture
    def made(self, alice: User, bob: User) -> list[str]:
        return [row.pk for row in self.make(alice, bob, self.rows)]

    def test_strangers_are_sent_to_the_sign_in(self, client: Client, made: list[str]) -> None:
        response = client.get(self.url)
        assert response.status_code == 302
        assert "login" in response["Location"] or "sign-in" in response["Location"]

    def test_owner_and_reader_see_it_and_others_do_not(
        self, client: Client, made: list[str], alice: User, bob: User, charlie: User
    ) -> None:
        for person, sees in ((alice, True), (bob, True), (charlie, False)):
            client.force_login(person)
            response = client.get(self.url)
            assert response.status_code == 200
            assert bool(_shown(response.content, made)) is sees, person

    def test_the_partial_is_the_table_alone(self, client: Client, made: list[str], alice: User) -> None:
        client.force_login(alice)
        page, partial = client.get(self.url), client.get(self.url, headers=PARTIAL)
        assert b"<html" in page.content
        assert b"<html" not in partial.content
        assert _shown(partial.content, made) == _shown(page.content, made) != []
        assert "HX-Request" in partial["Vary"]

    def test_the_pages_hold_every_row_once(self, client: Client, made: list[str], alice: User) -> None:
        client.force_login(alice)
        seen: list[str] = []
        url: str | None = self.url
        while url:
            response = client.get(url)
            seen += _shown(response.content, made)
            url = response.context["list"].next_url
            assert len(seen) <= len(made)
        assert sorted(seen) == sorted(made)

    def test_filters_narrow_page_and_export_alike(self, client: Client, made: list[str], alice: User) -> None:
        client.force_login(alice)
        everything = self._exported(client, {})
        found = self._exported(client, self.narrowing)
        assert 0 < len(found) < len(everything)
        response = client.get(self.url, self.narrowing)
        assert set(_shown(response.content, made)) <= found

    def test_a_filter_that_can_not_be_read_finds_nothing_and_says_so(
        self, client: Client, made: list[str], alice: User
    ) -> None:
        client.force_login(alice)
        response = client.get(self.url, self.nonsense)
        assert response.status_code == 200
        assert response.context["list"].problems
        assert _shown(response.content, made) == []

    def test_the_export_holds_every_row(self, client: Client, made: list[str], alice: User, charlie: User) -> None:
        client.force_login(alice)
        assert set(made) <= self._exported(client, {})
        client.force_login(charlie)
        assert not set(made) & self._exported(client, {})

    def test_the_number_of_queries_is_pinned_and_not_per_row(self, client: Client, alice: User, bob: User) -> None:
        client.force_login(alice)
        self.make(alice, bob, 2)
        with pinned_queries(f"{type(self).__name__}: page"):
            client.get(self.url)
        self.make(alice, bob, 30)
        with pinned_queries(f"{type(self).__name__}: page"):
            client.get(self.url)

    def _exported(self, client: Client, filters: dict[str, str]) -> set[str]:
        response = client.get(self.url, {**filters, "format": "csv"})
        assert response.status_code == 200
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        head, *rows = list(csv.reader(io.StringIO(text)))
        assert head
        return {row[0] for row in rows}


class DetailContract(ABC):
    """Give `make` and `url`: who may read it sees it, for others it isn't there."""

    @abstractmethod
    def make(self, alice: User, bob: User) -> Any: ...

    @abstractmethod
    def url(self, row: Any) -> str: ...

    def test_owner_and_reader_see_it_and_for_others_it_is_not_there(
        self, client: Client, alice: User, bob: User, charlie: User
    ) -> None:
        url = self.url(self.make(alice, bob))
        for person, status in ((alice, 200), (bob, 200), (charlie, 404)):
            client.force_login(person)
            assert client.get(url).status_code == status, person

    def test_strangers_are_sent_to_the_sign_in(self, client: Client, alice: User, bob: User) -> None:
        assert client.get(self.url(self.make(alice, bob))).status_code == 302

    def test_the_number_of_queries_is_pinned(self, client: Client, alice: User, bob: User) -> None:
        url = self.url(self.make(alice, bob))
        client.force_login(alice)
        with pinned_queries(f"{type(self).__name__}: page"):
            client.get(url)


def _shown(content: bytes, ids: list[str]) -> list[str]:
    text = content.decode()
    return [each for each in ids if each in text]
