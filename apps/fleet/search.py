"""What the palette finds of the fleet, for those who run the platform."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.web.search import Result
from apps.fleet.selectors import list_clusters
from apps.tenants.operators import is_allowed

# More than a fleet has, and fewer than would be slow to rank
MOST = 500


def clusters(request: HttpRequest, query: str) -> Iterator[Result]:
    if not is_allowed(request.user, "platform.see"):
        return
    for cluster in list_clusters().order_by("name")[:MOST]:
        url = reverse("fleet:cluster", args=[cluster.pk])
        yield Result(cluster.name, url, "cluster", hint=cluster.region, keywords=f"{cluster.title} {cluster.region}")


def commands(request: HttpRequest, query: str) -> Iterator[Result]:
    if is_allowed(request.user, "clusters.register"):
        yield Result(_("Register a cluster"), reverse("fleet:register"), "plus", keywords=_("agent token new"))
