import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import connection, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.web import htmx
from apps.core.web.errors import respond, wants_json
from apps.tenants.operators import is_allowed
from apps.tenants.requests import TenantRequest
from apps.tenants.view_as.history import Ended, end_viewing
from apps.tenants.view_as.problems import OnlyLooking
from apps.tenants.view_as.services import why_not
from apps.tenants.view_as.viewing import Viewing

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What one may look at as somebody else. Whatever isn't here is closed, also what is added later
OPEN = re.compile(
    r"/(t/.*|search|audit(/.*)?|workspaces(/new)?|errors/.*|components(/.*)?|v1/(reference/.*|openapi\.json)?)?"
)


class ViewAsMiddleware:
    """Stands around TenantMiddleware, inside of what knows the session's own person.

    While it lasts, `request.user` is the person that is looked at, `request.viewing` says why and until when, and
    `request.operator` is who looks.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponseBase:
        request.viewing = viewing = Viewing.of(request.session)
        if viewing is None:
            return self.get_response(request)
        operator: Any = request.user
        if request.path == reverse("account_logout") and request.method == "POST":
            # Signed out is the operator, and not whom they look at
            finish(request, viewing, Ended.SIGNED_OUT)
            return self.get_response(request)
        if request.path == reverse("view_as:end"):
            return self.get_response(request)
        person = User.objects.filter(pk=viewing.person_id).first()
        if how := _why_over(viewing, operator, person):
            return _leave(request, viewing, how)
        # Which was asked just now
        assert person is not None
        request.operator, request.user = operator, person
        if request.method not in SAFE_METHODS:
            return respond(request, OnlyLooking(_("Nothing can be changed while you look as somebody else.")))
        if not OPEN.fullmatch(request.path):
            return respond(request, OnlyLooking(_("Accounts, the admin and the API are closed while you look.")))
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            return self.get_response(request)


def finish(request: TenantRequest, viewing: Viewing, how: Ended) -> None:
    """The operator is themselves again. Forms that were shown meanwhile are void: they'd be sent by somebody else."""
    operator: Any = getattr(request, "operator", request.user)
    end_viewing(actor=operator, viewing=viewing, how=how)
    Viewing.forget(request.session)
    request.viewing = None
    rotate_token(request)


def _why_over(viewing: Viewing, operator: Any, person: User | None) -> Ended | None:
    if viewing.is_over:
        return Ended.BY_TIME
    is_theirs = operator.pk == viewing.operator_id and is_allowed(operator, "tenants.see_into")
    if not is_theirs or person is None or why_not(person):
        return Ended.REFUSED
    return None


def _leave(request: TenantRequest, viewing: Viewing, how: Ended) -> HttpResponseBase:
    """This request isn't answered any more: it was meant to be somebody else's."""
    finish(request, viewing, how)
    told = _("You don't look as somebody else any more.")
    if wants_json(request):
        return respond(request, OnlyLooking(told))
    messages.warning(request, told)
    return htmx.redirect(request, "/")
