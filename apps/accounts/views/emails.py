from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps.accounts.requests import person_of
from apps.accounts.selectors import pending_change
from apps.accounts.services.emails import ask_to_change_email, cancel_email_change, confirm_email
from apps.accounts.services.links import Kind, get_open
from apps.accounts.services.resend import send_link_again
from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.accounts.views.base import NoFields, SoloForm
from apps.accounts.views.links import OPENED
from apps.core.errors import Conflict
from apps.core.web import htmx
from apps.core.web.forms import Done, FormView


class NewEmailForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("New address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
        help_text=gettext_lazy("We mail a link to it. Once you have opened that, you sign in with the new address."),
    )


class ChangeEmail(NeedsConfirmation, FormView):
    form_class = NewEmailForm
    title = gettext_lazy("Change your address")
    submit_label = gettext_lazy("Mail me a link")

    def get_context(self) -> dict[str, Any]:
        now = _("Now you sign in with %(email)s.") % {"email": person_of(self.request).email}
        return {"lead": now}

    def get_back_url(self) -> str:
        return reverse("account") + "#profile"

    def save(self, form: forms.BaseForm) -> Done:
        link = ask_to_change_email(actor=person_of(self.request), email=form.cleaned_data["email"])
        return Done(title=_("Check your inbox"), text=_("We wrote to %(email)s.") % {"email": link.email})


@require_POST
def settle_change(request: HttpRequest) -> HttpResponse:
    """From the account's page: mail the link again, or keep the address."""
    user = person_of(request)
    try:
        if request.POST.get("action") == "cancel":
            cancel_email_change(actor=user)
            htmx.later_toast(request, title=_("Your address stays as it is"))
        elif pending := pending_change(user):
            send_link_again(actor=user, link=pending)
            htmx.later_toast(request, title=_("Sent again"), text=_("Look for the newest mail."))
        else:
            raise Conflict(_("No new address is waiting to be confirmed."))
    except Conflict as problem:
        htmx.later_toast(request, tone="warn", title=str(problem.detail))
    return HttpResponseRedirect(reverse("account") + "#profile")


class ConfirmEmail(SoloForm):
    """Opened in any browser: the link shows that the address is theirs, and the change was asked for signed in."""

    form_class = NoFields
    template_name = "accounts/email_confirm.html"

    def get_form(self, data: Any = None) -> forms.Form:
        self.link = get_open(self.request.session.get(OPENED), Kind.EMAIL)
        return super().get_form(data)

    def get_context(self) -> dict[str, Any]:
        return {"link": self.link}

    def save(self, form: forms.Form) -> HttpResponse:
        user = confirm_email(link=self.link)
        self.request.session.pop(OPENED, None)
        title = _("You sign in with %(email)s from now on") % {"email": user.email}
        htmx.later_toast(self.request, title=title)
        return HttpResponseRedirect(reverse("account" if self.request.user.is_authenticated else "account_login"))
