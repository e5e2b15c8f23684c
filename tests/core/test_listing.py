"""Keyset pages: every row once, in order, in both directions, whatever the order is."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import InvalidInput
from apps.core.listing import Page, paginate, read_limit, read_sort
from tests.sample.models import Note

ORDERS = [
    ["id"],
    ["-id"],
    ["title"],
    ["-title"],
    ["created_at", "title"],
    ["-created_at", "-id"],
    ["rank"],
    ["-rank"],
    ["title", "-rank"],
    ["-rank", "title"],
    ["owner__name", "-created_at"],
]


@pytest.fixture
def notes(alice: User, bob: User) -> list[Note]:
    """Many ties and many nulls."""
    start = clock.now()
    return Note.objects.bulk_create(
        Note(
            owner=(alice, bob)[number % 2],
            title="abc"[number % 3],
            rank=None if number % 4 == 0 else number % 5,
            created_at=start + timedelta(microseconds=number // 4),
        )
        for number in range(41)
    )


def walk(queryset: Any, order: list[str], limit: int) -> tuple[list[Page[Any]], list[Page[Any]]]:
    """All pages forwards, then from the last all pages back."""
    forwards = [paginate(queryset, order=order, limit=limit)]
    while cursor := forwards[-1].next_cursor:
        forwards.append(paginate(queryset, order=order, cursor=cursor, limit=limit))
    back = [forwards[-1]]
    while cursor := back[-1].previous_cursor:
        back.append(paginate(queryset, order=order, cursor=cursor, limit=limit))
    return forwards, back


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
@pytest.mark.parametrize("limit", [1, 7, 41, 50])
def test_a_walk_meets_every_row_once_in_the_order_of_the_database(
    notes: list[Note], order: list[str], limit: int
) -> None:
    tie_break = [] if order[-1].endswith("id") else ["-id" if order[-1].startswith("-") else "id"]
    expected = list(Note.objects.order_by(*order, *tie_break).values_list("pk", flat=True))

    forwards, back = walk(Note.objects.all(), order, limit)

    assert [note.pk for page in forwards for note in page.items] == expected
    assert [note.pk for page in reversed(back) for note in page.items] == expected
    assert forwards[0].previous_cursor is None
    assert back[-1].previous_cursor is None


def test_values_are_paged_like_objects(notes: list[Note]) -> None:
    forwards, back = walk(Note.objects.values("id", "rank"), ["-rank"], 6)
    seen = [row["id"] for page in forwards for row in page.items]
    assert sorted(seen) == sorted(note.pk for note in notes)
    assert [row["id"] for page in reversed(back) for row in page.items] == seen


def test_a_page_that_one_came_back_to_leads_on_again(notes: list[Note]) -> None:
    first = paginate(Note.objects.all(), order=["id"], limit=5)
    second = paginate(Note.objects.all(), order=["id"], cursor=first.next_cursor, limit=5)
    back = paginate(Note.objects.all(), order=["id"], cursor=second.previous_cursor, limit=5)
    assert back.items == first.items
    assert back.next_cursor is not None
    assert paginate(Note.objects.all(), order=["id"], cursor=back.next_cursor, limit=5).items == second.items


def test_annotations_can_be_the_order(notes: list[Note]) -> None:
    forwards, _ = walk(Note.objects.annotate(weight=F("rank") * 2), ["-weight"], 6)
    assert len({note.pk for page in forwards for note in page.items}) == len(notes)


def test_values_without_the_column_of_the_order_say_so(notes: list[Note]) -> None:
    with pytest.raises(ValueError, match="ordered by rank; name it in values"):
        paginate(Note.objects.values("id"), order=["rank"], limit=2)


def test_rows_that_come_in_between_neither_repeat_nor_skip_others(notes: list[Note], alice: User) -> None:
    first = paginate(Note.objects.all(), order=["id"], limit=10)
    Note.objects.filter(pk=first.items[3].pk).delete()
    second = paginate(Note.objects.all(), order=["id"], cursor=first.next_cursor, limit=10)
    assert second.items[0].pk == notes[10].pk


def test_an_empty_list_leads_nowhere(db: None) -> None:
    assert paginate(Note.objects.all(), order=["id"], limit=10) == Page([], None, None)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cursor: cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        lambda cursor: "A" + cursor[1:] if cursor[0] != "A" else "B" + cursor[1:],
        lambda cursor: cursor.partition(".")[0],
        lambda cursor: "",
        lambda cursor: "." * 10,
        lambda cursor: "\x00é" + cursor,
        lambda cursor: cursor * 100,
    ],
    ids=["signature", "content", "unsigned", "empty signature", "dots", "strange", "too long"],
)
def test_a_changed_cursor_is_refused(notes: list[Note], spoil: Any) -> None:
    cursor = paginate(Note.objects.all(), order=["id"], limit=2).next_cursor
    assert cursor is not None
    changed = spoil(cursor) or "x"
    with pytest.raises(InvalidInput) as refusal:
        paginate(Note.objects.all(), order=["id"], cursor=changed, limit=2)
    assert list(refusal.value.fields) == ["?cursor"]


@pytest.mark.parametrize("order", [["-id"], ["title"], ["rank"]])
def test_a_cursor_belongs_to_one_order(notes: list[Note], order: list[str]) -> None:
    cursor = paginate(Note.objects.all(), order=["id"], limit=2).next_cursor
    with pytest.raises(InvalidInput):
        paginate(Note.objects.all(), order=order, cursor=cursor, limit=2)


def test_a_cursor_belongs_to_one_model(notes: list[Note]) -> None:
    cursor = paginate(User.objects.all(), order=["id"], limit=1).next_cursor
    assert cursor is not None
    with pytest.raises(InvalidInput):
        paginate(Note.objects.all(), order=["id"], cursor=cursor, limit=1)


def test_a_page_far_down_is_found_by_the_index(notes: list[Note]) -> None:
    cursor = paginate(Note.objects.all(), order=["-created_at"], limit=20).next_cursor
    from django.db import connection

    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")
        sql.execute("SET LOCAL enable_bitmapscan = off")
    captured: list[str] = []

    def explain(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if "sample_note" in statement and not statement.startswith("EXPLAIN"):
            with connection.cursor() as sql:
                sql.execute(f"EXPLAIN {statement}", parameters)
                captured.extend(row[0] for row in sql.fetchall())
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explain):
        paginate(Note.objects.all(), order=["-created_at"], cursor=cursor, limit=5)
    plan = "\n".join(captured)
    assert "Index Scan Backward using note_age" in plan
    assert "Index Cond: (ROW(created_at" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(("text", "limit"), [(None, 50), ("1", 1), ("200", 200)])
def test_a_limit_is_read(text: str | None, limit: int) -> None:
    assert read_limit(text) == limit


@pytest.mark.parametrize("text", ["", "0", "201", "-1", "1.5", "ten", "٣", "1" * 5000, " 5"])
def test_a_limit_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_limit(text)
    assert list(refusal.value.fields) == ["?limit"]


def test_a_sort_is_one_of_the_allowed() -> None:
    assert read_sort("-title", allowed=("title",), default=("-id",)) == ["-title"]
    assert read_sort(None, allowed=("title",), default=("-id",)) == ("-id",)
    for refused in ("", "--title", "owner__password", "title,rank", "-"):
        with pytest.raises(InvalidInput):
            read_sort(refused, allowed=("title",), default=("-id",))
