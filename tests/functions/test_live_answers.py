"""What a save answers over HTTP: it's live, told after the commit, by the API as by the editor's page."""

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.functions.models import Function
from apps.functions.publishing import acks
from tests.functions.world import Place, Start, answer_of, answers
from tests.people import Api

pytestmark = pytest.mark.django_db(transaction=True)


def body(answer: str, version: int) -> dict[str, Any]:
    return {"files": {path: {"content": text} for path, text in answers(answer).items()}, "base_version": version}


def test_the_api_answers_once_it_is_live(place: Place, start: Start, alice: User) -> None:
    process = start()
    place.make(answer="first")
    path = f"/v1/api-gateways/{place.gateway.pk}/functions/dev%2Fhello"
    sent = body("second", 1)
    # PostgreSQL keeps them in an order of its own
    sent["files"] |= {name: {"content": "export {};"} for name in ("lib/longer.ts", "b.ts", "a-long-name.ts")}
    answer = Api(alice).patch(path, sent)
    assert answer.status_code == 200, answer.content
    live = answer.json()["live"]
    assert (live["state"], live["version"]) == ("live", 2)
    assert live["ms"] > live["store_ms"] > 0
    assert live["compile_ms"] > 0
    assert answer_of(process) == "second"
    # It's the answer of what is there now
    assert Api(alice).get(path)["ETag"] == answer["ETag"]


def test_the_page_answers_once_it_is_live(place: Place, start: Start, alice: User) -> None:
    process = start()
    function = place.make(answer="first")
    client = Client()
    client.force_login(alice)
    path = f"/t/tidewater/gateways/{place.gateway.pk}/functions/{function.pk}/save"
    sent = {"files": answers("second"), "entrypoint": "index.ts", "base_version": 1}
    answer = client.post(path, json.dumps(sent), content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert "v2 live in" in answer.json()["bar"]["title"]
    assert answer_of(process) == "second"


def test_a_save_that_is_refused_is_not_waited_for(place: Place, alice: User) -> None:
    place.make()
    path = f"/v1/api-gateways/{place.gateway.pk}/functions/dev%2Fhello"
    answer = Api(alice).patch(path, {"files": {"index.ts": {"content": "cnst a = 1"}}, "base_version": 1})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "compile-error")
    assert place.there() == {"dev/hello": (1, False)}


def test_what_goes_wrong_after_the_commit_hides_no_save(
    place: Place,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place.make()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr(acks, "wait_for_acks", broken)
    path = f"/v1/api-gateways/{place.gateway.pk}/functions/dev%2Fhello"
    answer = Api(alice).patch(path, body("second", 1))
    assert answer.status_code == 200
    assert answer.json()["live"]["state"] == "publishing"
    assert Function.objects.get().version == 2
    assert place.there() == {"dev/hello": (2, False)}
