"""The OpenAPI document says what the API does: tried with requests that are made from it, right ones and wrong ones."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from apps.accounts.models import User
from apps.core import throttling
from apps.core.api.root import known_document
from apps.tenants.models import Tenant
from tests.sample.models import Note

CSRF = "c" * 32
EXAMPLES = 20
CONFIG = SchemathesisConfig.from_dict(
    {
        # Who asks is said by the test
        "generation": {"with-security-parameters": False},
        "checks": {
            # A request can be right by the document and still meet a state or a role that refuses it
            "positive_data_acceptance": {"expected-statuses": ["2xx", 304, 403, 404, 409, 412, 422]},
            # It takes away only what it has given itself; the contracts try strangers
            "ignored_auth": {"enabled": False},
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
        },
    }
)


SCHEMA: Any = schemathesis.openapi.from_dict(known_document(), config=CONFIG)
SCHEMA.app = get_wsgi_application()
OPERATIONS: dict[str, Any] = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}


@pytest.fixture(autouse=True)
def _keep_the_transaction() -> Iterator[None]:
    """As Django's test client does it: the end of a request mustn't close the connection that the test is in."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def session(alice: User, tidewater: Tenant, client: Client) -> dict[str, str]:
    client.force_login(alice)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value, "csrftoken": CSRF}


def modes_of(operation: Any) -> list[GenerationMode]:
    """A request with nothing in it can't be wrong."""
    can_be_wrong = [*operation.path_parameters, *operation.query, *operation.body]
    return list(GenerationMode) if can_be_wrong else [GenerationMode.POSITIVE]


@pytest.mark.parametrize(
    ("label", "mode"),
    [
        pytest.param(label, mode, id=f"{label} {mode.value}")
        for label, each in OPERATIONS.items()
        for mode in modes_of(each)
    ],
)
def test_the_api_does_what_its_document_says(
    label: str, mode: GenerationMode, session: dict[str, str], alice: User
) -> None:
    turns = itertools.count()

    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    @hypothesis_settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def ask(case: Any) -> None:
        throttling.forget_all()
        if next(turns) % 2 and "/notes/{id}" in case.operation.path and case.path_parameters:
            # Half of the time something that exists, in its current version
            note = Note.objects.create(owner=alice, title="Parcel 63122")
            case.path_parameters["id"] = note.pk
            if mode is GenerationMode.POSITIVE and "If-Match" in (case.headers or {}):
                case.headers["If-Match"] = note.etag
        case.call_and_validate(cookies=session, headers={"X-CSRFToken": CSRF})

    ask()


def test_every_operation_has_a_name_of_its_own_and_tells_what_it_is() -> None:
    assert len(OPERATIONS) > 8
    names = [each.definition.raw["operationId"] for each in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    assert {"notes_list", "notes_create", "notes_update", "notes_delete", "notes_archive", "me_update"} <= set(names)
    for each in OPERATIONS.values():
        raw = each.definition.raw
        assert raw["summary"], names
        assert raw["tags"]
        assert {"429", "500"} <= set(raw["responses"])


def test_the_kept_document_is_what_the_code_says() -> None:
    """In a process of its own: the tests' sample app is no part of the product's API."""
    found = subprocess.run(
        [sys.executable, "manage.py", "openapi"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.dev"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
