"""The events of the last hour: what a stream that was cut, or a hub that lost the database, reads to catch up."""

from typing import Any

from django.db import models
from django.db.models.functions import Now

__all__ = ["Event"]


class CurrentTransaction(models.Func):
    function = "pg_current_xact_id"
    template = "%(function)s()"
    arity = 0
    output_field: Any = models.BigIntegerField()


class TransactionField(models.BigIntegerField):  # type: ignore[type-arg]
    """The 64-bit number of the transaction that wrote the row; unlike `xmin` it never wraps and can be indexed."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class Event(models.Model):
    """Append-only; its order of arrival is decided in `apps.core.events.log`, not by the id alone."""

    # A sequence and not a sortable id: the log relies on a new row having a higher one than any committed before it
    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=150, db_collation="C")
    kind = models.CharField(max_length=40)
    ref = models.CharField(max_length=200, blank=True)
    # Beside the topic's rule, the second wall: it reaches nobody outside of this tenant, whatever its topic
    tenant_id = models.CharField(max_length=40, blank=True, default="", db_default="")
    transaction = TransactionField(db_default=CurrentTransaction())
    # The database's clock, because positions in the log are dated by it too
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["transaction"], name="event_transaction"),
            models.Index(fields=["created_at"], name="event_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.kind} {self.ref}".rstrip()
