"""What the palette finds about gateways: themselves, and what to do with them."""

from collections.abc import Iterator

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.web.addresses import address
from apps.core.web.search import MOST_IN_A_GROUP, Result
from apps.gateways.selectors import list_gateways
from apps.tenants.member import Member


def gateways(request: HttpRequest, query: str) -> Iterator[Result]:
    """Of the workspace that one is in; asked only for words that somebody typed."""
    member = getattr(request, "member", None)
    if not (isinstance(member, Member) and query and member.may("gateways.read")):
        return
    found = list_gateways(actor=member).filter(Q(name__icontains=query) | Q(title__icontains=query))
    for row in found.select_related("cluster").order_by("title", "pk")[:MOST_IN_A_GROUP]:
        target = address("gateways:detail", gateway_id=row.pk)
        yield Result(row.title, target, "gateway", hint=f"{row.get_phase_display()}, {row.cluster}")


def commands(request: HttpRequest, query: str) -> Iterator[Result]:
    member = getattr(request, "member", None)
    if not isinstance(member, Member):
        return
    if member.may("gateways.create"):
        yield Result(CREATE, address("gateways:new"), "plus", keywords=gettext_lazy("new make function runtime"))
    if member.may("gateways.read"):
        target = f"{address('gateways:list')}?state=stopped"
        yield Result(_("Show stopped gateways"), target, "stop", keywords=gettext_lazy("gateways off"))


CREATE = gettext_lazy("Create a gateway")
