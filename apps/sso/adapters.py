"""Where allauth asks us about somebody who came through a provider; for everybody else the accounts' own answers count."""

import time
from typing import Any

from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context as allauth_context
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts import adapters
from apps.accounts.models import User
from apps.sso import selectors, sessions


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

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not user.is_authenticated:
            return methods
        return [
            *methods,
            *(
                {
                    "id": "sso",
                    "description": _("Use %(provider)s") % {"provider": identity.provider},
                    "url": reverse("sso:confirm", args=[identity.provider.slug]),
                }
                for identity in selectors.list_identities(actor=user).filter(provider__is_enabled=True)
            ),
        ]

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """allauth lets somebody with neither a password nor a second factor pass. Here their provider is asked."""
        required = bool(super().is_reauthentication_required(app=app, **options))
        request = allauth_context.request
        if (
            required
            and not get_reauthentication_flows(request.user)
            and self.get_reauthentication_methods(request.user)
        ):
            records = get_authentication_records(request, request.user)
            confirmed = [record["at"] for record in records if record.get("reauthenticated")]
            if not confirmed or time.time() - confirmed[-1] >= REAUTHENTICATION_TIMEOUT:
                raise ReauthenticationRequired
        return required
