"""What somebody chose for themselves: the account's page saves it, and the switches of every page."""

from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.forms import PreferencesForm
from apps.accounts.requests import person_of
from apps.accounts.views.account import show_account
from apps.core.errors import InvalidInput, NotFound, StaleVersion
from apps.core.web import htmx
from apps.core.web.forms import add_errors


class ChangePreferences(LoginRequiredMixin, View):
    """Name, language, time zone and theme. The page saves all but the name as they are chosen."""

    def post(self, request: HttpRequest) -> HttpResponse:
        user = person_of(request)
        form = PreferencesForm(request.POST)
        try:
            if not form.is_valid():
                raise InvalidInput(fields={name: [str(text) for text in texts] for name, texts in form.errors.items()})
            user = services.change_preferences(actor=user, user=user, **form.given())
        except InvalidInput as problem:
            add_errors(form, problem)
            return show_account(request, status=problem.status, preferences=form)
        except StaleVersion as problem:
            return show_account(request, status=problem.status, conflict=problem)
        with translation.override(user.language):
            htmx.later_toast(request, title=_("Saved"))
        return htmx.redirect(request, reverse("account"))


@require_POST
def switch_theme(request: HttpRequest) -> HttpResponse:
    """From the account's menu; the page has changed already."""
    if not request.user.is_authenticated:
        raise NotFound
    services.set_theme(actor=request.user, theme=request.POST.get("theme", ""))
    return _switched(request)


@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """With the account for someone signed in, in a cookie for a visitor."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise InvalidInput(fields={"language": [_("Choose one of those offered.")]})
    if request.user.is_authenticated:
        services.set_language(actor=request.user, language=language)
    response = _switched(request, reload=True)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def _switched(request: HttpRequest, *, reload: bool = False) -> HttpResponse:
    """HTMX stays on its page, or loads it anew; a plain form goes back to where it stood."""
    if htmx.is_partial(request):
        response = HttpResponse(status=204)
        if reload:
            response["HX-Refresh"] = "true"
        return htmx.vary(response)
    return HttpResponseRedirect(get_next_redirect_url(request) or reverse("account_login"))
