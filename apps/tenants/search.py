"""What the palette finds about workspaces: the ones to switch to, and the people of this one."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.core.web.addresses import address
from apps.core.web.search import MOST_IN_A_GROUP, Result
from apps.tenants.requests import member_at_hand, memberships_at_hand
from apps.tenants.selectors import list_members


def workspaces(request: HttpRequest, query: str) -> Iterator[Result]:
    """Every other one; the menu beside shows those of somebody who is in a few only."""
    here = member_at_hand(request)
    for membership in memberships_at_hand(request):
        tenant = membership.tenant
        if here is None or tenant.pk != here.tenant.pk:
            label = _("Switch to %(workspace)s") % {"workspace": tenant.name}
            target = address("workspace:overview", within=tenant.slug)
            yield Result(
                label, target, "updown", hint=tenant.get_kind_display(), keywords=f"{tenant.name} {tenant.slug}"
            )


def people(request: HttpRequest, query: str) -> Iterator[Result]:
    """Of the workspace that one is in; asked only for words that somebody typed."""
    member = member_at_hand(request)
    if member is None or not query or not member.may("workspace.see"):
        return
    found = Q(person__name__icontains=query) | Q(person__email__icontains=query)
    for row in list_members(actor=member).filter(found).order_by("person__name", "person__email")[:MOST_IN_A_GROUP]:
        target = f"{address('members:list')}?{urlencode({'q': row.person.email})}"
        yield Result(str(row.person), target, "user", hint=row.role)
