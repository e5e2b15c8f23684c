from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.accounts.rights import insist_on_second_factor
from apps.audit.api import AuditEvents
from apps.audit.models import AuditEvent
from apps.audit.selectors import may_read_all
from apps.core.api.routing import routes
from apps.core.errors import NotFound
from apps.tenants import roles
from apps.tenants.api_base import HEADER, TenantApi, scopes_of, tenant_of_token
from apps.tenants.history.filters import EventFilter
from apps.tenants.history.selectors import list_all_events, list_personal_events, list_tenant_events
from apps.tenants.member import Member
from apps.tenants.problems import TokenTooNarrow
from apps.tenants.selectors import find_tenant, memberships_of


class TenantEventViewSet(TenantApi, AuditEvents):
    """A workspace's log. Operators read that of the workspace that they name, or else everything."""

    tag, singular, plural = "audit-events", "an audit event", "audit events"
    filterset_class = EventFilter
    # For the reference, which asks for it without anybody who acts
    queryset = AuditEvent.objects.none()

    def surroundings(self) -> AbstractContextManager[None]:
        return super().surroundings() if self._member else nullcontext()

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if self._member is None:
            return list_all_events(actor=self.request.user)
        return list_tenant_events(actor=self._member)

    def _find_member(self, request: Request) -> Member | None:
        person: Any = request.user
        if not may_read_all(person):
            return self._find_membership(request)
        scopes, of_token = scopes_of(request), tenant_of_token(request)
        named = request.headers.get(HEADER, "") or of_token
        if not named:
            scope = roles.scope_of("audit.read")
            if scopes is not None and scope not in scopes:
                raise TokenTooNarrow(scope=scope)
            return None
        tenant = find_tenant(named)
        if tenant is None or of_token not in ("", tenant.pk):
            raise NotFound
        return replace(Member.of_operator(person, tenant), scopes=scopes)

    def _find_membership(self, request: Request) -> Member | None:
        try:
            return super()._find_member(request)
        except NotFound:
            insist_on_second_factor(request.user)
            raise


class PersonalEventViewSet(AuditEvents):
    """What somebody did, and what was done to their account."""

    tag, singular, plural = "my-audit-events", "an audit event of yours", "your audit events"
    scope = "account"
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return list_personal_events(person=self.actor, memberships=memberships_of(self.actor))


urlpatterns = [
    *routes("audit-events", TenantEventViewSet, name="audit-events"),
    *routes("me/audit-events", PersonalEventViewSet, name="my-audit-events"),
]
