"""Where allauth asks us about signing in: what to count, what to write down, what to say."""

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.mails import tell_of_sign_in
from apps.accounts.models import User
from apps.accounts.selectors import is_unfamiliar
from apps.accounts.sessions.browsers import network_of
from apps.accounts.sessions.store import store_of
from apps.audit.services import ANONYMOUS, Target, record
from apps.core.events import publish
from apps.core.web import htmx

# allauth says these by template; what isn't here goes unsaid, as the page itself shows it
SAID = {"account/messages/password_changed.txt": _("Password changed")}

# The key of ACCOUNT_RATE_LIMITS for tries at one account from everywhere
TRIES_ANYWHERE = {"app": "allauth.account", "action": "login_failed_anywhere"}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail and password don't match."),
        "too_many_login_attempts": _("Too many tries. Wait 15 minutes, then try again."),
        "rate_limited": _("Too many tries. Wait a few minutes, then try again."),
        "incorrect_code": _("This code isn't right. Type the one that the app shows now."),
        "incorrect_password": _("This isn't your password."),
        "enter_current_password": _("This isn't your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        """Whether a browser is trusted is a box below the code, not a page of its own as allauth has it."""
        ours = {"allauth.mfa.stages.AuthenticateStage": "apps.accounts.second_factor.stage.CodeStage"}
        stages = super().get_login_stages()
        return [ours.get(stage, stage) for stage in stages if stage != "allauth.mfa.stages.TrustStage"]

    def login(self, request: HttpRequest, user: User) -> None:
        session = store_of(request)
        with transaction.atomic():
            session.is_unfamiliar = is_unfamiliar(user, session.address)
            super().login(request, user)
            record(actor=user, verb="account.signed_in", target=user)
            # Now and not after the answer, so that whoever hears of it finds it
            session.save()
            publish(f"account:{user.pk}", "signed-in")
            if session.row and session.row.is_unfamiliar:
                tell_of_sign_in(user, session.row)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        with transaction.atomic():
            super().logout(request)
            if isinstance(user, User):
                record(actor=user, verb="account.signed_out", target=user)
                publish(f"account:{user.pk}", "session-ended")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts a try before the password is looked at, alike for an account that is there and one that isn't."""
        super().pre_authenticate(request, **credentials)
        anywhere = ratelimit.consume(request, **TRIES_ANYWHERE, key=_address_of(credentials))
        if not anywhere:
            raise self.validation_error("too_many_login_attempts")
        self._tries_anywhere = anywhere

    def _rollback_login_failed_rl_usage(self) -> None:
        """The right password was none of the tries."""
        super()._rollback_login_failed_rl_usage()
        self._tries_anywhere.rollback()

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """After a new password."""
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, **TRIES_ANYWHERE, key=_address_of(credentials))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """The account and the network. allauth counts for each Host header instead, whose port anybody can vary."""
        return f"{_address_of(credentials)} {network_of(self.get_client_ip(request))}"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Also for an address that nobody has, so that trying addresses shows in the log."""
        email = str(credentials.get("email", ""))
        user = User.objects.filter(email__iexact=email).first()
        with transaction.atomic():
            record(
                actor=ANONYMOUS,
                verb="account.sign_in_failed",
                target=user or Target("user", label=email),
                after={"reason": "password"},
            )

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *arguments: Any, **options: Any
    ) -> None:
        title = SAID.get(message_template or "")
        if title:
            htmx.later_toast(request, title=title)

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR") or "unknown")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account") + "#password"


def _address_of(credentials: Mapping[str, Any]) -> str:
    return str(credentials.get("email", "")).strip().lower()
