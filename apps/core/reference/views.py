"""Our own API's reference: an overview with search, and a page for each group."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core.reference.model import build


def index_page(request: HttpRequest, document: Mapping[str, Any]) -> HttpResponse:
    reference = build(document, base_url=request.build_absolute_uri("/"))
    query = request.GET.get("q", "").strip()[:100]
    found = reference.search(query) if query else reference.groups
    return render(request, "reference/index.html", {"reference": reference, "groups": found, "query": query})


def group_page(request: HttpRequest, document: Mapping[str, Any], slug: str) -> HttpResponse | None:
    reference = build(document, base_url=request.build_absolute_uri("/"))
    group = reference.group(slug)
    if group is None:
        return None
    return render(request, "reference/group.html", {"reference": reference, "group": group})
