from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.access.scopes import scopes_for, widest
from apps.access.text import START_LENGTH
from apps.core import clock
from apps.core.crypto import HASH_LENGTH, Secret
from apps.core.ids import IdField
from apps.tenants.models import Tenant
from apps.tenants.roles import Kind


class AccessToken(models.Model):
    """Lets a program act as a person, within scopes and for a time. Its text is known to the person alone."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        ENDED = "ended", _("ended")
        REVOKED = "revoked", _("revoked")

    id = IdField(prefix="pat")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        editable=False,
        related_name="access_tokens",
        db_index=False,  # the index below begins with it
    )
    person_id: str
    # None: every workspace that the person is in
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, editable=False, related_name="+")
    tenant_id: str | None
    name = models.CharField(_("name"), max_length=80)
    start = models.CharField(_("begins with"), max_length=START_LENGTH, db_collation="C")
    token_hash = models.CharField(max_length=HASH_LENGTH, editable=False)
    scopes = models.JSONField(_("may"), default=list)
    created_at = models.DateTimeField(_("made"), default=clock.now, editable=False)
    expires_at = models.DateTimeField(_("ends"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    last_used_address = models.CharField(_("from"), max_length=64, blank=True, editable=False)
    # When the person was told that it ends soon
    told_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    # The text, on the object that was just made and nowhere else
    secret: Secret | None = None

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        indexes = [
            models.Index(fields=["start"], name="token_start"),
            models.Index(fields=["person", "id"], name="token_person"),
            # For those who look after what ends: few rows, whatever has piled up
            models.Index(fields=["expires_at"], name="token_end", condition=models.Q(revoked_at=None)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_start(self) -> str:
        return f"{self.start}…"

    @property
    def state(self) -> str:
        return self.state_at(clock.now())

    def state_at(self, moment: datetime) -> str:
        if self.revoked_at:
            return self.State.REVOKED
        return self.State.ACTIVE if moment < self.expires_at else self.State.ENDED

    @property
    def may_everything(self) -> bool:
        """All that a token for the same workspaces could be allowed."""
        kinds = [self.tenant.kind] if self.tenant else list(Kind)
        return set(self.scopes) >= set(scopes_for(kinds, with_account=self.tenant is None))

    @property
    def shown_scopes(self) -> list[str]:
        return widest(self.scopes)
