from django.contrib import admin
from django.urls import include, path

from apps.core import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("errors/", include("apps.core.web.error_urls")),
    path("admin/", admin.site.urls),
    path("", include("apps.accounts.urls")),
]

handler400 = "apps.core.web.errors.bad_request"
handler403 = "apps.core.web.errors.permission_denied"
handler404 = "apps.core.web.errors.not_found"
handler500 = "apps.core.web.errors.server_error"
