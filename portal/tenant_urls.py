"""The pages of one workspace, below /t/{workspace}/. Their views find it in `request.member`."""

from django.urls import URLPattern, URLResolver, include, path

from apps.core.web.search import search
from portal import workspace

first_pages = [
    path("", workspace.overview, name="overview"),
    path("first-steps", workspace.show_steps, name="first_steps"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((first_pages, "workspace"))),
    # Finds the workspace's people too
    path("search", search, name="search"),
    path("", include("apps.gateways.urls")),
    path("", include("apps.functions.urls")),
    path("", include("apps.functions.dependencies.urls")),
    path("", include("apps.triggers.urls")),
    path("", include("apps.logs.urls")),
    path("", include("apps.documents.urls")),
    path("", include("apps.tenants.urls")),
    path("", include("apps.tenants.history.tenant_urls")),
]
