"""Whatever goes wrong under /v1/, the answer is a problem document that says what and where."""

import logging
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client
from psycopg import errors as postgres_errors

from apps.accounts.models import User
from apps.core.api.models import IdempotencyKey
from apps.core.api.views import answer
from apps.core.errors import InvalidInput, Problem, all_types
from tests.contracts.api import assert_problem
from tests.people import Api
from tests.sample import services
from tests.sample.api import NoteViewSet
from tests.sample.models import Note

NOTES = "/v1/notes"


def paths(document: dict[str, Any]) -> dict[str, str]:
    return {error["path"]: error["code"] for error in document["errors"]}


def test_every_type_leads_to_its_page(client: Client, db: None) -> None:
    for kind in all_types():
        assert client.get(f"/errors/{kind.slug}").status_code == 200, kind.slug


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/notes/", "/v1/notes/x/y/z", "/v1/notes/%00", "/v1/notes/é"])
def test_an_address_that_is_not_there(alice: User, method: str, path: str) -> None:
    response = getattr(Api(alice).client, method)(path)
    assert response.status_code == 404
    assert_problem(response, "not-found")


def test_an_object_that_is_not_there(alice: User) -> None:
    assert_problem(Api(alice).get(f"{NOTES}/nte_missing"), "not-found")


def test_strangers_are_told_how_to_sign_in(db: None) -> None:
    response = Api().get(NOTES)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="imp"'
    assert_problem(response, "not-signed-in")


def test_a_session_without_its_csrf_token_changes_nothing(alice: User) -> None:
    response = Api(alice, check_csrf=True).post(NOTES, {"title": "From another site"})
    assert response.status_code == 403
    assert_problem(response, "cross-site-request")
    assert not Note.objects.exists()


def test_a_session_with_its_csrf_token_may_write(alice: User) -> None:
    api = Api(alice, check_csrf=True)
    api.client.cookies["csrftoken"] = "a" * 32
    assert api.post(NOTES, {"title": "Ours"}, X_CSRFToken="a" * 32).status_code == 201


def test_a_method_that_is_not_taken_says_which_are(alice: User) -> None:
    response = Api(alice).client.put(NOTES, {}, content_type="application/json")
    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}
    assert_problem(response, "method-not-allowed")


@pytest.mark.parametrize("method", ["DISPATCH", "INITIAL", "QUERYSET", "TRACE", "__CLASS__"])
def test_a_made_up_method_calls_nothing(alice: User, method: str) -> None:
    response = Api(alice).client.generic(method, NOTES)
    assert response.status_code == 405
    assert_problem(response, "method-not-allowed")


@pytest.mark.parametrize("accept", ["text/csv", "image/*", "application/json;q=0", "text/html"])
def test_only_json_is_spoken(alice: User, accept: str) -> None:
    response = Api(alice).get(NOTES, accept=accept)
    assert response.status_code == 406
    assert_problem(response, "not-acceptable")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/problem+json", "text/csv, */*;q=0.1"])
def test_json_is_spoken_to_whoever_takes_it(alice: User, accept: str) -> None:
    assert Api(alice).get(NOTES, accept=accept).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", ""]
)
def test_only_json_is_understood(alice: User, content_type: str) -> None:
    response = Api(alice).client.post(NOTES, b"title=Hello", content_type=content_type)
    assert response.status_code == 415
    assert_problem(response, "unsupported-media-type")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"title": "a"', "line 1, column 14"),
        (b'{\n "title": nope}', "line 2, column 11"),
        (b"\xff", "line 1"),
        (b'"\\ud800"', "line 1"),
        (b'{"title": "a", "text": "b", "title": "c"}', "“title” stands twice"),
        (b'[{"in": {"a": 1, "\\u0061": 2}}]', "“a” stands twice"),
    ],
)
def test_malformed_json_says_where(alice: User, body: bytes, place: str) -> None:
    response = Api(alice).post(NOTES, body)
    assert response.status_code == 400
    assert place in assert_problem(response, "malformed-request")["detail"]


@pytest.mark.parametrize("levels", [500, 1_010, 100_000])
def test_however_deep_a_body_nests_it_is_refused(alice: User, levels: int) -> None:
    response = Api(alice).post(NOTES, b'{"title": %s1%s}' % (b"[" * levels, b"]" * levels))
    assert response.status_code in (400, 422)


def test_too_large_a_body_is_refused(alice: User, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = Api(alice).post(NOTES, {"title": "a", "text": "b" * 1000})
    assert response.status_code == 413
    assert_problem(response, "too-large")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/title": "required"}),
        ({"title": ""}, {"/title": "blank"}),
        ({"title": None}, {"/title": "null"}),
        ({"title": 5}, {"/title": "type"}),
        ({"title": ["a"]}, {"/title": "type"}),
        ({"title": "a\x00b"}, {"/title": "null_characters_not_allowed"}),
        ({"title": "a" * 121}, {"/title": "max_length"}),
        ({"title": "a", "rank": "5"}, {"/rank": "type"}),
        ({"title": "a", "rank": True}, {"/rank": "type"}),
        ({"title": "a", "rank": 2**31}, {"/rank": "max_value"}),
        ({"title": "a", "colour": "red"}, {"/colour": "invalid_choice"}),
        ({"title": "a", "titel": "b", "owner": "c"}, {"/titel": "unknown", "/owner": "unknown"}),
        ({"title": "a", "a/b~c": 1}, {"/a~1b~0c": "unknown"}),
        ({"title": "Untitled"}, {"/title": "invalid"}),
        ([], {"": "invalid"}),
        ("text", {"": "invalid"}),
    ],
    ids=str,
)
def test_each_wrong_field_is_named_by_its_path(alice: User, body: Any, expected: dict[str, str]) -> None:
    import orjson

    response = Api(alice).post(NOTES, orjson.dumps(body))
    assert response.status_code == 422
    document = assert_problem(response, "invalid-input")
    assert paths(document) == expected
    assert all(error["message"] for error in document["errors"])
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"colr": "blue"}, "?colr"),
        ({"colour": "red"}, "?colour"),
        ({"created_after": "yesterday"}, "?created"),
        ({"limit": "0"}, "?limit"),
        ({"cursor": "made.up"}, "?cursor"),
        ({"sort": "owner"}, "?sort"),
        ({"q": "a\x00b"}, "?q"),
        ({"format": "xml"}, "?format"),
        ({"colour": ""}, "?colour"),
        ({"archived": "banana"}, "?archived"),
    ],
    ids=str,
)
def test_a_parameter_that_can_not_be_used_is_refused(alice: User, query: dict[str, str], expected: str) -> None:
    response = Api(alice).get(NOTES, query)
    assert response.status_code == 422
    assert list(paths(assert_problem(response, "invalid-input"))) == [expected]


def test_a_single_object_takes_no_parameters(alice: User) -> None:
    assert_problem(Api(alice).get("/v1/me", {"limit": 1}), "invalid-input")


def test_the_unforeseen_is_logged_and_not_told(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(**_: Any) -> None:
        Note.objects.create(owner=alice, title="Half made")
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr(services, "create_note", break_down)
    with caplog.at_level(logging.ERROR):
        response = Api(alice).post(NOTES, {"title": "a"})
    assert response.status_code == 500
    assert_problem(response, "internal-error")
    assert b"42" not in response.content
    assert "ZeroDivisionError" in caplog.text
    assert not Note.objects.exists()


def test_an_answer_that_refuses_undoes_what_was_done_before_it(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(view: NoteViewSet, request: Any) -> Any:
        Note.objects.create(owner=alice, title="Half made")
        return answer({}, status=409)

    monkeypatch.setattr(NoteViewSet, "create", refuse)
    assert Api(alice).post(NOTES, {"title": "a"}, idempotency_key="k").status_code == 409
    assert not Note.objects.exists()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(
    ("error", "cause", "slug", "status"),
    [
        (IntegrityError, postgres_errors.UniqueViolation, "conflict", 409),
        (IntegrityError, postgres_errors.ForeignKeyViolation, "conflict", 409),
        (IntegrityError, postgres_errors.NotNullViolation, "internal-error", 500),
        (OperationalError, postgres_errors.DeadlockDetected, "conflict", 409),
        (OperationalError, postgres_errors.AdminShutdown, "unavailable", 503),
    ],
)
def test_what_the_database_says_is_translated(
    alice: User, monkeypatch: pytest.MonkeyPatch, error: type[Exception], cause: type[Exception], slug: str, status: int
) -> None:
    def refuse(**_: Any) -> None:
        raise error("internals") from cause("internals")

    monkeypatch.setattr(services, "create_note", refuse)
    response = Api(alice).post(NOTES, {"title": "a"})
    assert response.status_code == status
    assert_problem(response, slug)
    assert b"internals" not in response.content


def test_nul_on_its_way_to_the_database_is_the_sender_s_mistake(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "create_note", lambda **_: Note.objects.filter(title="a\0").exists())
    response = Api(alice).post(NOTES, {"title": "a"})
    assert response.status_code == 400
    assert_problem(response, "malformed-request")


@pytest.mark.parametrize("kind", all_types(), ids=lambda kind: kind.slug)
def test_what_a_service_raises_is_told(alice: User, monkeypatch: pytest.MonkeyPatch, kind: type[Problem]) -> None:
    def refuse(**_: Any) -> None:
        raise kind("Because of this.", fields={"text": ["Shorter, please."]})

    monkeypatch.setattr(services, "create_note", refuse)
    response = Api(alice).post(NOTES, {"title": "a"})
    assert response.status_code == kind.status
    document = assert_problem(response, kind.slug)
    assert document["detail"] == "Because of this."
    assert document["errors"] == [{"path": "/text", "message": "Shorter, please.", "code": "invalid"}]


def test_extra_members_are_told(alice: User, bob: User) -> None:
    note = Note.objects.create(owner=alice, title="a")
    note.readers.add(bob)
    document = assert_problem(Api(bob).post(f"{NOTES}/{note.pk}/archive"), "not-allowed")
    assert document["role"] == "owner"


def test_errors_are_told_in_the_reader_s_language(alice: User) -> None:
    alice.language = "ko"
    assert InvalidInput.title
    response = Api(alice).get(NOTES, {"limit": "0"}, accept_language="ko")
    assert "Accept-Language" in response["Vary"]


def test_head_and_options(alice: User) -> None:
    api = Api(alice)
    assert api.client.head(NOTES).status_code == 200
    response = api.client.options(NOTES)
    assert response.status_code == 204
    assert "POST" in response["Allow"]
