"""What awaits somebody who signed up by themselves. The app above this one, which knows workspaces, says it."""

from collections.abc import Callable

from apps.accounts.models import User

Welcome = Callable[[User, str], object]

_welcomes: list[Welcome] = []


def register_welcome(welcome: Welcome) -> None:
    """`welcome(user, workspace_name)` runs in the transaction that makes the account; the name may be empty."""
    if welcome not in _welcomes:
        _welcomes.append(welcome)


def welcome(user: User, workspace_name: str) -> None:
    for each in _welcomes:
        each(user, workspace_name)
