"""From an OpenAPI document (3.0 or 3.1) to what a page about it shows. No framework, no request, no database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.core.reference.examples import as_json, example_of
from apps.core.reference.samples import curl
from apps.core.reference.schemas import Schemas
from apps.core.reference.text import Paragraph, paragraphs

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
PLACES = {"path": 0, "query": 1, "header": 2, "cookie": 3}


@dataclass(frozen=True)
class Row:
    """One parameter or field. `depth` is how deep it's nested."""

    name: str
    type: str
    text: str
    required: bool = False
    place: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Answer:
    status: str
    text: str
    is_error: bool


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: list[Paragraph]
    parameters: list[Row]
    body: list[Row]
    answer_status: str
    answer: list[Row]
    answers: list[Answer]
    request: str
    example: str

    def matches(self, words: Sequence[str]) -> bool:
        text = " ".join([self.method, self.path, self.summary, self.id]).lower()
        return all(word in text for word in words)


@dataclass(frozen=True)
class Group:
    slug: str
    title: str
    operations: list[Operation]


@dataclass(frozen=True)
class Reference:
    title: str
    version: str
    description: list[Paragraph]
    groups: list[Group] = field(default_factory=list)

    def group(self, slug: str) -> Group | None:
        return next((group for group in self.groups if group.slug == slug), None)

    def search(self, text: str) -> list[Group]:
        """The groups with only those operations that hold every word."""
        words = text.lower().split()
        found = [
            Group(group.slug, group.title, [each for each in group.operations if each.matches(words)])
            for group in self.groups
        ]
        return [group for group in found if group.operations]


def build(document: Mapping[str, Any], *, base_url: str) -> Reference:
    reader = _Reader(document, base_url.rstrip("/"))
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in document.get("tags", [])}
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                tag = next(iter(operation.get("tags", [])), "other")
                groups.setdefault(tag, []).append(reader.operation(path, method, item, operation))
    info = document.get("info", {})
    return Reference(
        title=info.get("title", ""),
        version=info.get("version", ""),
        description=paragraphs(info.get("description", "")),
        groups=[Group(_slug(tag), _title(tag), operations) for tag, operations in groups.items() if operations],
    )


def _slug(tag: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in tag.lower()).split()) or "other"


def _title(tag: str) -> str:
    words = tag.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


class _Reader:
    def __init__(self, document: Mapping[str, Any], base_url: str) -> None:
        self.document = document
        self.schemas = Schemas(document)
        self.base_url = base_url

    def operation(self, path: str, method: str, item: Mapping[str, Any], found: Mapping[str, Any]) -> Operation:
        parameters = self._parameters(item, found)
        samples = [(each, example_of(each.get("schema", {}), self.schemas, each["name"])) for each in parameters]
        body = self._json_schema(self.schemas.resolve(found.get("requestBody", {})))
        answers = {str(code): self.schemas.resolve(answer) for code, answer in found.get("responses", {}).items()}
        good = next((code for code in sorted(answers) if code.startswith("2")), "")
        shown = self._json_schema(answers.get(good, {}))
        return Operation(
            id=found.get("operationId", f"{method}{path}").replace("/", "-"),
            method=method.upper(),
            path=path,
            summary=found.get("summary") or f"{method.upper()} {path}",
            description=paragraphs(found.get("description", "")),
            parameters=[self._parameter_row(parameter) for parameter in parameters],
            body=list(self._fields(body)),
            answer_status=good,
            answer=list(self._fields(shown)),
            answers=[
                Answer(code, answer.get("description", ""), is_error=code[:1] in {"4", "5"})
                for code, answer in sorted(answers.items())
            ],
            request=curl(
                method=method.upper(),
                url=self.base_url + path,
                parameters=samples,
                body=as_json(example_of(body, self.schemas)) if body else "",
                security=self._security(found),
            ),
            example=as_json(example_of(shown, self.schemas)) if shown else "",
        )

    def _parameters(self, item: Mapping[str, Any], found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """An operation's own go before its path's; the order is path, query, header."""
        named: dict[tuple[str, str], Mapping[str, Any]] = {}
        for parameter in [*item.get("parameters", []), *found.get("parameters", [])]:
            resolved = self.schemas.resolve(parameter)
            named[(resolved["name"], resolved["in"])] = resolved
        return sorted(named.values(), key=lambda parameter: PLACES.get(parameter["in"], 9))

    def _parameter_row(self, parameter: Mapping[str, Any]) -> Row:
        schema = parameter.get("schema", {})
        return Row(
            name=parameter["name"],
            type=self.schemas.type_of(schema),
            text=parameter.get("description") or self.schemas.resolve(schema).get("description", ""),
            required=bool(parameter.get("required")),
            place=parameter["in"],
        )

    def _fields(self, schema: Mapping[str, Any], depth: int = 0) -> Iterator[Row]:
        """The fields of an object, or of the objects in a list, to the depth that still helps."""
        resolved = self.schemas.flatten(schema)
        if "items" in resolved:
            yield from self._fields(resolved["items"], depth)
            return
        required = set(resolved.get("required", []))
        for name, inner in resolved.get("properties", {}).items():
            flat = self.schemas.flatten(inner)
            yield Row(name, self.schemas.type_of(inner), flat.get("description", ""), name in required, depth=depth)
            if depth < 2:
                yield from self._fields(inner, depth + 1)

    def _json_schema(self, holder: Mapping[str, Any]) -> Mapping[str, Any]:
        content = holder.get("content", {})
        media: Mapping[str, Any] = content.get("application/json") or next(iter(content.values()), {})
        schema: Mapping[str, Any] = media.get("schema", {})
        return schema

    def _security(self, found: Mapping[str, Any]) -> Mapping[str, Any] | None:
        wanted = found.get("security", self.document.get("security", []))
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        if not wanted or any(not each for each in wanted):
            return None
        name = next(iter(wanted[0]))
        scheme: Mapping[str, Any] | None = schemes.get(name)
        return scheme
