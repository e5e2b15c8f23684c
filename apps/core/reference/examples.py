"""An example of what a schema describes: what the document gives, else something of the right kind."""

import json
from collections.abc import Mapping
from typing import Any

from apps.core.reference.schemas import Schemas

DEEPEST = 5
BY_FORMAT = {
    "date-time": "2027-01-31T09:30:00Z",
    "date": "2027-01-31",
    "email": "ada@tidewater.example",
    "uri": "https://tidewater.example/",
    "uuid": "5b0a6b1e-6f0e-4d1c-9a61-0b8e6f1f2a3c",
}


def example_of(schema: Mapping[str, Any], schemas: Schemas, name: str = "", depth: int = 0) -> Any:
    flat = schemas.flatten(schema)
    for given in ("example", "default", "const"):
        if flat.get(given) is not None:
            return flat[given]
    if flat.get("examples"):
        examples = flat["examples"]
        return examples[0] if isinstance(examples, list) else next(iter(examples.values()))
    choices = [each for each in flat.get("enum", []) if each is not None and each != ""]
    if choices:
        return choices[0]
    kind = flat.get("type", "object" if flat.get("properties") else "")
    if isinstance(kind, list):
        kind = kind[0]
    if depth > DEEPEST:
        return None
    match kind:
        case "object":
            return {
                inner: example_of(value, schemas, inner, depth + 1)
                for inner, value in flat.get("properties", {}).items()
            }
        case "array":
            return [example_of(flat.get("items", {}), schemas, name, depth + 1)]
        case "integer":
            return max(int(flat.get("minimum", 1)), 1)
        case "number":
            return float(max(flat.get("minimum", 1.5), 1.5))
        case "boolean":
            return True
        case "string":
            return _text(flat, name)
        case _:
            return None


def _text(flat: Mapping[str, Any], name: str) -> str:
    text = BY_FORMAT.get(flat.get("format", "")) or _by_name(name)
    return text[: flat["maxLength"]] if flat.get("maxLength") else text


def _by_name(name: str) -> str:
    if name == "id" or name.endswith("_id"):
        return "01k9z3v8q4m7x2c5b1n6t0r3fd"
    if "email" in name:
        return BY_FORMAT["email"]
    if name in {"If-Match", "If-None-Match"}:
        return '"3"'
    if name == "Idempotency-Key":
        return BY_FORMAT["uuid"]
    return name.replace("_", " ") or "text"


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
