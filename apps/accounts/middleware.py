"""A signed-in person's language goes before the browser's."""

from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation


class PreferencesMiddleware(LocaleMiddleware):
    """Stands after the authentication. A visitor's language comes from the cookie, then from the browser."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.user.is_authenticated:
            super().process_request(request)
            return
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = translation.get_language()
