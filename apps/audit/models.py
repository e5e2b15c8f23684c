from typing import Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import text_of
from apps.core import clock
from apps.core.ids import IdField


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def of(self, tenant: models.Model) -> Self:
        """The log of one tenant: what is read of it goes through here."""
        return self.filter(tenant_id=tenant.pk)


class AuditEvent(models.Model):
    """Who did what to which object. Rows are only ever added: triggers refuse everything else.

    No foreign keys: an event outlives its actor and its target, so it keeps their ids and the names of that day.
    """

    id = IdField(prefix="evt")
    at = models.DateTimeField(_("when"), default=clock.now, editable=False)
    actor_id = models.CharField(_("actor's id"), max_length=40, blank=True)
    actor_label = models.CharField(_("who"), max_length=200)
    verb = models.CharField(_("what"), max_length=64)
    target_type = models.CharField(_("object's kind"), max_length=64)
    target_id = models.CharField(_("object's id"), max_length=64, blank=True)
    target_label = models.CharField(_("object"), max_length=200)
    before = models.JSONField(_("before"), null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), null=True, encoder=DjangoJSONEncoder)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    task_id = models.CharField(_("task"), max_length=64, blank=True)
    address = models.CharField(_("address"), max_length=64, blank=True)
    token_id = models.CharField(_("access token's id"), max_length=40, blank=True, default="", db_default="")
    token_label = models.CharField(_("access token"), max_length=200, blank=True, default="", db_default="")
    # Whose log it belongs to; empty for what people do with their accounts and operators with the platform
    tenant_id = models.CharField(_("workspace's id"), max_length=40, blank=True, default="", db_default="")

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit log")
        ordering = ["-at", "-id"]
        # Every list is newest first, so each index ends in what the list is sorted and continued by
        indexes = [
            models.Index(fields=["at", "id"], name="audit_at"),
            models.Index(fields=["actor_id", "at", "id"], name="audit_actor"),
            models.Index(fields=["verb", "at", "id"], name="audit_verb"),
            models.Index(fields=["target_type", "target_id", "at", "id"], name="audit_target"),
            models.Index(fields=["request_id"], name="audit_request"),
            models.Index(fields=["tenant_id", "at", "id"], name="audit_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label}: {self.sentence}"

    @property
    def who(self) -> str:
        """The actor; those without an account are named in the reader's language."""
        return self.actor_label if self.actor_id else gettext(self.actor_label)

    @property
    def sentence(self) -> str:
        """What was done, in the reader's language."""
        return str(text_of(self.verb)) % {"target": self.target_label}
