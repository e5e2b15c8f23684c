"""One list view: its page, its table, its exports, and what is done to several rows."""

import csv
import io
import json
import re
import tracemalloc
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.core import clock
from tests.sample.models import Note
from tests.web.htmx import HTMX, events

pytestmark = pytest.mark.urls("tests.web.urls")


def body(response: object) -> str:
    return b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]


@pytest.fixture
def notes(alice: User) -> list[Note]:
    start = clock.now()
    return Note.objects.bulk_create(
        Note(
            owner=alice,
            title=f"Note {number:02}",
            rank=number % 5,
            colour="blue" if number % 2 else "yellow",
            created_at=start - timedelta(minutes=number),
        )
        for number in range(25)
    )


def titles(html: str) -> list[str]:
    return re.findall(r">(Note \d\d)</a>", html)


def test_page_holds_the_newest_first(page_client: Client, notes: list[Note]) -> None:
    page = page_client.get("/board").content.decode()
    assert "<html" in page
    assert titles(page) == [f"Note {number:02}" for number in range(10)]


def test_table_alone_is_answered_to_htmx(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board", headers=HTMX)
    assert "<html" not in response.content.decode()
    assert titles(response.content.decode())[0] == "Note 00"
    assert "HX-Request" in response["Vary"]
    assert "Cookie" in response["Vary"]


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_whole_page_is_answered_to_a_boosted_link_and_to_history(
    page_client: Client, notes: list[Note], header: str
) -> None:
    assert "<html" in page_client.get("/board", headers={**HTMX, header: "true"}).content.decode()


def test_pages_follow_each_other_to_the_end_and_back(page_client: Client, notes: list[Note]) -> None:
    seen, address = [], "/board?colour=yellow"
    while address:
        page = page_client.get(address).content.decode()
        seen += titles(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
        assert not address or "colour=yellow" in address
    assert seen == [f"Note {number:02}" for number in range(0, 25, 2)]
    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back
    assert titles(page_client.get(back[1].replace("&amp;", "&")).content.decode())[0] == "Note 00"


def test_sorting_keeps_the_filters_and_starts_at_the_first_page(page_client: Client, notes: list[Note]) -> None:
    page = page_client.get("/board?colour=blue&sort=title").content.decode()
    assert titles(page)[0] == "Note 01"
    assert 'aria-sort="ascending"' in page
    assert 'href="/board?colour=blue&amp;sort=-title"' in page


def test_sorting_by_what_cannot_be_sorted_is_told_and_nothing_breaks(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board?sort=owner__password")
    assert response.status_code == 200
    assert "sorted by that" in response.content.decode()
    assert titles(response.content.decode())[0] == "Note 00"


@pytest.mark.parametrize("query", ["colour=plaid", "q=%00", "created_after=yesterday", "archived=maybe&colour=plaid"])
def test_filter_that_cannot_be_read_is_an_error_at_its_field(
    page_client: Client, notes: list[Note], query: str
) -> None:
    response = page_client.get(f"/board?{query}")
    assert response.status_code == 200
    page = response.content.decode()
    assert 'id="list-problems"' in page
    assert not titles(page)


def test_cursor_that_cannot_be_read_shows_the_first_page_and_says_so(page_client: Client, notes: list[Note]) -> None:
    page = page_client.get("/board?cursor=made-up").content.decode()
    assert "first page" in page
    assert titles(page)[0] == "Note 00"


def test_chips_name_each_filter_and_the_address_without_it(page_client: Client, notes: list[Note]) -> None:
    page = page_client.get("/board?q=Note&colour=blue&sort=title").content.decode()
    assert "Colour: Blue" in page
    assert 'href="/board?q=Note&amp;sort=title" aria-label="Without Colour: Blue"' in page


def test_chip_of_a_range_takes_both_its_ends_away(page_client: Client, notes: list[Note]) -> None:
    page = page_client.get("/board?created_after=2001-02-03&q=Note").content.decode()
    assert "Written: 3 February 2001, 00:00 – …" in page
    assert 'href="/board?q=Note" aria-label="Without Written' in page
    assert titles(page)


def test_nothing_found_and_nothing_there_are_different(page_client: Client, notes: list[Note], bob: User) -> None:
    assert "Nothing matches" in page_client.get("/board?q=zzz").content.decode()
    quiet = Client()
    quiet.force_login(bob)
    assert "No note yet" in quiet.get("/board").content.decode()


def test_address_of_a_filtered_table_leaves_out_what_is_empty(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board?q=&colour=blue&archived=unknown&sort=", headers=HTMX)
    assert response["HX-Push-Url"] == "/board?colour=blue"


def test_table_that_did_not_change_is_not_sent_again(page_client: Client, notes: list[Note]) -> None:
    first = page_client.get("/board", headers=HTMX)
    again = page_client.get("/board", headers={**HTMX, "If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    notes[0].delete()
    assert page_client.get("/board", headers={**HTMX, "If-None-Match": first["ETag"]}).status_code == 200


def test_others_rows_are_on_no_page_and_in_no_export(notes: list[Note], charlie: User) -> None:
    client = Client()
    client.force_login(charlie)
    assert not titles(client.get("/board").content.decode())
    assert "Note" not in body(client.get("/board?format=csv"))


def test_visitor_is_sent_to_the_sign_in(client: Client, notes: list[Note]) -> None:
    assert client.get("/board?colour=blue")["Location"] == "/sign-in?next=/board%3Fcolour%3Dblue"


def test_list_costs_three_queries_however_many_rows(
    page_client: Client, notes: list[Note], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        page_client.get("/board")


# --- Exports ---------------------------------------------------------------------------------------


def test_csv_holds_all_rows_of_the_filters_in_their_order(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board?format=csv&colour=blue&sort=-title&cursor=ignored")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="notes-\d{8}-\d{6}\.csv"', response["Content-Disposition"])
    rows = list(csv.DictReader(io.StringIO(body(response))))
    assert [row["title"] for row in rows] == [f"Note {number:02}" for number in range(23, 0, -2)]
    assert rows[0]["owner"] == "alice@tidewater.example"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1+1", "＝1+1", "\r=1"])
def test_csv_cell_is_never_a_formula(page_client: Client, alice: User, text: str) -> None:
    Note.objects.create(owner=alice, title="x", text=text)
    (row,) = csv.DictReader(io.StringIO(body(page_client.get("/board?format=csv")), newline=""))
    assert row["text"] == f"'{text}"


def test_csv_leaves_numbers_and_plain_text_alone(page_client: Client, alice: User) -> None:
    Note.objects.create(owner=alice, title='한글, "quoted"\nand two lines', rank=-5)
    (row,) = csv.DictReader(io.StringIO(body(page_client.get("/board?format=csv")), newline=""))
    assert (row["title"], row["rank"]) == ('한글, "quoted"\nand two lines', "-5")


def test_json_lines_hold_one_row_each(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board?format=jsonl&colour=blue")
    rows = [json.loads(line) for line in body(response).splitlines()]
    assert [row["title"] for row in rows][:2] == ["Note 01", "Note 03"]
    assert rows[0]["rank"] == 1


def test_export_with_a_filter_that_cannot_be_read_is_refused(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board?format=csv&colour=plaid")
    assert response.status_code == 422
    assert "plaid" in response.content.decode()


def test_export_in_an_unknown_format_is_not_there(page_client: Client, notes: list[Note]) -> None:
    response = page_client.get("/board?format=xlsx")
    assert response.status_code == 404
    assert "csv, jsonl" in response.content.decode()


def test_head_of_an_export_learns_its_name_without_asking_for_rows(
    page_client: Client, notes: list[Note], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        response = page_client.head("/board?format=csv")
    assert "notes-" in response["Content-Disposition"]


def test_long_export_needs_no_more_memory_than_a_short_one(page_client: Client, alice: User) -> None:
    Note.objects.bulk_create(
        (Note(owner=alice, title=f"{number}", text="x" * 500) for number in range(12_000)), batch_size=2000
    )
    tracemalloc.start()
    size = sum(len(part) for part in page_client.get("/board?format=csv").streaming_content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 6_000_000
    assert peak < size / 2


# --- Several rows ----------------------------------------------------------------------------------


def test_bulk_action_runs_the_service_for_each_chosen_row(page_client: Client, notes: list[Note]) -> None:
    chosen = [notes[0].pk, notes[3].pk]
    response = page_client.post("/board?colour=blue", {"action": "archive", "selected": chosen}, headers=HTMX)
    assert events(response)["toast"]["title"] == "Archive: 2 done"
    assert set(Note.objects.filter(archived_at__isnull=False).values_list("pk", flat=True)) == set(chosen)


def test_bulk_action_says_which_rows_refused_and_why(page_client: Client, notes: list[Note]) -> None:
    page_client.post("/board", {"action": "archive", "selected": [notes[0].pk]})
    response = page_client.post("/board", {"action": "archive", "selected": [notes[0].pk, notes[1].pk]}, headers=HTMX)
    toast = events(response)["toast"]
    assert (toast["tone"], toast["title"]) == ("warn", "Archive: 1 done")
    assert "Note 00: The note is archived already." in toast["text"]


def test_bulk_action_does_not_reach_others_rows(notes: list[Note], charlie: User) -> None:
    client = Client()
    client.force_login(charlie)
    client.post("/board", {"action": "archive", "selected": [notes[0].pk]})
    assert not Note.objects.filter(archived_at__isnull=False).exists()


def test_bulk_action_without_script_goes_back_to_the_list(page_client: Client, notes: list[Note]) -> None:
    response = page_client.post("/board?colour=blue", {"action": "archive", "selected": [notes[1].pk]}, follow=True)
    assert response.redirect_chain == [("/board?colour=blue", 302)]
    assert "Archive: 1 done" in response.content.decode()


def test_unknown_bulk_action_is_not_there(page_client: Client, notes: list[Note]) -> None:
    assert page_client.post("/board", {"action": "burn", "selected": [notes[0].pk]}).status_code == 404
    assert page_client.post("/board", {"action": "archive", "selected": ["note\0"]}).status_code == 302
