"""All workspaces that somebody is in, and those that wait for their answer."""

from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.accounts.requests import person_of
from apps.core.errors import NotFound
from apps.core.web import htmx
from apps.core.web.forms import Done, FormView
from apps.tenants.models import LONGEST_NAME
from apps.tenants.requests import memberships_at_hand
from apps.tenants.selectors import invitations_for
from apps.tenants.services import accept_invitation, create_customer, decline_invitation
from apps.tenants.views.base import home_of
from apps.tenants.views.joining import welcome

# In the menu that switches, how many invitations wait is asked for when it opens
COUNT = "waiting"


class Workspaces(LoginRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        invitations = invitations_for(request.user)
        if htmx.target(request) == COUNT:
            return htmx.fresh(request, "tenants/workspaces.html#count", {"count": invitations.count()})
        context = {"memberships": memberships_at_hand(request), "invitations": list(invitations)}
        return htmx.fresh(request, "tenants/workspaces.html", context)


class Answer(LoginRequiredMixin, View):
    """Yes or no to an invitation, without its mail at hand: the account's address was proven before."""

    def post(self, request: HttpRequest, invitation_id: str) -> HttpResponse:
        person = person_of(request)
        invitation = invitations_for(person).filter(pk=invitation_id).first()
        if invitation is None:
            raise NotFound(_("This invitation was answered or taken back, or its time is over."))
        if request.POST.get("answer") == "decline":
            decline_invitation(actor=person, invitation=invitation)
            htmx.later_toast(request, title=_("Declined"), text=_("Nobody was added anywhere."))
            return htmx.redirect(request, "workspaces")
        return welcome(request, accept_invitation(actor=person, invitation=invitation))


class NewForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_NAME,
        help_text=gettext_lazy("Your company or team."),
        widget=forms.TextInput({"autocomplete": "organization", "autofocus": True}),
    )


class New(FormView):
    """Of one's own, also beside others."""

    form_class = NewForm
    title = gettext_lazy("Open a workspace")
    lead = gettext_lazy("A customer workspace: subscribe to APIs and call them. You own it.")
    submit_label = gettext_lazy("Open the workspace")
    leads_on = True

    def save(self, form: Any) -> Done:
        tenant = create_customer(actor=person_of(self.request), name=form.cleaned_data["name"])
        return Done(_("%(workspace)s is ready") % {"workspace": tenant}, url=home_of(tenant))
