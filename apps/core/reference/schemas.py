"""Reads JSON Schema as OpenAPI uses it: references, allOf, null in both versions' ways, and types in words."""

from collections.abc import Mapping
from typing import Any

MOST_CHOICES = 8
# The bounds of a column, which tell a reader nothing
LARGEST_OF_TYPE = {2**15 - 1, 2**31 - 1, 2**63 - 1}


class Schemas:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def resolve(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a `$ref`, and one that leads to another. One that leads nowhere or in a circle is an empty schema."""
        seen: set[str] = set()
        while "$ref" in value:
            reference = str(value["$ref"])
            if reference in seen or not reference.startswith("#/"):
                return {}
            seen.add(reference)
            value = self._at(reference)
        return value

    def _at(self, reference: str) -> Mapping[str, Any]:
        found: Any = self.document
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}

    def flatten(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """One object schema out of references and allOf; of oneOf and anyOf the first that isn't null."""
        resolved = self.resolve(schema)
        if "allOf" in resolved:
            merged: dict[str, Any] = {name: value for name, value in resolved.items() if name != "allOf"}
            for part in resolved["allOf"]:
                flat = self.flatten(part)
                merged = {
                    **flat,
                    **merged,
                    "properties": {**merged.get("properties", {}), **flat.get("properties", {})},
                    "required": [*merged.get("required", []), *flat.get("required", [])],
                }
            return merged
        for choice in ("oneOf", "anyOf"):
            if choice in resolved:
                others = [each for each in resolved[choice] if self.resolve(each).get("type") != "null"]
                return {**self.flatten(others[0]), **resolved} if others else resolved
        return resolved

    def type_of(self, schema: Mapping[str, Any]) -> str:
        """Such as "string, up to 120", "en or ko", "list of integers"."""
        flat = self.flatten(schema)
        words = self._choices(flat) or self._kind(flat)
        return ", ".join([words, *self._limits(flat), *(["or null"] if self._is_nullable(schema) else [])])

    def _choices(self, flat: Mapping[str, Any]) -> str:
        choices = [str(each) for each in flat.get("enum", []) if each is not None and each != ""]
        if not choices:
            return ""
        if len(choices) > MOST_CHOICES:
            return ", ".join([*choices[:MOST_CHOICES], f"and {len(choices) - MOST_CHOICES} more"])
        return ", ".join(choices)

    def _kind(self, flat: Mapping[str, Any]) -> str:
        kind = self._type_name(flat)
        if kind == "array":
            return f"list of {self.type_of(flat.get('items', {}))}"
        if kind == "string" and flat.get("format") in {"date-time", "date", "email", "uri", "uuid", "binary"}:
            words = {"date-time": "time", "uri": "address", "email": "e-mail"}
            return words.get(flat["format"], str(flat["format"]))
        if not kind:
            return "object" if flat.get("properties") else "any JSON"
        return kind

    def _type_name(self, flat: Mapping[str, Any]) -> str:
        kind = flat.get("type", "")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        return str(kind)

    def _limits(self, flat: Mapping[str, Any]) -> list[str]:
        found = []
        for low, high in (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems")):
            if abs(flat.get(high, 0)) in LARGEST_OF_TYPE:
                continue
            if low in flat and high in flat:
                found.append(f"{flat[low]} to {flat[high]}")
            elif high in flat:
                found.append(f"up to {flat[high]}")
            elif flat.get(low):
                found.append(f"at least {flat[low]}")
        if flat.get("default") not in (None, ""):
            found.append(f"default {flat['default']}")
        return found

    def _is_nullable(self, schema: Mapping[str, Any]) -> bool:
        resolved = self.resolve(schema)
        if resolved.get("nullable") or (isinstance(resolved.get("type"), list) and "null" in resolved["type"]):
            return True
        choices = [*resolved.get("oneOf", []), *resolved.get("anyOf", [])]
        return any(self.resolve(each).get("type") == "null" for each in choices)
