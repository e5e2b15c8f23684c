"""What functions read from their environment. Secrets go in and never come out again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.audit.services import record
from apps.core import clock
from apps.core.crypto import Secret
from apps.core.errors import InvalidInput
from apps.gateways.env import read_env
from apps.gateways.models import LONGEST_VALUE, LONGEST_VARIABLE, FunctionGateway, Variable
from apps.gateways.services.wishing import lock_gateway, require_staying, save_wish
from apps.tenants.member import Member

# All of them travel together, in one message to the cluster
MOST_VARIABLES, MOST_CHARACTERS = 200, 256_000
RESERVED_PREFIX = "IMP_"
# Of a value in the audit log
LONGEST_SHOWN = 200
NAMES_NAMED = 10
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SET = gettext_noop("Variables set: %(names)s.")


@dataclass(frozen=True)
class Setting:
    """A variable as it's wanted. Without a value, the one that it has stays."""

    name: str
    value: str | None = field(default=None, repr=False)
    is_secret: bool = False

    @property
    def shown(self) -> Any:
        """For the audit log, which masks what is a Secret."""
        return shown_value(self.value or "", is_secret=self.is_secret)


@transaction.atomic
def set_variables(
    *,
    actor: Member,
    gateway: FunctionGateway,
    settings: Sequence[Setting] = (),
    remove: Sequence[str] = (),
    whole: bool = False,
    version: int | None = None,
) -> FunctionGateway:
    """Set some and remove others, or, with `whole`, have exactly these. Its processes are replaced at most once."""
    actor, gateway = lock_gateway(actor, gateway, "gateways.secrets", version=version)
    require_staying(gateway)
    there = {row.name: row for row in Variable.objects.of(actor.tenant).filter(gateway=gateway)}
    settings = checked_settings(settings, there=there)
    named = {setting.name for setting in settings}
    if both := sorted(named & set(remove)):
        raise InvalidInput(fields={"remove": [_("%(name)s is set and removed at once.") % {"name": both[0]}]})
    gone = (set(there) - named) if whole else set(remove) & set(there)
    changed = [setting for setting in settings if _differs(there.get(setting.name), setting)]
    if not (changed or gone):
        return gateway
    _require_room([*(row for name, row in there.items() if name not in named | gone), *settings])
    before = {name: _shown(there[name]) for name in sorted({each.name for each in changed} | gone) if name in there}
    after = {}
    Variable.objects.of(actor.tenant).filter(gateway=gateway, name__in=gone).delete()
    for setting in changed:
        after[setting.name] = _shown(set_row(gateway, setting, there.get(setting.name)))
    gateway.generation += 1
    names = [*after, *sorted(gone)]
    told = ", ".join(names[:NAMES_NAMED]) + (", …" if len(names) > NAMES_NAMED else "")
    gateway = save_wish(gateway, "generation", actor=actor, because=SET, names=told)
    record(actor=actor, verb="gateway.variables_set", target=gateway, before=before, after=after)
    return gateway


def settings_from_env(text: str, *, are_secret: bool = True, field: str = "env") -> list[Setting]:
    """Of a pasted .env file. Each line that can't be read, or has a name that can't be one, is told by its number."""
    env = read_env(text)
    mistakes = {mistake.number: mistake.text for mistake in env.mistakes}
    mistakes.update(
        {line.number: refusal for line in env.lines if (refusal := _refusal(Setting(line.name, line.value)))}
    )
    if mistakes:
        words = [_("Line %(line)d: %(mistake)s") % {"line": n, "mistake": mistakes[n]} for n in sorted(mistakes)]
        raise InvalidInput(fields={field: words})
    return [Setting(line.name, line.value, are_secret) for line in env.lines]


def checked_settings(settings: Sequence[Setting], *, there: dict[str, Variable] | None = None) -> list[Setting]:
    """All that is wrong, each at its place in the list."""
    errors: dict[str, list[str]] = {}
    seen: set[str] = set()
    for at, setting in enumerate(settings):
        refusal, part = _refusal(setting), "name" if _refusal_of_name(setting.name) else "value"
        if not refusal and setting.name in seen:
            refusal, part = _("%(name)s is there twice.") % {"name": setting.name}, "name"
        if not refusal and setting.value is None:
            refusal, part = _refusal_to_keep(setting, (there or {}).get(setting.name)), "value"
        if refusal:
            errors[f"/variables/{at}/{part}"] = [refusal]
        seen.add(setting.name)
    if errors:
        raise InvalidInput(fields=errors)
    if there is None:
        _require_room(settings)
    return list(settings)


def set_row(gateway: FunctionGateway, setting: Setting, row: Variable | None = None) -> Variable:
    row = row or Variable(tenant=gateway.tenant, gateway=gateway, name=setting.name)
    value = setting.value
    if value is None:
        value = row.secret.reveal() if row.is_secret else row.value
    row.is_secret, row.changed_at = setting.is_secret, clock.now()
    row.value, row.secret = ("", value) if setting.is_secret else (value, None)
    row.save()
    return row


def shown_value(value: str, *, is_secret: bool) -> Any:
    if is_secret:
        return Secret(value)
    return value if len(value) <= LONGEST_SHOWN else f"{value[: LONGEST_SHOWN - 1]}…"


def _shown(row: Variable) -> Any:
    return shown_value("-" if row.is_secret else row.value, is_secret=row.is_secret)


def _differs(row: Variable | None, setting: Setting) -> bool:
    if row is None or row.is_secret != setting.is_secret:
        return True
    return setting.value is not None and setting.value != (row.secret.reveal() if row.is_secret else row.value)


def _refusal(setting: Setting) -> str:
    return _refusal_of_name(setting.name) or _refusal_of_value(setting.value or "")


def _refusal_of_name(name: str) -> str:
    if not name:
        return _("Give it a name.")
    if len(name) > LONGEST_VARIABLE:
        return _("Use %(limit)d characters or fewer.") % {"limit": LONGEST_VARIABLE}
    if not NAME.fullmatch(name):
        return _("%(name)s can't be a name: use letters, digits and _, and begin with no digit.") % {"name": name}
    if name.upper().startswith(RESERVED_PREFIX):
        return _("Names that begin with %(prefix)s are the platform's own.") % {"prefix": RESERVED_PREFIX}
    return ""


def _refusal_of_value(value: str) -> str:
    if len(value) > LONGEST_VALUE:
        return _("Use %(limit)d characters or fewer.") % {"limit": LONGEST_VALUE}
    return _("A value holds no NUL.") if "\0" in value else ""


def _refusal_to_keep(setting: Setting, row: Variable | None) -> str:
    if row is None:
        return _("Give it a value.")
    if row.is_secret and not setting.is_secret:
        return _("Give its value anew: as a secret, it isn't shown to anybody.")
    return ""


def _require_room(rows: Sequence[Setting | Variable]) -> None:
    if len(rows) > MOST_VARIABLES:
        words = {"count": len(rows), "most": MOST_VARIABLES}
        raise InvalidInput(fields={"variables": [_("These are %(count)d. A gateway has %(most)d at most.") % words]})
    if sum(_length(row) for row in rows) > MOST_CHARACTERS:
        words = {"most": MOST_CHARACTERS}
        raise InvalidInput(fields={"variables": [_("Together they take more than %(most)d characters.") % words]})


def _length(row: Setting | Variable) -> int:
    if isinstance(row, Setting):
        return len(row.name) + len(row.value or "")
    return len(row.name) + (len(row.secret.reveal()) if row.is_secret else len(row.value))
