"""The OpenAPI document: what drf-spectacular reads from the views, and what every endpoint has in common."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.utils import translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AllowAny

from apps.core.api.views import SAFE_METHODS
from apps.core.api.viewsets import ApiViewSet, Destroyed, Listed, Retrieved, Updated
from apps.core.errors import Problem, all_types
from apps.core.listing import DEFAULT_LIMIT, LARGEST_LIMIT
from apps.core.problems import CONTENT_TYPE

DESCRIPTION = """\
Everything the console does, for programs. JSON in and out, times in UTC, ids that sort by age.

**Who asks.** A program sends an access token of somebody's, `Authorization: Bearer imp_pat_…`: it acts as that \
person, within its scopes. The console's pages send their session, with its CSRF token in `X-CSRFToken` on writes.

**Errors** are `application/problem+json` (RFC 9457). `type` never changes and is the address of a page about it; \
`errors` names each field; `request_id` finds the logs.

**Lists** come in keyset pages: follow `next_cursor`, or the `Link` header, until it is null. A parameter that doesn't \
exist is refused, as is a field.

**Repeating** a POST is safe with an `Idempotency-Key`: for 24 hours the same key gives the first answer again.

**Changing** an object takes the `ETag` that reading it gave, in `If-Match`: whoever saves second is told.

**Limits**: `RateLimit-Remaining` says how many requests are left, `Retry-After` when to come back.
"""

SUMMARIES = {
    "list": "List {plural}",
    "retrieve": "Read {one}",
    "create": "Create {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}
OPERATIONS = {"partial_update": "update", "destroy": "delete"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "apps.core.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The console's session. A write also sends the CSRF token in X-CSRFToken.",
        }


class Schema(AutoSchema):
    """One operation."""

    view: Any

    def get_operation_id(self) -> str:
        name = self._action()
        return f"{self.view.tag.replace('-', '_')}_{OPERATIONS.get(name, name)}"

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        summary = SUMMARIES.get(self._action())
        if summary is None:
            return self._documentation()[0]
        return summary.format(plural=self.view.plural, one=self.view.singular)

    def get_description(self) -> str:  # type: ignore[override]
        said = "" if self._action() in SUMMARIES else self._documentation()[1]
        return f"{said} {self._scope()}".strip()

    def _scope(self) -> str:
        """What the reference says of tokens."""
        if self._action() in getattr(self.view, "sessions_only", ()):
            return "No token may do this."
        if not self.view.scope:
            return ""
        return f"A token needs `{self.view.scope}:{'read' if self.method in SAFE_METHODS else 'write'}`."

    def get_request_serializer(self) -> Any:
        match self._action():
            case "create":
                return self.view.create_serializer_class
            case "partial_update":
                return self.view.update_serializer_class
            case name:
                return getattr(getattr(self.view, name), "body_serializer_class", None)

    def get_response_serializers(self) -> Any:
        if hasattr(self.view, "answer_schema"):
            return {200: self.view.answer_schema}
        match self._action():
            case "destroy":
                return None
            case "create":
                return self.view.created_serializer_class or self.view.serializer_class
            case _:
                return self.view.serializer_class

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            answers = operation["responses"]
            for status, found in answers.items():
                found["description"] = found["description"] or HTTPStatus(int(status)).phrase
                found["headers"] = {name: _ref("headers", name) for name in self._answer_headers()}
            if self._is(Retrieved, "retrieve"):
                answers["304"] = {"description": "If-None-Match names the current version"}
            for status in sorted(self._problem_statuses(bool(operation.get("requestBody")))):
                answers[str(status)] = _ref("responses", f"Problem{status}")
            operation["responses"] = dict(sorted(answers.items()))
        return operation

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> Any:
        return (None, False) if serializer is None else super()._get_request_for_media_type(serializer, direction)  # type: ignore[no-untyped-call]

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: str) -> Any:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "request":
            schema["additionalProperties"] = False
        return schema

    def _resolve_path_parameters(self, variables: Iterable[str]) -> list[dict[str, Any]]:
        return [{"in": "path", "name": name, "required": True, **self._path_parameter(name)} for name in variables]

    def _path_parameter(self, name: str) -> dict[str, Any]:
        """An id, unless the view says what else stands there."""
        told: dict[str, Any] | None = getattr(self.view, "path_parameters", {}).get(name)
        pattern = f"^{getattr(self.view, 'lookup_value_regex', '.+')}$"
        return told or {"schema": {"type": "string", "pattern": pattern}}

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._get_filter_parameters()  # type: ignore[no-untyped-call]
        filterset_class = getattr(self.view, "filterset_class", None)
        for parameter in found:
            if parameter["schema"] == {"type": "string"}:
                parameter["schema"]["minLength"] = 1
            filter_ = filterset_class.base_filters.get(parameter["name"]) if filterset_class else None
            choices = filter_.extra.get("choices") if filter_ else None
            if callable(choices):
                schema = parameter["schema"]
                schema.get("items", schema)["enum"] = [value for value, _label in choices()]
        return found

    def _get_pagination_parameters(self) -> list[dict[str, Any]]:
        if not self._is(Listed, "list"):
            return []
        if not self.view.sorts:
            return []
        choices = [direction + name for name in self.view.sorts for direction in ("", "-")]
        return [
            {
                "in": "query",
                "name": "sort",
                "schema": {"type": "string", "enum": choices},
                "description": f"A minus sign sorts downwards. Without it: {', '.join(self.view.default_sort)}.",
            }
        ]

    def _get_parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._get_parameters()
        if self._is(Listed, "list"):
            found += [_ref("parameters", "cursor"), _ref("parameters", "limit")]
        if self.method == "POST":
            found.append(_ref("parameters", "Idempotency-Key"))
        if self._needs_version():
            found.append(_ref("parameters", "If-Match"))
        if self._is(Retrieved, "retrieve"):
            found.append(_ref("parameters", "If-None-Match"))
        return [*found, *self.view.header_parameters]

    def _get_response_for_code(self, serializer: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_for_code(serializer, *args, **kwargs)  # type: ignore[no-untyped-call]
        if serializer is not None and self._is(Listed, "list"):
            content = found["content"]["application/json"]
            content["schema"] = _page_of(content["schema"])
        return found

    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def _is(self, kind: type, action: str) -> bool:
        return isinstance(self.view, kind) and self._action() == action

    def _is_of_all(self) -> bool:
        """An action on the collection, such as an export: it answers with no object."""
        return getattr(self.view, "detail", None) is False and self._action() not in SUMMARIES

    def _needs_version(self) -> bool:
        return self._is(Updated, "partial_update") or self._is(Destroyed, "destroy") or self._handler_needs_version()

    def _handler_needs_version(self) -> bool:
        return getattr(getattr(self.view, self._action(), None), "needs_version", False)

    def _documentation(self) -> tuple[str, str]:
        """The handler's docstring: its first line, and the rest."""
        first, _, rest = (getattr(self.view, self._action()).__doc__ or "").strip().partition("\n")
        return first.removesuffix("."), " ".join(rest.split())

    def _answer_headers(self) -> list[str]:
        names = ["X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
        if self._is(Listed, "list"):
            names.append("Link")
        elif self._action() != "destroy" and isinstance(self.view, ApiViewSet) and not self._is_of_all():
            names.append("ETag")
        if self._action() == "create":
            names.append("Location")
        if self.method == "POST":
            names.append("Idempotency-Replayed")
        return names

    def _problem_statuses(self, has_body: bool) -> set[int]:
        statuses = {406, 422, 429, 500, 503, *self.view.refusals}
        if AllowAny not in self.view.permission_classes:
            statuses |= {401, 403}
        if "{" in self.path:
            statuses.add(404)
        if self.method not in {"GET", "HEAD"}:
            statuses |= {400, 403, 409, 413}
        if has_body:
            statuses.add(415)
        if self._needs_version():
            statuses |= {412, 428}
        return statuses


# --- What all operations share ---------------------------------------------------------------------


def only_our_api(endpoints: Iterable[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/v1/")]


def describe_whole(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    result["info"]["description"] = DESCRIPTION
    used = {tag for path in result["paths"].values() for operation in path.values() for tag in operation["tags"]}
    result["tags"] = [{"name": tag} for tag in sorted(used)]
    components = result["components"]
    components["parameters"] = {name: {"name": name, **value} for name, value in PARAMETERS.items()}
    components["headers"] = HEADERS
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in _statuses()}
    return result


def document(urlconf: str | None = None) -> dict[str, Any]:
    """The document in English, whoever asks, so that it's the same everywhere."""
    with translation.override("en"):
        found: dict[str, Any] = SchemaGenerator(urlconf=urlconf).get_schema(request=None, public=True)
    return found


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _page_of(items: dict[str, Any]) -> dict[str, Any]:
    cursor = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["items", "next_cursor", "previous_cursor"],
        "properties": {
            "items": items,
            "next_cursor": {**cursor, "description": "Send it as `cursor` for the next page. Null: this is the last."},
            "previous_cursor": {**cursor, "description": "The page before. Null: this is the first."},
        },
    }


def _statuses() -> list[int]:
    return sorted({kind.status for kind in _our_types()})


def _our_types() -> list[type[Problem]]:
    return [kind for kind in all_types() if kind.__module__.startswith("apps.")]


def _problem_response(status: int) -> dict[str, Any]:
    types = [kind for kind in _our_types() if kind.status == status]
    names = ["X-Request-Id"] + ["Retry-After"] * (status in {409, 429, 503})
    names += ["WWW-Authenticate"] * (status == 401) + ["ETag"] * (status in {412, 428})
    return {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in types),
        "headers": {name: _ref("headers", name) for name in names},
        "content": {CONTENT_TYPE: {"schema": _ref("schemas", "Problem")}},
    }


PARAMETERS: dict[str, Any] = {
    "cursor": {
        "in": "query",
        "schema": {"type": "string", "minLength": 1},
        "description": "`next_cursor` or `previous_cursor` of a page of this list in this order.",
    },
    "limit": {
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
        "description": "The most items of one page.",
    },
    "Idempotency-Key": {
        "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        "description": "A new one, such as a UUID, for each thing to do; the same one to ask again for the same.",
    },
    "If-Match": {
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "The ETag of the version that this change was made for, in its quotes.",
    },
    "If-None-Match": {
        "in": "header",
        "schema": {"type": "string"},
        "description": "The ETag that is known already; the answer is 304 while it's current.",
    },
}

_NUMBER = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
HEADERS: dict[str, Any] = {
    "X-Request-Id": {"schema": _TEXT, "description": "Finds this request in logs and audit events."},
    "RateLimit-Limit": {"schema": _NUMBER, "description": "The most requests at once."},
    "RateLimit-Remaining": {"schema": _NUMBER, "description": "How many of them are left."},
    "RateLimit-Reset": {"schema": _NUMBER, "description": "Seconds until all are there again."},
    "Retry-After": {"schema": _NUMBER, "description": "Seconds to wait before asking again."},
    "ETag": {"schema": _TEXT, "description": "The version of the object."},
    "Location": {"schema": _TEXT, "description": "The address of the new object."},
    "Link": {"schema": _TEXT, "description": "The neighbouring pages (RFC 8288)."},
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "There when this is the stored answer to an earlier request.",
    },
    "WWW-Authenticate": {"schema": _TEXT, "description": "How to say who asks."},
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Never changes; the address of a page about it."},
        "title": {"type": "string", "description": "What it is, for people."},
        "status": {"type": "integer", "description": "The same as the answer's."},
        "detail": {"type": "string", "description": "What it was this time, or what to do."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "request_id": {"type": "string", "description": "Finds the logs of this request."},
        "errors": {
            "type": "array",
            "description": "Each field that was wrong.",
            "items": {
                "type": "object",
                "required": ["path", "message", "code"],
                "properties": {
                    "path": {
                        "type": "string",
                        "description": "JSON pointer into the body (`/hosts/0`), or a query parameter (`?limit`).",
                    },
                    "message": {"type": "string"},
                    "code": {"type": "string", "description": "The kind of mistake, for programs."},
                },
            },
        },
    },
}
