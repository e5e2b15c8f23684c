"""Manifests of the built-in engine, as values that are what they say."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson

from agent.appliers.base import ObjectStatus, Wanted
from agent.egress.rules import MODES

API_VERSION = "local.imp.dev/v1"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TEXTS = "a table of texts"

Check = tuple[str, Callable[[Any], bool]]


class Unreadable(Exception):
    """No manifests of this engine; the message says where it stops being one."""


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _list_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(each, kind) for each in value)


# Where the pages about problems are: an address, or a path where the portal has none
PLACE = re.compile(r"(https?://[^\s\"\\]+)?/([^\s\"\\]*/)?")

TEXT: Check = ("a text", lambda value: isinstance(value, str))
NUMBER: Check = ("a number", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0)
# Of each kind what its spec must hold, and what it may. More than that is no harm
OPTIONAL: dict[str, dict[str, Check]] = {
    "Configuration": {
        "runtime_url": TEXT,
        "run_key": TEXT,
        "egress": (
            "a mode and hosts",
            lambda value: isinstance(value, dict) and value.get("mode") in MODES and _list_of(str)(value.get("hosts")),
        ),
        "logs": ("database or stdout", lambda value: value in ("database", "stdout")),
    },
    "Runtime": {
        "problem_types": ("an address", lambda value: isinstance(value, str) and bool(PLACE.fullmatch(value))),
    },
}
SPECS: dict[str, dict[str, Check]] = {
    "Namespace": {},
    "Configuration": {"variables": (TEXTS, _texts), "secrets": (TEXTS, _texts), "database_url": TEXT},
    "Runtime": {
        "gateway": ("id, name and title", lambda value: _texts(value) and {"id", "name", "title"} <= value.keys()),
        "stages": ("a list of texts", _list_of(str)),
        "milli_cpu": NUMBER,
        "memory_mb": NUMBER,
        "restarts": NUMBER,
        "configuration": ("name and digest", lambda value: _texts(value) and {"name", "digest"} <= value.keys()),
    },
    "Routes": {
        "resources": (
            "a list of resources",
            lambda value: (
                _list_of(dict)(value) and all({"type_url", "name", "resource"} <= each.keys() for each in value)
            ),
        )
    },
}


@dataclass(frozen=True)
class Manifest:
    kind: str
    namespace: str
    name: str
    wave: int
    spec: dict[str, Any]

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.kind, self.namespace, self.name

    @property
    def status(self) -> ObjectStatus:
        return ObjectStatus(API_VERSION, self.kind, self.namespace, self.name)


def read_manifests(bundle: Wanted) -> list[Manifest]:
    """In the order in which they're applied."""
    try:
        found = orjson.loads(bundle.manifests)
    except ValueError as error:
        raise Unreadable(f"The bundle isn't JSON: {error}.") from None
    if not isinstance(found, list):
        raise Unreadable("The bundle isn't a list of manifests.")
    manifests = [_manifest(number, each) for number, each in enumerate(found)]
    if len({each.identity for each in manifests}) < len(manifests):
        raise Unreadable("The bundle names an object twice.")
    return sorted(manifests, key=lambda each: each.wave)


def in_waves(manifests: list[Manifest]) -> list[list[Manifest]]:
    return [list(wave) for _, wave in groupby(manifests, key=lambda each: each.wave)]


def _manifest(number: int, content: Any) -> Manifest:
    if not isinstance(content, dict):
        raise Unreadable(f"Manifest {number} isn't an object.")
    kind, version = content.get("kind"), content.get("api_version")
    if version != API_VERSION or kind not in SPECS:
        raise Unreadable(f"This engine has no {kind} of {version}.")
    namespace, name, spec = content.get("namespace"), content.get("name"), content.get("spec")
    for value in (namespace, name):
        # They become folders
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise Unreadable(f"{kind} {number}: {value!r} is no name.")
    if not isinstance(spec, dict):
        raise Unreadable(f"{kind} {name} has no spec.")
    for key, (what, holds) in SPECS[kind].items():
        if not holds(spec.get(key)):
            raise Unreadable(f"{kind} {name}: {key} must be {what}.")
    for key, (what, holds) in OPTIONAL.get(kind, {}).items():
        if key in spec and not holds(spec[key]):
            raise Unreadable(f"{kind} {name}: {key} must be {what}.")
    wave = content.get("wave", 0)
    if not isinstance(wave, int):
        raise Unreadable(f"{kind} {name}: wave must be a number.")
    return Manifest(kind, str(namespace), str(name), wave, spec)
