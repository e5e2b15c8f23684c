"""Where an invitation's link leads: for somebody new, for whoever it is meant for, and for somebody else.

Opening it changes nothing, as programs that look into mails open every link in them.
"""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, Problem
from apps.core.web import htmx
from apps.core.web.forms import add_errors
from apps.tenants.forms import JoinForm
from apps.tenants.models import Invitation, Membership
from apps.tenants.problems import InvitationEnded, TenantSuspended
from apps.tenants.roles import MEANING
from apps.tenants.selectors import invitation_of
from apps.tenants.services import accept_invitation, decline_invitation, join_by_invitation
from apps.tenants.views.base import home_of


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class Join(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            self.invitation = invitation_of(kwargs["token"])
            return super().dispatch(request, *args, **kwargs)
        except (InvitationEnded, TenantSuspended) as problem:
            return render(request, "tenants/invitation_ended.html", {"problem": problem}, status=problem.status)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._show(self._new_form())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if isinstance(request.user, User):
            return self._answer(request, request.user)
        return self._join_as_new(request)

    def _answer(self, request: HttpRequest, person: User) -> HttpResponse:
        if request.POST.get("answer") == "decline":
            decline_invitation(actor=person, invitation=self.invitation)
            htmx.later_toast(request, title=_("Declined"), text=_("Nobody was added anywhere."))
            return htmx.redirect(request, "overview")
        membership = accept_invitation(actor=person, invitation=self.invitation)
        return welcome(request, membership)

    def _join_as_new(self, request: HttpRequest) -> HttpResponse:
        form = self._new_form(request.POST)
        if not form.is_valid():
            return self._show(form, status=422)
        language = get_language() or settings.LANGUAGE_CODE
        try:
            membership = join_by_invitation(invitation=self.invitation, language=language, **form.cleaned_data)
        except InvalidInput as problem:
            add_errors(form, problem)
            return self._show(form, status=problem.status)
        except Conflict as problem:
            return self._show(form, status=problem.status, conflict=problem)
        record_authentication(request, membership.person, method="password")
        answer: HttpResponse = perform_login(
            request,
            Login(user=membership.person, email=membership.person.email, redirect_url=home_of(membership.tenant)),
        )
        return answer

    def _new_form(self, data: Any = None) -> JoinForm:
        return JoinForm(data)

    def _show(self, form: JoinForm, *, status: int = 200, conflict: Problem | None = None) -> HttpResponse:
        context = {
            "invitation": self.invitation,
            "meaning": MEANING[self.invitation.role],
            "state": _state(self.request, self.invitation),
            "form": form,
            "conflict": conflict,
        }
        return render(self.request, "tenants/join.html", context, status=status)


def _state(request: HttpRequest, invitation: Invitation) -> str:
    """Who opened the link: `own`, `other`, or signed in as nobody: `known` with an account, else `new`."""
    if request.user.is_authenticated:
        return "own" if str(request.user.email).lower() == invitation.email.lower() else "other"
    return "known" if User.objects.filter(email__iexact=invitation.email).exists() else "new"


def welcome(request: HttpRequest, membership: Membership) -> HttpResponse:
    names = {"workspace": membership.tenant, "role": membership.role}
    htmx.later_toast(request, title=_("You are %(role)s in %(workspace)s now") % names)
    return htmx.redirect(request, home_of(membership.tenant))
