"""The console's menu, in one place: what it says, where it leads, who sees it."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.web.menu import Entry, Group, anyone, developers
from apps.gateways.views.stuck import count_stuck
from apps.tenants.member import Member
from apps.tenants.operators import is_allowed


def may(permission: str) -> Callable[[Member], bool]:
    """A line of a workspace's menu is seen by those who may use its page."""
    return lambda member: member.may(permission)


def operator_may(permission: str) -> Callable[[Any], bool]:
    """A line for those who run the platform."""
    return lambda user: bool(user.is_authenticated and is_allowed(user, permission))


def reads_own_log(user: Any) -> bool:
    return bool(user.is_authenticated and not is_allowed(user, "audit.read_all"))


def operators(user: Any) -> bool:
    """Also those whose rights wait for a second factor: the admin's page says so, and where to set it up."""
    return bool(user.is_authenticated and user.is_staff)


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
        _("Functions"),
        (
            Entry(
                "gateways:list",
                _("Gateways"),
                "gateway",
                key="f",
                seen_by=may("gateways.read"),
                keywords=_("functions runtime stages hosts"),
            ),
            Entry(
                "triggers:all",
                _("Cron triggers"),
                "clock",
                key="j",
                seen_by=may("functions.read"),
                keywords=_("schedule jobs timer every minute"),
            ),
            Entry(
                "logs:list",
                _("Logs"),
                "terminal",
                key="g",
                seen_by=may("functions.read"),
                keywords=_("console lines errors stack traces tail"),
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
                seen_by=reads_own_log,
                keywords=_("history events who did what"),
            ),
        ),
    ),
    Group(
        _("Fleet"),
        (
            Entry(
                "fleet:index",
                _("Fleet"),
                "globe",
                key="t",
                seen_by=operator_may("platform.see"),
                keywords=_("clusters agents regions bundles maintenance"),
            ),
            Entry(
                "stuck:list",
                _("Stuck gateways"),
                "warn",
                key="x",
                seen_by=operator_may("gateways.mend"),
                count=lambda user: count_stuck() or "",
                is_alarm=True,
                keywords=_("lease phase remedy retry"),
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
                seen_by=operator_may("audit.read_all"),
                keywords=_("history events who did what"),
            ),
            Entry(
                "api:root", _("API reference"), "book", key="r", seen_by=anyone, keywords=_("docs endpoints openapi")
            ),
            Entry("errors:index", _("Error types"), "error", key="e", seen_by=anyone, keywords=_("problems codes")),
            Entry("mails", _("Mails"), "mail", key="w", seen_by=developers, keywords=_("inbox links sign-up")),
            Entry("components", _("Components"), "box", key="c", seen_by=developers, keywords=_("design system parts")),
            Entry(
                "platform",
                _("Platform"),
                "pulse",
                key="k",
                seen_by=operator_may("platform.see"),
                keywords=_("processes tasks health"),
            ),
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
