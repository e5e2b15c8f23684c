from django.contrib import admin
from django.urls import include, path

import portal.search
import portal.task_admin  # noqa: F401  registers the operators' task pages
from apps.core import health
from apps.core.metrics import metrics
from apps.core.web.search import search
from apps.tenants.middleware import ROUTE as TENANT_ROUTE
from portal.overview import home, overview

urlpatterns = [
    path("", home, name="overview"),
    path("platform", overview, name="platform"),
    path("search", search, name="search"),
    path("", include("apps.fleet.urls")),
    path("", include("apps.gateways.stuck_urls")),
    path("", include("apps.tenants.history.urls")),
    path("", include("apps.tenants.view_as.urls")),
    # Usually answered before the URLs are looked at, by HealthMiddleware
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("errors/", include("apps.core.web.error_urls")),
    path("", include("apps.core.web.components.urls")),
    path("", include("apps.core.mail.urls")),
    path("v1/", include("portal.api_urls")),
    path(TENANT_ROUTE, include("portal.tenant_urls")),
    path("admin/", admin.site.urls),
    path("", include("apps.sso.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.access.urls")),
    path("", include("apps.tenants.outer_urls")),
]

handler400 = "apps.core.web.errors.bad_request"
handler403 = "apps.core.web.errors.permission_denied"
handler404 = "apps.core.web.errors.not_found"
handler500 = "apps.core.web.errors.server_error"
