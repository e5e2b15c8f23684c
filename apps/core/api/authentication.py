"""Who asks. For now whoever has a session; what comes later joins DEFAULT_AUTHENTICATION_CLASSES before it."""

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from apps.core.errors import CrossSiteRequest


class SessionAuthentication(authentication.SessionAuthentication):
    """The console's session. A write must show that it comes from our own pages, by the CSRF token."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="imp"'

    def enforce_csrf(self, request: Request) -> None:
        try:
            # Not REST framework's request: it would parse the body in search of a form's token
            super().enforce_csrf(request._request)  # type: ignore[arg-type]
        except exceptions.PermissionDenied as error:
            raise CrossSiteRequest from error
