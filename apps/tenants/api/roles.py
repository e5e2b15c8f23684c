from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core.api.views import ApiView, answer
from apps.tenants.roles import ROLES_OF, SCOPES, Grant, Kind, Permission, SystemRole, groups_of, scope_of

_TEXT = {"type": "string"}
_GRANT = {
    "type": "object",
    "required": ["stages", "only_own"],
    "properties": {
        "stages": {"type": "array", "items": _TEXT, "description": "Where they may. Empty: in every stage."},
        "only_own": {"type": "boolean", "description": "Only with what they own themselves."},
    },
}
_PERMISSION = {
    "type": "object",
    "required": ["key", "label", "note", "group", "scope", "roles"],
    "properties": {
        "key": _TEXT,
        "label": _TEXT,
        "note": _TEXT,
        "group": {**_TEXT, "description": "What it belongs to."},
        "scope": {
            "type": ["string", "null"],
            "enum": [*SCOPES, None],
            "description": "What a token needs for it. Null: it belongs to those who run the platform.",
        },
        "roles": {"type": "object", "additionalProperties": _GRANT, "description": "Who may. Others may not."},
    },
}
_TABLE = {
    "type": "object",
    "required": ["kind", "roles", "permissions"],
    "properties": {
        "kind": {**_TEXT, "enum": [*Kind.values, "platform"], "description": "Of a workspace; or of the platform."},
        "roles": {"type": "array", "items": _TEXT},
        "permissions": {"type": "array", "items": _PERMISSION},
    },
}


class Roles(ApiView):
    tag = "roles"
    answer_schema = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": _TABLE}},
    }

    def needed_scope(self) -> str:
        """It's in the documentation too."""
        return ""

    def get(self, request: Request) -> HttpResponse:
        """See which role may do what.

        The table that the console and the API ask themselves, for each kind of workspace and for the platform.
        """
        tables = [_table(kind, kind, list(ROLES_OF[kind])) for kind in Kind.values]
        return answer({"items": [*tables, _table("", "platform", list(SystemRole.values))]})


def _table(kind: str, name: str, roles: list[Any]) -> dict[str, Any]:
    lines = [_line(line, str(group.label), kind, roles) for group in groups_of(kind) for line in group.permissions]
    return {"kind": name, "roles": [str(role) for role in roles], "permissions": lines}


def _line(permission: Permission, group: str, kind: str, roles: list[Any]) -> dict[str, Any]:
    return {
        "key": permission.key,
        "label": str(permission.label),
        "note": str(permission.note),
        "group": group,
        "scope": scope_of(permission.key) if kind else None,
        "roles": {str(role): _grant(permission.grants[role]) for role in roles if role in permission.grants},
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {"stages": sorted(grant.stages), "only_own": grant.only_own}
