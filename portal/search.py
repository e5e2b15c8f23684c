"""What the palette finds in every console: the menu's pages, and commands."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.web.search import Provider, Result, register_search
from apps.fleet import search as of_fleet
from apps.functions import search as of_functions
from apps.gateways import search as of_gateways
from apps.tenants.search import people, workspaces
from portal.context import Shell


def pages(request: HttpRequest, query: str) -> Iterator[Result]:
    for section in Shell(request).menu:
        for line in section.lines:
            hint = f"G {line.key.upper()}" if line.key else section.label
            yield Result(line.label, line.url, line.icon, hint=hint, keywords=line.entry.keywords)


def commands(request: HttpRequest, query: str) -> Iterator[Result]:
    yield Result(_("Keyboard shortcuts"), "shortcuts", "help", hint="?", keywords=_("keys help"), act="popover")
    if not request.user.is_authenticated:
        yield Result(_("Sign in"), reverse("account_login"), "user", keywords=_("log in"))
        return
    yield Result(_("Follow the system's theme"), "theme-system", "eye", keywords=_("auto appearance"), act="tick")
    yield Result(_("Light theme"), "theme-light", "eye", keywords=_("bright day appearance"), act="tick")
    yield Result(_("Dark theme"), "theme-dark", "eye", keywords=_("night appearance"), act="tick")
    preferences = f"{reverse('account')}#preferences"
    yield Result(_("Change the language"), preferences, "globe", keywords="english 한국어 korean 영어")
    yield Result(_("Sign out"), reverse("account_logout"), "external", keywords=_("log out leave"), act="post")


register_search(Provider(_("Go to"), pages))
register_search(Provider(_("Gateways"), of_gateways.gateways, is_ranked=True))
register_search(Provider(_("Functions"), of_functions.functions, is_ranked=True))
register_search(Provider(_("Clusters"), of_fleet.clusters))
register_search(Provider(_("Workspaces"), workspaces))
register_search(Provider(_("People"), people, is_ranked=True))
register_search(Provider(_("Do"), commands))
register_search(Provider(_("Do"), of_gateways.commands))
register_search(Provider(_("Do"), of_fleet.commands))
