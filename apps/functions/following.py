"""What other apps keep that names a function, and has to hear when that is deleted or gets another name.

    register_follower(Follower(deleted=pause_triggers, renamed=rename_in_triggers))

Each is called inside the transaction of the change.
"""

from collections.abc import Callable
from dataclasses import dataclass

from apps.functions.models import Function
from apps.tenants.member import Member


@dataclass(frozen=True)
class Follower:
    deleted: Callable[[Function, Member], None]
    # With the base name that it had before
    renamed: Callable[[Function, str, Member], None]


_followers: list[Follower] = []


def register_follower(follower: Follower) -> None:
    _followers.append(follower)


def tell_deleted(function: Function, *, actor: Member) -> None:
    for each in _followers:
        each.deleted(function, actor)


def tell_renamed(function: Function, *, before: str, actor: Member) -> None:
    for each in _followers:
        each.renamed(function, before, actor)
