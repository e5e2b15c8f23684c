from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.core.web import htmx
from apps.tenants.requests import TenantRequest
from apps.tenants.view_as.history import Ended
from apps.tenants.view_as.middleware import finish
from apps.tenants.view_as.viewing import Viewing


@require_POST
def end(request: TenantRequest) -> HttpResponseBase:
    """Back to the person's page in the admin. Pressed twice, or after the time, it leads there too."""
    viewing = Viewing.of(request.session)
    if viewing is None:
        return htmx.redirect(request, "/")
    finish(request, viewing, Ended.BY_HAND)
    response: HttpResponse = htmx.redirect(request, reverse("admin:accounts_user_change", args=[viewing.person_id]))
    return response
