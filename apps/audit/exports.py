"""What an export of the log says of each entry, whoever asks for it and where."""

from django.utils.translation import gettext_lazy as _

from apps.core.web.lists import Column

COLUMNS = (
    Column("id", _("Entry")),
    Column("at", _("When"), sort="at"),
    Column("actor_id", _("Who (id)")),
    Column("actor_label", _("Who")),
    Column("verb", _("What")),
    Column("target_type", _("Object's kind")),
    Column("target_id", _("Object (id)")),
    Column("target_label", _("Object")),
    Column("before", _("Before")),
    Column("after", _("After")),
    Column("request_id", _("Request")),
    Column("task_id", _("Task")),
    Column("address", _("Address")),
    Column("token_id", _("Access token (id)")),
    Column("token_label", _("Access token")),
    Column("tenant_id", _("Workspace (id)")),
)
NAME = "audit-log"
