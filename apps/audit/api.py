from django.db.models import QuerySet
from rest_framework import serializers

from apps.audit import selectors
from apps.audit.filters import AuditEventFilter
from apps.audit.models import AuditEvent
from apps.core.api.routing import routes
from apps.core.api.viewsets import Listed, Retrieved


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "at",
            "actor_id",
            "actor_label",
            "verb",
            "target_type",
            "target_id",
            "target_label",
            "before",
            "after",
            "request_id",
            "task_id",
            "address",
        ]


class AuditEventViewSet(Listed, Retrieved):
    tag, singular, plural = "audit-events", "an audit event", "audit events"
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilter
    sorts = ("at",)
    default_sort = selectors.ORDER

    def get_queryset(self) -> "QuerySet[AuditEvent]":
        return selectors.list_events(actor=self.actor)


urlpatterns = routes("audit-events", AuditEventViewSet, name="audit-events")
