"""Where allauth asks us about somebody who came through a provider. For all others the accounts' own answers count."""

from typing import Any

from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context as allauth_context
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts import adapters
from apps.accounts.models import User
from apps.accounts.sessions.confirmation import is_confirmed
from apps.sso import selectors, sessions
from apps.sso.models import LinkedIdentity


class AccountAdapter(adapters.AccountAdapter):
    def login(self, request: HttpRequest, user: User) -> None:
        arrival = sessions.take_arrival(request)
        super().login(request, user)
        sessions.begin(request, arrival)

    def logout(self, request: HttpRequest) -> None:
        left = sessions.begun(request)
        super().logout(request)
        sessions.note_leaving(request, left)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Asked before the session ends."""
        return reverse("sso:leave") if sessions.is_begun(request) else super().get_logout_redirect_url(request)

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if isinstance(user, AnonymousUser):
            return methods
        return [*methods, *(_method(identity) for identity in selectors.list_usable_identities(actor=user))]

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """allauth lets somebody with neither a password nor a second factor pass. Here their provider is asked."""
        required = bool(super().is_reauthentication_required(app=app, **options))
        request = allauth_context.request
        is_passed_over = required and not get_reauthentication_flows(request.user) and not is_confirmed(request)
        if is_passed_over and self.get_reauthentication_methods(request.user):
            raise ReauthenticationRequired
        return required


def _method(identity: LinkedIdentity) -> dict[str, Any]:
    return {
        "id": "sso",
        "description": _("Use %(provider)s") % {"provider": identity.provider},
        "url": reverse("sso:confirm", args=[identity.provider.slug]),
    }
