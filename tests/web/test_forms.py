"""One form: a page, a dialog, what the service refuses, and what it says when it's done."""

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.sample.models import Note
from tests.sample.services import create_note
from tests.web.htmx import HTMX, aimed_at, events

pytestmark = pytest.mark.urls("tests.web.urls")
VALUES = {"title": "Tides", "text": "High at six", "colour": "blue"}


@pytest.fixture
def note(alice: User) -> Note:
    return create_note(actor=alice, title="Harbour")


def test_form_is_a_page_at_its_own_address(page_client: Client, note: Note) -> None:
    page = page_client.get(f"/board/{note.pk}").content.decode()
    assert "<html" in page
    assert "Edit the note" in page
    assert 'value="Harbour"' in page
    assert 'href="/board"' in page


@pytest.mark.parametrize("overlay", ["dialog", "sheet"])
def test_form_is_a_fragment_for_the_overlay_that_asks(page_client: Client, note: Note, overlay: str) -> None:
    response = page_client.get(f"/board/{note.pk}", headers=aimed_at(overlay))
    fragment = response.content.decode()
    assert "<html" not in fragment
    assert f'hx-target="#{overlay}"' in fragment
    assert 'class="dialog-head"' in fragment
    assert "HX-Target" in response["Vary"]


def test_success_closes_the_overlay_and_says_so(page_client: Client, note: Note) -> None:
    response = page_client.post(f"/board/{note.pk}", VALUES, headers=aimed_at("sheet"))
    assert response.status_code == 204
    assert events(response) == {
        "notes-changed": {},
        "toast": {"tone": "ok", "title": "Saved", "text": "Tides", "request_id": ""},
        "close": {},
    }
    note.refresh_from_db()
    assert (note.title, note.version) == ("Tides", 2)


def test_success_of_the_page_goes_on_and_the_next_page_says_so(page_client: Client, note: Note) -> None:
    response = page_client.post(f"/board/{note.pk}", VALUES, follow=True)
    assert response.redirect_chain == [("/board", 302)]
    assert "<b>Saved</b>" in response.content.decode()


def test_form_that_is_not_valid_comes_back_with_its_values(page_client: Client, note: Note) -> None:
    response = page_client.post(f"/board/{note.pk}", {**VALUES, "title": ""}, headers=aimed_at("sheet"))
    assert response.status_code == 422
    fragment = response.content.decode()
    assert "This field is required." in fragment
    assert "High at six" in fragment
    assert not events(response)
    note.refresh_from_db()
    assert note.title == "Harbour"


def test_refusal_of_the_service_stands_at_its_field(page_client: Client, note: Note) -> None:
    response = page_client.post(f"/board/{note.pk}", {**VALUES, "title": "Untitled"}, headers=aimed_at("dialog"))
    assert response.status_code == 422
    assert "Give it a title that says something." in response.content.decode()
    note.refresh_from_db()
    assert note.version == 1


def test_save_on_an_old_version_says_so_and_keeps_what_was_written(page_client: Client, note: Note) -> None:
    page_client.post(f"/board/{note.pk}", VALUES)
    stale = {**VALUES, "title": "Mine", "version": 1}
    response = page_client.post(f"/board/{note.pk}", stale, headers=aimed_at("sheet"))
    assert response.status_code == 412
    fragment = response.content.decode()
    assert "Someone saved first" in fragment
    assert 'value="Mine"' in fragment
    note.refresh_from_db()
    assert note.title == "Tides"


def test_reader_is_told_which_role_it_takes_and_nothing_changes(note: Note, bob: User) -> None:
    note.readers.add(bob)
    client = Client()
    client.force_login(bob)
    response = client.post(f"/board/{note.pk}", VALUES)
    assert response.status_code == 403
    assert '<b class="mono tiny strong">owner</b>' in response.content.decode()
    note.refresh_from_db()
    assert note.title == "Harbour"


def test_stranger_learns_nothing(note: Note, charlie: User) -> None:
    client = Client()
    client.force_login(charlie)
    assert client.get(f"/board/{note.pk}").status_code == 404
    assert client.post(f"/board/{note.pk}/delete", {"typed": "Harbour"}).status_code == 404
    assert Note.objects.filter(pk=note.pk).exists()


def test_dangerous_action_names_what_it_touches(page_client: Client, note: Note, bob: User) -> None:
    note.readers.add(bob)
    fragment = page_client.get(f"/board/{note.pk}/delete", headers=aimed_at("dialog")).content.decode()
    assert "Delete Harbour?" in fragment
    assert "<dt>Readers</dt><dd>1</dd>" in fragment
    assert "Type Harbour to go on" in fragment
    assert "Delete the note" in fragment


@pytest.mark.parametrize("typed", ["", "harbour", "Harbour!"])
def test_dangerous_action_wants_the_name_letter_by_letter(page_client: Client, note: Note, typed: str) -> None:
    response = page_client.post(f"/board/{note.pk}/delete", {"typed": typed}, headers=aimed_at("dialog"))
    assert response.status_code == 422
    assert Note.objects.filter(pk=note.pk).exists()


def test_dangerous_action_runs_once_the_name_is_typed(page_client: Client, note: Note) -> None:
    response = page_client.post(f"/board/{note.pk}/delete", {"typed": "Harbour"}, headers=aimed_at("dialog"))
    assert events(response)["toast"]["title"] == "Deleted"
    assert not Note.objects.exists()


def test_form_posted_by_htmx_outside_of_an_overlay_moves_the_whole_page(page_client: Client, note: Note) -> None:
    response = page_client.post(f"/board/{note.pk}", VALUES, headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (204, "/board")
