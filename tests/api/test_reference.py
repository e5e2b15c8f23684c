"""The reference: pages made from the OpenAPI document, ours or anybody's."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.reference.model import build
from apps.core.reference.text import Span, spans

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


FOREIGN: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Parcel tracking", "version": "2", "description": "Where is it?\n\nSay `id`."},
    "paths": {
        "/parcels/{id}": {
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": {"type": "string"}}],
            "post": {
                "tags": ["Parcels & more"],
                "security": [{"key": []}],
                "parameters": [
                    {"in": "query", "name": "zone", "required": True, "schema": {"$ref": "#/components/schemas/Zone"}}
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Parcel"}}}},
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Parcel"}}}},
                    "404": {"description": "Gone"},
                },
            },
            "get": {"responses": {}},
        }
    },
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        "schemas": {
            "Zone": {"type": "string", "enum": ["METRO", "ISLAND"]},
            "Box": {
                "type": "object",
                "required": ["weight"],
                "properties": {"weight": {"type": "number", "maximum": 70}},
            },
            "Parcel": {
                "allOf": [{"$ref": "#/components/schemas/Box"}],
                "required": ["to"],
                "properties": {
                    "to": {"type": "string", "nullable": True, "description": 'It\'s the "address"'},
                    "inside": {"$ref": "#/components/schemas/Parcel"},
                    "stops": {"type": "array", "items": {"type": "string", "format": "date-time"}},
                },
            },
        },
    },
}


@pytest.fixture
def operation() -> Any:
    (other, group) = build(FOREIGN, base_url="https://api.example/").groups
    assert (group.slug, group.title, other.slug) == ("parcels-more", "Parcels & more", "other")
    return group.operations[0]


def test_parameters_come_from_path_and_operation(operation: Any) -> None:
    assert [(row.name, row.place, row.type, row.required) for row in operation.parameters] == [
        ("id", "path", "string", True),
        ("zone", "query", "METRO, ISLAND", True),
    ]


def test_fields_come_from_references_and_allof(operation: Any) -> None:
    rows = {(row.name, row.depth): row for row in operation.body}
    assert rows[("weight", 0)].type == "number, up to 70"
    assert rows[("weight", 0)].required
    assert rows[("to", 0)].type == "string, or null"
    assert rows[("stops", 0)].type == "list of time"
    assert ("to", 2) in rows
    assert ("to", 3) not in rows


def test_the_sample_can_be_pasted(operation: Any) -> None:
    assert operation.request.startswith("curl -X POST \\\n")
    assert '-H "x-api-key: $IMP_KEY"' in operation.request
    assert operation.request.endswith("'https://api.example/parcels/01k9z3v8q4m7x2c5b1n6t0r3fd?zone=METRO'")
    assert orjson.loads(operation.example)["stops"] == ["2027-01-31T09:30:00Z"]


def test_text_is_split_into_spans() -> None:
    assert spans("a **b** `c` <i>") == [Span("a "), Span("b", "strong"), Span(" "), Span("c", "code"), Span(" <i>")]


def test_a_program_gets_links(client: Client, db: None) -> None:
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        document = client.get("/v1/", headers=accept).json()
        assert document["openapi"] == "http://testserver/v1/openapi.json"
        assert document["resources"]["audit-events"] == "http://testserver/v1/audit-events"


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_browser_gets_pages(client: Client, alice: User, signed_in: bool) -> None:
    if signed_in:
        client.force_login(alice)
    page = client.get("/v1/", headers=HTML)
    assert page["Content-Type"].startswith("text/html")
    assert "Accept" in page["Vary"]
    text = page.content.decode()
    assert "/v1/reference/audit-events#audit_events_list" in text
    group = client.get("/v1/reference/audit-events")
    assert group.status_code == 200
    assert 'id="audit_events_list"' in group.content.decode()
    assert "http://testserver/v1/audit-events" in group.content.decode()


def test_the_search_needs_no_script(client: Client, db: None) -> None:
    text = client.get("/v1/", {"q": "LIST audit"}, headers=HTML).content.decode()
    assert "audit_events_list" in text
    assert "me_update" not in text
    empty = client.get("/v1/", {"q": "<script>"}, headers=HTML).content.decode()
    assert "No operation has these words" in empty
    assert '<script>"' not in empty


def test_a_group_that_is_not_there(client: Client, db: None) -> None:
    assert client.get("/v1/reference/nothing").status_code == 404


def test_the_document_is_sent_once(client: Client, db: None) -> None:
    first = client.get("/v1/openapi.json")
    assert first.json()["openapi"] == "3.1.0"
    assert client.get("/v1/openapi.json", headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_every_operation_of_ours_has_a_page_and_a_sample() -> None:
    document = orjson.loads(Path("docs/api/openapi.json").read_bytes())
    operations = [each for group in build(document, base_url="http://localhost").groups for each in group.operations]
    assert len(operations) == sum(len(item) for item in document["paths"].values())
    for each in operations:
        assert each.request.startswith("curl")
        assert "{" not in each.request.split("-d")[0]
        assert each.answers
