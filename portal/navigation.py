"""The console's menu, in one place: what it says, where it leads, who sees it."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.web.menu import Entry, Group, anyone, developers, operators
from apps.tenants.member import Member


def may(permission: str) -> Callable[[Member], bool]:
    """A line of a workspace's menu is seen by those who may use its page."""
    return lambda member: member.may(permission)


def no_operator(user: Any) -> bool:
    return bool(user.is_authenticated and not user.is_staff)


# Of the workspace that one is in, or was in last; asked with the member
WORKSPACE_MENU: tuple[Group, ...] = (
    Group(
        "",
        (
            Entry(
                "workspace:overview",
                _("Overview"),
                "home",
                key="o",
                seen_by=may("workspace.see"),
                keywords=_("start home dashboard"),
            ),
        ),
    ),
    Group(
        _("Organisation"),
        (
            Entry(
                "members:list",
                _("Members and roles"),
                "users",
                key="m",
                seen_by=may("workspace.see"),
                keywords=_("people team colleagues invitations invite"),
            ),
            Entry(
                "history:list",
                _("Audit log"),
                "shield",
                key="h",
                seen_by=may("audit.read"),
                keywords=_("history events who did what"),
            ),
            Entry(
                "settings:workspace",
                _("Settings"),
                "gear",
                key="s",
                seen_by=may("workspace.change"),
                keywords=_("rename address delete"),
            ),
        ),
    ),
)

# For those who are in no workspace
HOME: tuple[Group, ...] = (
    Group("", (Entry("overview", _("Overview"), "home", key="o", keywords=_("start home dashboard")),)),
)

MENU: tuple[Group, ...] = (
    Group(
        pgettext_lazy("part of the menu", "You"),
        (
            Entry("account", _("Account"), "user", key="a", keywords=_("profile password second factor sessions")),
            Entry(
                "audit:list",
                _("Your audit log"),
                "shield",
                key="l",
                seen_by=no_operator,
                keywords=_("history events who did what"),
            ),
        ),
    ),
    Group(
        _("Platform"),
        (
            # The same page, which shows operators everything
            Entry(
                "audit:list",
                _("Whole audit log"),
                "shield",
                key="l",
                seen_by=operators,
                keywords=_("history events who did what"),
            ),
            Entry(
                "api:root", _("API reference"), "book", key="r", seen_by=anyone, keywords=_("docs endpoints openapi")
            ),
            Entry("errors:index", _("Error types"), "error", key="e", seen_by=anyone, keywords=_("problems codes")),
            Entry("mails", _("Mails"), "mail", key="w", seen_by=developers, keywords=_("inbox links sign-up")),
            Entry("components", _("Components"), "box", key="c", seen_by=developers, keywords=_("design system parts")),
            Entry("platform", _("Platform"), "pulse", key="k", seen_by=operators, keywords=_("processes tasks health")),
            Entry(
                "admin:index",
                _("Operators' admin"),
                "gear",
                key="d",
                seen_by=operators,
                keywords=_("tasks queue processes people"),
            ),
        ),
    ),
)
