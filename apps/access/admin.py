from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.access import selectors, services
from apps.access.models import AccessToken
from apps.core.web.admin import Labelled, OperatorsAdmin

TONES = {"active": "success", "ended": "warning", "revoked": "danger"}


class StateFilter(admin.SimpleListFilter):
    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(AccessToken.State.choices)

    def queryset(self, request: HttpRequest, queryset: "QuerySet[AccessToken]") -> "QuerySet[AccessToken]":
        return selectors.in_state(queryset, str(self.value())) if self.value() else queryset


@admin.register(AccessToken)
class AccessTokenAdmin(OperatorsAdmin):
    """Everybody's tokens, to look at. An operator can revoke one that leaked, and nothing else."""

    list_display = ["name", "shown_start", "person", "workspace", "state", "last_used_at", "expires_at"]
    list_filter = [StateFilter, "tenant"]
    search_fields = ["name", "start", "person__email", "person__name", "tenant__name", "last_used_address"]
    search_help_text = _("Name, how it begins, person, workspace or address")
    ordering = ["-id"]
    actions = ["revoke"]
    fields = [
        "name",
        "shown_start",
        "person",
        "workspace",
        "scopes",
        "state",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_used_address",
        "revoked_at",
    ]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AccessToken]":
        return selectors.list_all_tokens()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("begins with"), ordering="start")
    def shown_start(self, token: AccessToken) -> str:
        return token.shown_start

    @display(description=_("workspace"), ordering="tenant__name")
    def workspace(self, token: AccessToken) -> Any:
        return token.tenant or _("Every one")

    @display(description=_("state"), label=TONES)
    def state(self, token: AccessToken) -> Labelled:
        return Labelled(token.state, AccessToken.State(token.state).label)

    @admin.action(description=_("Revoke: refused from the next request on"), permissions=["view"])
    def revoke(self, request: HttpRequest, tokens: "QuerySet[AccessToken]") -> None:
        self.run_for_each(request, tokens, services.revoke_token, "token", _("%(count)d revoked."))
