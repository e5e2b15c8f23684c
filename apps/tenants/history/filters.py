"""The audit log's filters, for those who know people and workspaces."""

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.audit.filters import AuditEventFilter, AuditPageFilter
from apps.audit.models import AuditEvent, AuditEventQuerySet
from apps.tenants.history.selectors import OPERATORS
from apps.tenants.selectors import find_tenant

# In the place of a person's id
ALL_OPERATORS = "operators"


class ByOperators:
    """`actor` takes `operators` too."""

    def filter_actor(self, queryset: "QuerySet[AuditEvent]", name: str, value: str) -> "QuerySet[AuditEvent]":
        if value == ALL_OPERATORS:
            return queryset.filter(actor_id__in=OPERATORS)
        found: QuerySet[AuditEvent] = super().filter_actor(queryset, name, value)  # type: ignore[misc]
        return found


class EventFilter(ByOperators, AuditEventFilter):
    """For programs."""


class EventPageFilter(ByOperators, AuditPageFilter):
    """For people."""


class PlatformEventFilter(EventPageFilter):
    """Over all workspaces, of which there are too many to choose from."""

    workspace = django_filters.CharFilter(method="filter_workspace", label=_("Workspace's address"))

    def filter_workspace(self, queryset: AuditEventQuerySet, name: str, value: str) -> AuditEventQuerySet:
        tenant = find_tenant(value.strip())
        return queryset.of(tenant) if tenant else queryset.none()
