"""What every page's frame shows. Nothing here asks the database before a template does."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from apps.core import context
from apps.core.events.urls import live_url
from apps.core.web.menu import Line, Section, sections
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.requests import is_viewing_as, member_at_hand, memberships_at_hand
from portal.navigation import HOME, MENU, WORKSPACE_MENU


class Shell:
    """`shell` in every template."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def menu(self) -> list[Section]:
        member = self.member
        if member is None:
            return sections((*HOME, *MENU), self.request)
        own = sections(WORKSPACE_MENU, self.request, viewer=member, within=member.tenant.slug)
        return [*own, *sections(MENU, self.request)]

    @cached_property
    def member(self) -> Member | None:
        """In the workspace of this page; on a page that is in none, the one that somebody was in last."""
        if here := member_at_hand(self.request):
            return here
        return Member.of(self.memberships[0]) if self.memberships else None

    @cached_property
    def memberships(self) -> list[Membership]:
        return memberships_at_hand(self.request)

    @property
    def lines(self) -> list[Line]:
        return [line for section in self.menu for line in section.lines]

    @property
    def version(self) -> str:
        return str(settings.VERSION)

    @property
    def request_id(self) -> str:
        return context.current().request_id

    @property
    def language(self) -> str:
        return get_language() or settings.LANGUAGE_CODE

    @property
    def theme(self) -> str:
        """The account's choice; a visitor's last one on this device, else the system's."""
        user = getattr(self.request, "user", None)
        if user is not None and user.is_authenticated:
            return str(user.theme)
        chosen = self.request.COOKIES.get("theme")
        return chosen if chosen in ("light", "dark") else "system"

    @property
    def live_url(self) -> str:
        """Empty where an operator looks as somebody else: the stream would know the operator."""
        return "" if is_viewing_as(self.request) else live_url(self.request)


def shell(request: HttpRequest) -> dict[str, Any]:
    return {"shell": Shell(request)}
