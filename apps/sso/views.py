"""The way to a provider and back, and the account's page of what is linked."""

import logging
from typing import Any
from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from apps.accounts.models import User
from apps.accounts.requests import person_of
from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.accounts.sessions.store import store_of
from apps.audit.services import ANONYMOUS, Target, record
from apps.core import context
from apps.core.errors import Conflict
from apps.core.web import htmx
from apps.core.web.forms import ConfirmView, Done, Touch
from apps.sso import attempts, selectors, services, sessions
from apps.sso.arrivals import read_claims, wanted_claims
from apps.sso.attempts import CONFIRM, LINK, SIGN_IN, Purpose
from apps.sso.models import IdentityProvider, LinkedIdentity
from apps.sso.oidc.flow import Identity, finish, logout_url
from apps.sso.oidc.problems import NotConfirmed, ProviderDisabled, SignInCancelled, SignInOutdated, SignInRefused

logger = logging.getLogger(__name__)


@method_decorator(never_cache, name="dispatch")
class Begin(View):
    """The button on the sign-in page. Also where a provider's own list of applications leads."""

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        provider = selectors.get_provider(slug)
        purpose = Purpose(SIGN_IN, next=get_next_redirect_url(request) or "")
        return _depart(request, provider, purpose, directly=True)


@method_decorator(never_cache, name="dispatch")
class Confirm(LoginRequiredMixin, View):
    """Asks the provider who it is, before something dangerous."""

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        provider = selectors.get_provider(slug)
        return _depart(request, provider, _own(request, CONFIRM, next=get_next_redirect_url(request) or ""))


@method_decorator([never_cache, reauthentication_required], name="dispatch")
class Link(LoginRequiredMixin, View):
    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        return _depart(request, selectors.get_provider(slug), _own(request, LINK))


@method_decorator(never_cache, name="dispatch")
class Callback(View):
    """The provider's answer. Whatever is wrong with it, the page says which of the things it was."""

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        provider = selectors.get_provider(slug)
        purpose: Purpose | None = None
        try:
            attempt, purpose = attempts.take(request, provider)
            if not provider.is_enabled:
                raise ProviderDisabled
            identity = finish(
                selectors.client_of(provider),
                attempt,
                request.GET.dict(),
                redirect_uri=attempts.redirect_uri(request, provider),
                wanted=wanted_claims(provider),
                must_be_fresh=purpose.name == CONFIRM,
            )
            response = ARRIVE[purpose.name](request, provider, identity, purpose)
        except (SignInRefused, Conflict) as problem:
            response = _refuse(request, provider, problem, purpose)
        return attempts.forget(request, response, provider)


@method_decorator(never_cache, name="dispatch")
class Leave(View):
    """After signing out here: signs out at the provider too, which leads back to the sign-in page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        left = sessions.take_leaving(request)
        provider = IdentityProvider.objects.filter(pk=left.provider_id, is_enabled=True).first() if left else None
        sign_in = reverse("account_login")
        if left is None or provider is None:
            return HttpResponseRedirect(sign_in)
        try:
            return_to = request.build_absolute_uri(sign_in)
            url = logout_url(selectors.client_of(provider), left.id_token, return_to=return_to)
        except SignInRefused as problem:
            logger.warning("Signing out at %s failed: %s", provider.slug, problem.reason)
            text = _("Close the browser, or sign out there yourself.")
            title = _("You're signed out here, but maybe not at %(provider)s") % {"provider": provider}
            htmx.later_toast(request, tone="warn", title=title, text=text)
            return HttpResponseRedirect(sign_in)
        if not url:
            return HttpResponseRedirect(sign_in)
        return _leaving_page(request, provider, url, title=_("Signing you out at %(provider)s"))


@method_decorator(never_cache, name="dispatch")
class Unlink(NeedsConfirmation, ConfirmView):
    """Names what ends with it."""

    def get_context(self) -> dict[str, Any]:
        names = {"provider": self._identity().provider}
        return {
            **super().get_context(),
            "title": _("Unlink %(provider)s?") % names,
            "lead": _("You can't sign in with it any more, until you link it again."),
            "submit_label": _("Unlink %(provider)s") % names,
        }

    def get_touches(self) -> list[Touch]:
        identity = self._identity()
        ends = [
            Touch(membership.tenant.name, _("Your role %(role)s ends") % {"role": membership.role})
            for membership in selectors.list_given_memberships(identity)
        ]
        return [Touch(identity.provider.name, identity.email or identity.subject), *ends]

    def get_back_url(self) -> str:
        return reverse("account") + "#identities"

    def run(self) -> Done:
        identity = self._identity()
        services.unlink_identity(actor=person_of(self.request), identity=identity)
        return Done(_("%(provider)s is unlinked") % {"provider": identity.provider})

    def _identity(self) -> LinkedIdentity:
        return selectors.get_identity(actor=person_of(self.request), pk=self.kwargs["pk"])


def context_of(request: HttpRequest) -> dict[str, Any]:
    """For the account's page: how one signs in, and what else one could link."""
    identities = list(selectors.list_identities(actor=person_of(request)))
    linked = {identity.provider_id for identity in identities}
    return {
        "identities": identities,
        "linkable_providers": [each for each in selectors.list_enabled_providers() if each.pk not in linked],
    }


# --- Going -----------------------------------------------------------------------------------------


def _depart(
    request: HttpRequest, provider: IdentityProvider, purpose: Purpose, *, directly: bool = False
) -> HttpResponse:
    """On to the provider, by a redirect or by a page that goes on by itself."""
    try:
        if not provider.is_enabled:
            raise ProviderDisabled
        url, attempt = attempts.begin(request, provider, purpose)
    except SignInRefused as problem:
        return _refuse(request, provider, problem, purpose)
    # Where a form may lead, also by redirects, our policy says: to ourselves. A page in between isn't a form any more
    response = HttpResponseRedirect(url) if directly else _leaving_page(request, provider, url)
    return attempts.remember(request, response, provider, purpose, attempt)


def _leaving_page(request: HttpRequest, provider: IdentityProvider, url: str, *, title: str = "") -> HttpResponse:
    title = title or _("Taking you to %(provider)s") % {"provider": provider}
    return render(request, "sso/leaving.html", {"provider": provider, "url": url, "heading": title})


def _own(request: HttpRequest, name: str, *, next: str = "") -> Purpose:
    return Purpose(name, person_id=person_of(request).pk, next=next)


# --- Arriving --------------------------------------------------------------------------------------


def _sign_in(request: HttpRequest, provider: IdentityProvider, identity: Identity, purpose: Purpose) -> HttpResponse:
    linked = services.sign_in(provider=provider, arrival=read_claims(provider, identity.claims))
    person = linked.person
    record_authentication(request, person, method="sso", provider=provider.slug)
    sessions.note_arrival(request, linked, identity.id_token)
    # Its address needs no mail: whoever vouches for it was asked just now
    login = Login(user=person, email=person.email, redirect_url=purpose.next or None, email_verification="none")
    response: HttpResponse = perform_login(request, login)
    return response


def _link(request: HttpRequest, provider: IdentityProvider, identity: Identity, purpose: Purpose) -> HttpResponse:
    person = _same_person(request, purpose)
    services.link_identity(actor=person, provider=provider, arrival=read_claims(provider, identity.claims))
    htmx.later_toast(request, title=_("%(provider)s is linked") % {"provider": provider})
    return HttpResponseRedirect(reverse("account") + "#identities")


def _confirm(request: HttpRequest, provider: IdentityProvider, identity: Identity, purpose: Purpose) -> HttpResponse:
    person = _same_person(request, purpose)
    own = selectors.list_identities(actor=person).filter(provider=provider, subject=identity.claims["sub"])
    if not own.exists():
        raise NotConfirmed(reason="another subject than the linked one")
    store_of(request).give_key()
    record_authentication(request, person, method="sso", provider=provider.slug, reauthenticated=True)
    # What was asked for before, which may have been a form, goes on; allauth reads from the address where that is
    request.GET = QueryDict(urlencode({"next": purpose.next}))
    response: HttpResponse | None = resume_request(request)
    return response or HttpResponseRedirect(reverse("account"))


def _same_person(request: HttpRequest, purpose: Purpose) -> User:
    """Somebody else may have signed in since, or nobody be signed in any more."""
    if not isinstance(request.user, User) or request.user.pk != purpose.person_id:
        raise SignInOutdated(reason="begun by somebody who isn't signed in now")
    return request.user


ARRIVE = {SIGN_IN: _sign_in, LINK: _link, CONFIRM: _confirm}


# --- Being refused ---------------------------------------------------------------------------------


def _refuse(
    request: HttpRequest, provider: IdentityProvider, problem: SignInRefused | Conflict, purpose: Purpose | None
) -> HttpResponse:
    reason = getattr(problem, "reason", "")
    logger.warning("Sign-in through %s refused: %s %s", provider.slug, problem.slug, reason)
    if purpose is not None and not isinstance(problem, SignInCancelled):
        _write_down(request, provider, problem)
    is_own = request.user.is_authenticated and purpose is not None and purpose.name != SIGN_IN
    shown = {
        "provider": provider,
        "problem": problem,
        "is_own": is_own,
        "can_retry": provider.is_enabled and getattr(problem, "can_retry", False) and not is_own,
        "retry_url": _retry_url(provider, purpose),
        "request_id": context.current().request_id,
    }
    return render(request, "sso/refused.html", shown, status=problem.status)


def _write_down(request: HttpRequest, provider: IdentityProvider, problem: SignInRefused | Conflict) -> None:
    with transaction.atomic():
        record(
            actor=request.user if request.user.is_authenticated else ANONYMOUS,
            verb="account.sign_in_failed",
            target=Target("identityprovider", provider.pk, provider.name),
            after={"reason": problem.slug, "email": getattr(problem, "email", "")},
        )


def _retry_url(provider: IdentityProvider, purpose: Purpose | None) -> str:
    query = f"?{urlencode({'next': purpose.next})}" if purpose and purpose.next else ""
    return reverse("sso:begin", args=[provider.slug]) + query
