"""What somebody chose for themselves."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services.fields import checked_fields, save_fields
from apps.core.errors import NotAllowed
from apps.core.names import tidy_name


@transaction.atomic
def change_preferences(
    *,
    actor: User,
    user: User,
    version: int | None = None,
    name: str | None = None,
    language: str | None = None,
    theme: str | None = None,
    time_zone: str | None = None,
) -> User:
    """Change what is given. With a version, only if the account is still the one that was read."""
    if actor.pk != user.pk:
        raise NotAllowed(_("Preferences are each person's own."))
    given = {"name": name, "language": language, "theme": theme, "time_zone": time_zone}
    wanted = {key: value for key, value in given.items() if value is not None}
    user = User.objects.get(pk=user.pk)
    if version is not None:
        user.version = version
    if "name" in wanted:
        wanted["name"] = tidy_name(wanted["name"])
    save_fields(user, actor=actor, verb="account.preferences_changed", values=checked_fields(wanted))
    return user


def set_language(*, actor: User, language: str) -> User:
    return _switch(actor=actor, language=language)


def set_theme(*, actor: User, theme: str) -> User:
    return _switch(actor=actor, theme=theme)


@transaction.atomic
def _switch(*, actor: User, **values: str) -> User:
    """A quick switch knows no version: the last one counts, so it waits for its turn at the row."""
    user = User.objects.select_for_update().get(pk=actor.pk)
    save_fields(user, actor=actor, verb="account.preferences_changed", values=checked_fields(values))
    return user
