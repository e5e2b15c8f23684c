"""What may be written into a trigger. All that is wrong is told, each at its field."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.names import tidy_name
from apps.core.repeats import RepeatedField, each_once
from apps.core.texts import has_half_character
from apps.functions.calling.asked import Asked, check_asked
from apps.functions.models import Function
from apps.functions.names import INDEX, PARAMETER, REST, example_of, path_of
from apps.triggers.cron import BadExpression, parse
from apps.triggers.models import LONGEST_NOTE, LONGEST_PATH, LONGEST_QUERY, Trigger
from apps.triggers.zones import is_zone

LARGEST_PAYLOAD = 64 * 1024
# Nothing is gained by more, and a database can't keep it
DEEPEST = 50


def check_trigger(trigger: Trigger, function: Function) -> None:
    """Tidies what can be, and raises the rest."""
    trigger.expression = " ".join(trigger.expression.split())
    trigger.note = tidy_name(trigger.note)
    trigger.method = trigger.method.strip().upper()
    trigger.path = trigger.path.strip() or _default_path(function)
    errors = {
        "expression": _refusal_of_expression(trigger.expression),
        "zone": "" if is_zone(trigger.zone) else refusal_of_zone(),
        "method": _refusal_of_method(trigger.method, function),
        "path": _refusal_of_path(trigger.path, function),
        "query": _too_long(trigger.query, LONGEST_QUERY),
        "payload": _refusal_of_payload(trigger),
        "overlap": _refusal_of_choice(trigger.overlap, Trigger.Overlap.values),
        "missed": _refusal_of_choice(trigger.missed, Trigger.Missed.values),
        "note": _too_long(trigger.note, LONGEST_NOTE),
    }
    found = {name: [text] for name, text in errors.items() if text}
    try:
        check_asked(Asked(trigger.method or "POST", trigger.path, trigger.query))
    except InvalidInput as refusal:
        found = {**refusal.fields, **found}
    if found:
        raise InvalidInput(fields=found)


def refusal_of_zone() -> str:
    return _("Choose a time zone from the list, such as Europe/Berlin.")


def read_payload(text: str) -> Any:
    """As people write it into a form; empty: none."""
    if not text.strip():
        return None
    try:
        return json.loads(text, object_pairs_hook=each_once)
    except RepeatedField as error:
        raise InvalidInput(fields={"payload": [error.words]}) from None
    except (ValueError, RecursionError) as error:
        at = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidInput(fields={"payload": [_("This is no JSON%(at)s.") % {"at": at}]}) from None


def matches(base_name: str, path: str) -> bool:
    """Whether a call of this path is one of the function's."""
    if base_name == INDEX:
        return path == "/"
    pattern, parts = base_name.split("/"), path.removeprefix("/").split("/")
    if pattern[-1].startswith(REST):
        pattern, rest = pattern[:-1], parts[len(pattern) - 1 :]
        if not any(rest):
            return False
        parts = parts[: len(pattern)]
    return len(pattern) == len(parts) and all(
        bool(part) if each.startswith(PARAMETER) else each == part for each, part in zip(pattern, parts, strict=True)
    )


def _default_path(function: Function) -> str:
    has_parameters = any(each.startswith((PARAMETER, REST)) for each in function.base_name.split("/"))
    return "" if has_parameters else path_of(function.base_name)


def _refusal_of_expression(text: str) -> str:
    try:
        parse(text)
    except BadExpression as error:
        return str(error)
    return ""


def _refusal_of_method(method: str, function: Function) -> str:
    if function.methods and method not in function.methods:
        words = {"function": function, "methods": ", ".join(function.methods)}
        return _("%(function)s answers %(methods)s alone.") % words
    return ""


def _refusal_of_path(path: str, function: Function) -> str:
    if not path:
        return _("Say what stands for the parameters: %(function)s answers paths such as %(path)s.") % {
            "function": function,
            "path": example_of(function.base_name),
        }
    if not matches(function.base_name, path):
        words = {"function": function, "path": example_of(function.base_name)}
        return _("%(function)s doesn't answer this path. Write one such as %(path)s.") % words
    return _too_long(path, LONGEST_PATH)


def _refusal_of_payload(trigger: Trigger) -> str:
    if trigger.payload is None:
        return ""
    if trigger.method in ("GET", "HEAD"):
        return _("%(method)s brings no payload. Choose another method, or leave it empty.") % {"method": trigger.method}
    if _depth(trigger.payload) > DEEPEST:
        return _("It's nested too deep: %(most)d levels at most.") % {"most": DEEPEST}
    try:
        text = json.dumps(trigger.payload, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return _("A payload holds finite numbers alone: JSON has no others.")
    if len(text.encode(errors="replace")) > LARGEST_PAYLOAD:
        return _("A payload may have 64 KiB. Let the function fetch what it needs.")
    if "\\u0000" in text or has_half_character(text):
        return _("A payload holds no NUL and no half characters.")
    return ""


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        found, level = waiting.pop()
        deepest = max(deepest, level)
        if level > DEEPEST:
            return level
        children = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
        waiting.extend((each, level + 1) for each in children)
    return deepest


def _refusal_of_choice(value: str, values: list[str]) -> str:
    return "" if value in values else _("Choose one of these: %(values)s.") % {"values": ", ".join(values)}


def _too_long(text: str, longest: int) -> str:
    return _("Use %(limit)d characters or fewer.") % {"limit": longest} if len(text) > longest else ""
