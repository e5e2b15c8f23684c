"""Log lines: what they say, and what they never say."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings
from django.test import Client

from apps.core import context, logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is written with the configuration of production, and the test run's own configuration afterwards."""
    written = io.StringIO()
    logs.configure({"format": "json", "level": "info"})
    (handler,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
    handler.setStream(written)
    yield written
    logs.configure(settings.LOGGING)


def parsed(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_carries_the_request_and_the_task_it_belongs_to(lines: io.StringIO) -> None:
    with context.bound(request_id="req_1", task_id="task_1"):
        structlog.get_logger("some.module").info("saved", number=3)
        logging.getLogger("some.library").warning("slow: %s", "yes")
    ours, theirs = parsed(lines)
    assert ours["request_id"] == theirs["request_id"] == "req_1"
    assert ours["task_id"] == theirs["task_id"] == "task_1"
    assert (ours["event"], ours["number"], ours["level"], ours["logger"]) == ("saved", 3, "info", "some.module")
    assert (theirs["event"], theirs["level"]) == ("slow: yes", "warning")


@pytest.mark.parametrize(
    "values",
    [
        {"password": "hunter-two"},
        {"headers": {"Authorization": "hunter-two", "X-Api-Key": "hunter-two"}},
        {"deep": [{"client_secret": "hunter-two"}]},
        {"url": "postgres://imp:hunter-two@localhost/imp"},
        {"header": "Authorization: Bearer hunter-two"},
        {"query": "a=1&token=hunter-two&b=2"},
        {"set-cookie": "hunter-two"},
        {"key": ("refresh_token", {"refresh_token": "hunter-two"})},
    ],
)
def test_secrets_are_not_written_down(lines: io.StringIO, values: dict[str, object]) -> None:
    structlog.get_logger("some.module").info("saved", **values)
    assert "hunter-two" not in lines.getvalue()
    assert "(hidden)" in lines.getvalue()


def test_a_traceback_has_no_secret_either(lines: io.StringIO) -> None:
    try:
        raise ValueError("can't reach postgres://imp:hunter-two@localhost/imp")
    except ValueError:
        structlog.get_logger("some.module").exception("failed")
    assert "hunter-two" not in lines.getvalue()
    assert "Traceback" in lines.getvalue()


def test_words_that_only_look_like_secrets_stay_readable(lines: io.StringIO) -> None:
    structlog.get_logger("some.module").info(
        "saved", task_id="task_1", token_count=12, monkey="see", passwords_changed=1
    )
    (line,) = parsed(lines)
    assert (line["task_id"], line["token_count"], line["monkey"], line["passwords_changed"]) == ("task_1", 12, "see", 1)


@pytest.mark.django_db
def test_each_request_makes_one_line_with_route_status_and_time(lines: io.StringIO, client: Client) -> None:
    response = client.get("/sign-in?token=hunter-two")
    (line,) = [line for line in parsed(lines) if line["logger"] == "access"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/sign-in", 200)
    assert line["request_id"] == response["X-Request-Id"]
    assert isinstance(line["ms"], float)
    assert "hunter-two" not in lines.getvalue()


@pytest.mark.django_db
def test_probes_make_no_line(lines: io.StringIO, client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert parsed(lines) == []


@pytest.mark.django_db
def test_a_host_that_is_not_ours_makes_one_line_without_a_traceback(lines: io.StringIO, client: Client) -> None:
    assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400
    assert [line["logger"] for line in parsed(lines)] == ["access"]
