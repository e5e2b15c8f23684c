"""A signed-in person's language goes before the browser's."""

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from apps.core.problems import as_problem
from apps.core.web.errors import respond


class PreferencesMiddleware(LocaleMiddleware):
    """Stands after the authentication. A visitor's language comes from the cookie, then from the browser."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        try:
            if request.user.is_authenticated:
                translation.activate(request.user.language)
                request.LANGUAGE_CODE = translation.get_language()
                return None
        except (OperationalError, InterfaceError) as error:
            # The first look into the database. In development Django would show its own page for what is raised here
            super().process_request(request)
            return respond(request, as_problem(error))
        super().process_request(request)
        return None
