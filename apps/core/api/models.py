"""Answers kept for a day: a repeated request gets the first one's answer instead of a second effect."""

from django.db import models

from apps.core import clock
from apps.core.crypto import SecretField
from apps.core.ids import IdField

__all__ = ["IdempotencyKey"]


class IdempotencyKey(models.Model):
    """One person's key. Written in the transaction of the effect: without an effect there is no row."""

    id = IdField(prefix="idk")
    person_id = models.CharField(max_length=40, db_collation="C")
    key = models.CharField(max_length=128)
    fingerprint = models.BinaryField(max_length=32)
    # Sealed, because the answer to a create may hold a secret that is shown only once
    answer = SecretField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person_id", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key
