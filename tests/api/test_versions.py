"""ETag, If-None-Match, If-Match: nobody overwrites what they haven't seen."""

from functools import partial

import pytest

from apps.accounts.models import User
from apps.core.errors import NotFound, StaleVersion
from apps.core.versions import delete_version, save_version
from tests.at_once import at_once
from tests.contracts.api import assert_problem
from tests.people import Api, make_person
from tests.sample import services
from tests.sample.models import Note


@pytest.fixture
def note(alice: User) -> Note:
    return Note.objects.create(owner=alice, title="First")


def test_reading_gives_the_version_and_not_twice_the_same(alice: User, note: Note) -> None:
    api = Api(alice)
    response = api.get(f"/v1/notes/{note.pk}")
    assert response["ETag"] == '"1"'
    assert response["Cache-Control"] == "private, no-cache"
    for known in ('"1"', 'W/"1"', '"0", "1"', "*"):
        again = api.get(f"/v1/notes/{note.pk}", if_none_match=known)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", '"1"')
    assert api.get(f"/v1/notes/{note.pk}", if_none_match='"0"').status_code == 200


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_change_without_a_version_is_asked_for_it(alice: User, note: Note, method: str) -> None:
    response = getattr(Api(alice), method)(
        f"/v1/notes/{note.pk}", **({"body": {"title": "b"}} if method == "patch" else {})
    )
    assert response.status_code == 428
    assert response["ETag"] == '"1"'
    assert_problem(response, "version-required")
    assert Note.objects.get().title == "First"


@pytest.mark.parametrize("etag", ['"0"', '"2"', 'W/"1"', '"1x"', '"2", "3"'])
@pytest.mark.parametrize("method", ["patch", "delete", "post"])
def test_a_change_of_another_version_is_refused(alice: User, note: Note, method: str, etag: str) -> None:
    path = f"/v1/notes/{note.pk}" + ("/rename" if method == "post" else "")
    body = {} if method == "delete" else {"body": {"title": "b"}}
    response = getattr(Api(alice), method)(path, **body, if_match=etag)
    assert response.status_code == 412
    assert response["ETag"] == '"1"'
    assert_problem(response, "stale-version")
    assert Note.objects.get().title == "First"


@pytest.mark.parametrize("etag", ['"1"', '"7", "1"', "*"])
def test_a_change_of_the_current_version_gives_the_next(alice: User, note: Note, etag: str) -> None:
    response = Api(alice).patch(f"/v1/notes/{note.pk}", {"title": "b"}, if_match=etag)
    assert response.status_code == 200
    assert response["ETag"] == '"2"'
    assert Api(alice).get(f"/v1/notes/{note.pk}")["ETag"] == '"2"'


def test_a_delete_of_the_current_version_deletes(alice: User, note: Note) -> None:
    response = Api(alice).delete(f"/v1/notes/{note.pk}", if_match='"1"')
    assert (response.status_code, response.content) == (204, b"")
    assert not Note.objects.exists()


def test_the_reader_learns_the_role_before_the_version(bob: User, note: Note) -> None:
    note.readers.add(bob)
    response = Api(bob).patch(f"/v1/notes/{note.pk}", {"title": "b"}, if_match='"1"')
    assert_problem(response, "not-allowed")


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_told() -> None:
    alice = make_person("alice")
    note = Note.objects.create(owner=alice, title="First")
    rows = {title: Note.objects.get(pk=note.pk) for title in ("left", "right")}
    ends = at_once(*(partial(services.update_note, actor=alice, note=row, title=title) for title, row in rows.items()))
    [refusal] = [end for end in ends if isinstance(end, StaleVersion)]
    assert refusal.headers["ETag"] == '"2"'
    saved = Note.objects.get()
    assert saved.version == 2
    assert saved.title == ("right" if ends[0] is refusal else "left")


def test_what_is_gone_is_not_stale(note: Note) -> None:
    Note.objects.all().delete()
    with pytest.raises(NotFound):
        save_version(note, "title")


def test_a_stale_row_is_not_deleted(note: Note) -> None:
    Note.objects.update(version=2)
    with pytest.raises(StaleVersion):
        delete_version(note)
    assert Note.objects.exists()
