"""What the palette finds about functions, across the gateways of a workspace."""

from collections.abc import Iterator

from django.db.models import Q
from django.http import HttpRequest

from apps.core.web.addresses import address
from apps.core.web.search import MOST_IN_A_GROUP, Result
from apps.functions.selectors import find_functions
from apps.tenants.member import Member


def functions(request: HttpRequest, query: str) -> Iterator[Result]:
    """Of the workspace that one is in; asked only for words that somebody typed."""
    member = getattr(request, "member", None)
    if not (isinstance(member, Member) and query and member.may("functions.read")):
        return
    found = find_functions(actor=member).filter(Q(base_name__icontains=query) | Q(description__icontains=query))
    for row in found.select_related("gateway").order_by("base_name", "stage", "pk")[:MOST_IN_A_GROUP]:
        target = address("functions:edit", gateway_id=row.gateway_id, stage=row.stage, base_name=row.base_name)
        yield Result(row.base_name, target, "fn", hint=f"{row.stage}, {row.gateway.name}")
