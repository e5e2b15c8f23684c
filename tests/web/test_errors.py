"""What a person meets when something is refused or breaks, and what a program meets at the same moment."""

import re
from unittest import mock

import pytest
from django.test import Client, override_settings

from apps.accounts.models import User
from apps.core.errors import all_types
from tests.web.htmx import HTMX, aimed_at, events

pytestmark = pytest.mark.urls("tests.web.urls")

STATUSES = {
    "not-allowed": 403,
    "forbidden": 403,
    "missing": 404,
    "suspicious": 400,
    "conflict": 409,
    "stale-version": 412,
    "invalid-input": 422,
    "too-many-requests": 429,
    "database-away": 503,
    "mistake": 500,
}


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_page_says_what_happened_what_to_do_and_shows_its_id(page_client: Client, name: str, status: int) -> None:
    response = page_client.get(f"/wrong/{name}")
    page = response.content.decode()
    assert response.status_code == status
    assert response["X-Request-Id"] in page
    assert 'data-copy="#request-id"' in page
    assert "<h1" in page
    assert 'class="btn is-primary"' in page
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_fragment_is_never_a_page_but_a_notice(page_client: Client, name: str, status: int) -> None:
    response = page_client.get(f"/wrong/{name}", headers=aimed_at("table"))
    assert response.status_code == status
    assert response.content == b""
    assert response["HX-Reswap"] == "none"
    toast = events(response)["toast"]
    assert toast["tone"] == ("bad" if status >= 500 else "warn")
    assert toast["title"]
    assert toast["request_id"] == response["X-Request-Id"]


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_program_gets_a_problem_document(page_client: Client, name: str, status: int) -> None:
    response = page_client.get(f"/wrong/{name}", headers={"Accept": "application/json"})
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["request_id"] == response["X-Request-Id"]


def test_forbidden_page_names_ones_own_role_and_those_that_would_do(page_client: Client) -> None:
    page = page_client.get("/wrong/not-allowed").content.decode()
    assert "Releasing to prod needs another role." in page
    for role in ("api-developer", "gateway-owner", "admin"):
        assert f'<b class="mono tiny strong">{role}</b>' in page


def test_too_many_requests_counts_the_seconds_down(page_client: Client) -> None:
    response = page_client.get("/wrong/too-many-requests")
    assert response["Retry-After"] == "38"
    assert '<span data-countdown="38">38</span>' in response.content.decode()


def test_signed_in_person_stays_inside_the_console_and_a_visitor_sees_no_menu(page_client: Client) -> None:
    assert 'id="sidebar"' in page_client.get("/wrong/missing").content.decode()
    visitor = Client().get("/wrong/missing").content.decode()
    assert 'id="sidebar"' not in visitor
    assert 'href="/sign-in"' in visitor


def test_broken_page_needs_neither_database_nor_template_context(page_client: Client) -> None:
    with mock.patch("portal.context.shell", side_effect=RuntimeError("context broke as well")):
        response = page_client.get("/wrong/mistake")
    assert response.status_code == 500
    assert response["X-Request-Id"] in response.content.decode()


def test_error_page_that_breaks_itself_falls_back_to_the_static_one(page_client: Client) -> None:
    with mock.patch("portal.context.Shell.menu", new_callable=mock.PropertyMock, side_effect=RuntimeError("broke")):
        response = page_client.get("/wrong/missing")
    assert response.status_code == 404
    page = response.content.decode()
    assert "Nothing at this address" in page
    assert 'id="sidebar"' not in page


def test_last_resort_needs_no_template_at_all(page_client: Client) -> None:
    with mock.patch("apps.core.web.errors.loader.render_to_string", side_effect=OSError("disk gone")):
        response = page_client.get("/wrong/mistake")
    assert response.status_code == 500
    assert "That went wrong on our side" in response.content.decode()
    assert response["X-Request-Id"] in response.content.decode()


def test_session_that_cannot_be_read_is_a_part_that_is_not_ready(page_client: Client) -> None:
    from django.db import OperationalError

    with mock.patch("apps.accounts.sessions.store.SessionStore.load", side_effect=OperationalError("away")):
        response = page_client.get("/")
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert "The database can" in response.content.decode()


def test_visitor_of_a_page_for_people_goes_to_the_sign_in_and_back(client: Client, db: None) -> None:
    assert client.get("/wrong/not-signed-in?a=1")["Location"] == "/sign-in?next=/wrong/not-signed-in%3Fa%3D1"


def test_fragment_of_a_person_signed_out_elsewhere_moves_the_page_to_the_sign_in(client: Client, db: None) -> None:
    response = client.get("/wrong/not-signed-in", headers={**HTMX, "HX-Current-URL": "http://testserver/audit?q=x"})
    assert (response.status_code, response["HX-Redirect"]) == (204, "/sign-in?next=/audit%3Fq%3Dx")


def test_address_that_does_not_take_the_method_says_which_it_takes(page_client: Client) -> None:
    response = page_client.get("/only-post")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "This address doesn&#x27;t take that method" in response.content.decode()


def test_form_without_its_token_is_out_of_date(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post("/only-post")
    assert response.status_code == 403
    assert "This form is out of date" in response.content.decode()


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("is_development", [False, True])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("&".join(["selected=x"] * 1001), FORM, 413),
        ("a=" + "x" * 3_000_000, FORM, 413),
        ("a=1", f"{FORM}; charset=utf-7", 400),
        ("a=1", f"{FORM}; charset=utf-16", 400),
    ],
    ids=["fields", "bytes", "utf-7", "utf-16"],
)
def test_form_that_can_not_be_read_is_refused_with_a_page(
    alice: User, is_development: bool, body: str, kind: str, status: int
) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(alice)
    client.get("/account")
    with override_settings(DEBUG=is_development):
        answer = client.generic("POST", "/only-post", body, content_type=kind)
    assert answer.status_code == status
    assert 'id="sidebar"' in answer.content.decode()


def test_unknown_host_is_refused_with_a_page(db: None) -> None:
    response = Client().get("/", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert "<h1" in response.content.decode()


def test_development_shows_the_products_own_page_for_an_unknown_address(page_client: Client) -> None:
    with override_settings(DEBUG=True):
        page = page_client.get("/nowhere").content.decode()
    assert "Nothing at this address" in page
    assert "URLconf" not in page


def test_error_pages_speak_the_persons_language(page_client: Client, alice: User) -> None:
    alice.language = "ko"
    alice.save()
    response = page_client.get("/wrong/missing")
    assert '<html lang="ko"' in response.content.decode()
    assert "Nothing at this address" not in response.content.decode()


# --- The pages that a type leads to ----------------------------------------------------------------


def test_list_of_types_leads_to_every_type(client: Client, db: None) -> None:
    found = set(re.findall(r'href="/errors/([a-z-]+)"', client.get("/errors/").content.decode()))
    assert found >= {kind.slug for kind in all_types()}


@pytest.mark.parametrize("kind", all_types(), ids=lambda kind: kind.slug)
def test_type_has_a_public_page_with_advice_and_an_example(client: Client, db: None, kind: object) -> None:
    from django.utils.html import escape

    response = client.get(f"/errors/{kind.slug}")  # type: ignore[attr-defined]
    page = response.content.decode()
    assert response.status_code == 200
    assert escape(str(kind.title)) in page  # type: ignore[attr-defined]
    assert escape(str(kind.advice)) in page  # type: ignore[attr-defined]
    assert f"/errors/{kind.slug}&quot;" in page  # type: ignore[attr-defined]
    assert f"&quot;status&quot;: {kind.status}" in page  # type: ignore[attr-defined]


def test_type_of_a_problem_document_is_the_address_of_its_page(page_client: Client) -> None:
    document = page_client.get("/wrong/conflict", headers={"Accept": "application/json"}).json()
    assert Client().get(document["type"]).status_code == 200


def test_unknown_type_is_not_there(client: Client, db: None) -> None:
    assert client.get("/errors/made-up").status_code == 404
