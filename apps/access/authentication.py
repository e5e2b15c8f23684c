from typing import NoReturn

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.access.models import AccessToken
from apps.access.problems import TokenRefused
from apps.access.use import find_token, note_use
from apps.accounts.models import User
from apps.core import throttling
from apps.core.errors import TooManyRequests

SCHEME = "Bearer"
CHALLENGE = f'{SCHEME} realm="imp"'


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer imp_pat_…`. Whoever sends one means it: a refused token isn't made up for by a session."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        scheme, _space, sent = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        address = request.META.get("REMOTE_ADDR", "")
        try:
            token = find_token(sent.strip())
        except TokenRefused as refusal:
            self._refuse(refusal, address)
        note_use(token, sent.strip(), address=address)
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _refuse(self, refusal: TokenRefused, address: str) -> NoReturn:
        """Whoever tries tokens is counted as a stranger, as nobody counts them later on."""
        allowance = throttling.take("api", person_id=None, address=address)
        if not allowance.allowed:
            raise TooManyRequests(headers=allowance.headers)
        refusal.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="invalid_token"'
        raise refusal
