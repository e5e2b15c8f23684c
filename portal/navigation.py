"""The console's menu, in one place: what it says, where it leads, who sees it."""

from django.utils.translation import gettext_lazy as _

from apps.core.web.menu import Entry, Group, anyone, developers, operators

MENU: tuple[Group, ...] = (
    Group("", (Entry("overview", _("Overview"), "home", key="o", keywords=_("start home dashboard")),)),
    Group(
        _("You"),
        (
            Entry("account", _("Account"), "user", key="a", keywords=_("profile password second factor sessions")),
            Entry("audit:list", _("Audit log"), "shield", key="l", keywords=_("history events who did what")),
        ),
    ),
    Group(
        _("Platform"),
        (
            Entry(
                "api:root", _("API reference"), "book", key="r", seen_by=anyone, keywords=_("docs endpoints openapi")
            ),
            Entry("errors:index", _("Error types"), "error", key="e", seen_by=anyone, keywords=_("problems codes")),
            Entry("mails", _("Mails"), "mail", key="m", seen_by=developers, keywords=_("inbox links sign-up")),
            Entry("components", _("Components"), "box", key="c", seen_by=developers, keywords=_("design system parts")),
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
