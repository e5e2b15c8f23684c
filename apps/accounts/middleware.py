"""What a signed-in person has chosen, on every page; where they are asked again who they are; what nobody may keep."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control

from apps.core.problems import as_problem
from apps.core.web import htmx
from apps.core.web.errors import API_PREFIX, respond


class PreferencesMiddleware(LocaleMiddleware):
    """Stands after the authentication. A visitor's language comes from the cookie, then from the browser."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        try:
            if request.user.is_authenticated:
                translation.activate(request.user.language)
                request.LANGUAGE_CODE = translation.get_language()
                if not request.path.startswith(API_PREFIX):
                    # Programs get UTC
                    timezone.activate(request.user.time_zone)
                return None
        except (OperationalError, InterfaceError) as error:
            # The first look into the database. In development Django would show its own page for what is raised here
            super().process_request(request)
            return respond(request, as_problem(error))
        super().process_request(request)
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        timezone.deactivate()
        return super().process_response(request, response)


class NothingKeptMiddleware:
    """What is at the account's page and below isn't kept, neither by a browser nor on the way.

    Whoever uses this computer next would otherwise see addresses, or a key that is shown once, by the button for back.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if f"{request.path}/".startswith(f"{reverse('account')}/"):
            patch_cache_control(response, private=True, no_store=True)
        return response


class ConfirmationMiddleware:
    """HTMX would follow a redirect by itself, and put the page that asks for the password into a dialog."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        address = response.get("Location", "")
        pages = (reverse("account_reauthenticate"), reverse("mfa_reauthenticate"))
        if htmx.is_partial(request) and address.partition("?")[0] in pages:
            return htmx.redirect(request, address)
        return response
