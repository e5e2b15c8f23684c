"""Changing what a person's row says: the same checks and the same audit entry, whoever changes it."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.zones import zone_names
from apps.audit.changes import changes, fields_of
from apps.audit.services import Actor, record
from apps.core.errors import InvalidInput
from apps.core.versions import save_version


def save_fields(user: User, *, actor: Actor, verb: str, values: dict[str, Any]) -> None:
    """Save what differs and write it down; nothing differs, nothing is written."""
    before, after = changes(fields_of(user, values), values)
    if not after:
        return
    for name, value in after.items():
        setattr(user, name, value)
    save_version(user, *after)
    record(actor=actor, verb=verb, target=user, before=before, after=after)


def checked_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The values, or InvalidInput with what is wrong with each."""
    allowed = {
        "language": {code for code, _name in settings.LANGUAGES},
        "theme": set(User.Theme.values),
        "time_zone": zone_names(),
    }
    errors = {
        name: [_("Choose one of those offered.")] for name in allowed if values.get(name) not in {None, *allowed[name]}
    }
    longest = User._meta.get_field("name").max_length or 0
    if len(values.get("name", "")) > longest:
        errors["name"] = [_("Use %(limit)d characters or fewer.") % {"limit": longest}]
    if errors:
        raise InvalidInput(fields=errors)
    return values
