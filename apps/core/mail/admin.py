"""Mails in the operators' admin: whether one went out, and why it didn't. What it says is its reader's alone."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.mail.models import OutgoingMail
from apps.core.web.admin import Labelled, ReadOnlyAdmin

COLOURS = {"queued": "info", "sent": "success", "kept": "default", "failed": "danger"}


@admin.register(OutgoingMail)
class MailAdmin(ReadOnlyAdmin):
    list_display = ["to", "subject", "shown_state", "reason", "attempts", "created_at", "sent_at"]
    list_filter = ["state", "template"]
    search_fields = ["to"]
    ordering = ["-created_at", "-id"]
    fields = ["to", "subject", "template", "language", "state", "reason", "attempts", "created_at", "sent_at"]
    readonly_fields = fields

    @display(description=_("state"), label=COLOURS, ordering="state")
    def shown_state(self, mail: OutgoingMail) -> Labelled:
        return Labelled(mail.state, mail.get_state_display())
