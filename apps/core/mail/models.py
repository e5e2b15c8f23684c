from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.crypto import SecretField
from apps.core.ids import IdField

__all__ = ["OutgoingMail"]

# Where news of them is told
TOPIC = "mails"


class OutgoingMail(models.Model):
    """One mail to one address, from the moment that it's decided on."""

    class State(models.TextChoices):
        QUEUED = "queued", _("on its way")
        SENT = "sent", _("sent")
        KEPT = "kept", _("kept here")
        FAILED = "failed", _("failed")

    id = IdField(prefix="mail")
    to = models.EmailField(_("to"))
    subject = models.CharField(_("subject"), max_length=200)
    template = models.CharField(_("kind"), max_length=80)
    language = models.CharField(_("language"), max_length=8)
    # Sealed, because the links in it let in whoever has them
    text = SecretField(_("text"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    reason = models.TextField(_("reason"), blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("written"), default=clock.now)
    sent_at = models.DateTimeField(_("sent"), null=True)

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        indexes = [models.Index(fields=["created_at", "id"], name="mail_age")]

    def __str__(self) -> str:
        return self.subject
