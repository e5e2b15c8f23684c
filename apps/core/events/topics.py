"""Topics: `audit`, or `gateway:gw_01k9…`, which is a declared prefix and the id of what it is about."""

import re
from collections.abc import Callable
from typing import Any

# A person as the accounts app defines it; core knows only that there is one.
CanListen = Callable[[Any, str], bool]

TENANT_ID = "ten_"
_SHAPE = re.compile(r"(?P<prefix>[a-z][a-z0-9-]{0,39})(?::(?P<ref>[A-Za-z0-9_./-]{1,100}))?")
_can_listen: dict[str, CanListen] = {}


def register_topic(prefix: str, can_listen: CanListen) -> None:
    """Declare a kind of topic and who may listen to it.

    `can_listen(person, ref)` runs in the live process with the ORM at hand, when a stream opens and again every few
    seconds as long as it is open; `ref` is what follows the colon, or empty. Registering again replaces the rule.
    """
    if not _SHAPE.fullmatch(prefix) or ":" in prefix:
        raise ValueError(f"{prefix!r} can't be a topic's prefix; use lower-case letters, digits and hyphens.")
    _can_listen[prefix] = can_listen


def require_topic(topic: str) -> None:
    """Refuse to publish what no page could ever listen to."""
    prefix, _ = split_topic(topic)
    if prefix not in _can_listen:
        raise ValueError(f"No topic {prefix!r} is declared; call register_topic({prefix!r}, …) in the app's ready().")


def may_listen(person: Any, topic: str) -> bool:
    try:
        prefix, ref = split_topic(topic)
    except ValueError:
        return False
    rule = _can_listen.get(prefix)
    return rule is not None and rule(person, ref)


def tenant_in(topic: str) -> str:
    """The tenant that a topic such as `tenant:ten_01k9…` is about."""
    _, ref = split_topic(topic)
    return ref if ref.startswith(TENANT_ID) else ""


def split_topic(topic: str) -> tuple[str, str]:
    match = _SHAPE.fullmatch(topic)
    if not match:
        raise ValueError(f"{topic!r} is no topic; write `prefix` or `prefix:id`.")
    return match["prefix"], match["ref"] or ""
