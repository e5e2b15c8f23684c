"""The pages of one workspace, below /t/{workspace}/. Their views find it in `request.member`."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.tenants.urls")),
    path("", include("apps.tenants.history.tenant_urls")),
]
