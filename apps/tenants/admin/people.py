from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from apps.accounts.admin import UserAdmin
from apps.accounts.models import User
from apps.accounts.requests import person_of
from apps.accounts.sessions.confirmation import confirm_first
from apps.core.web.forms import Touch
from apps.tenants.admin.asking import LINK, ReasonForm, ask, bound
from apps.tenants.models import Membership
from apps.tenants.operators import is_allowed
from apps.tenants.view_as.services import start_viewing, why_not

admin.site.unregister(User)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """The account's page, with the workspaces that the person is in, and the way to see what they see."""

    actions_detail = ["view_as"]
    readonly_fields = [*UserAdmin.readonly_fields, "workspaces", "history"]

    def has_view_as_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return is_allowed(person_of(request), "tenants.see_into")

    @action(description=_("View as"), url_path="view-as", permissions=["view_as"], icon="visibility")
    def view_as(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        """Asks for the reason, and begins."""
        person = get_object_or_404(User, pk=object_id)
        back = reverse("admin:accounts_user_change", args=[person.pk])
        if refusal := why_not(person):
            self.message_user(request, refusal, "warning")
            return HttpResponseRedirect(back)
        if asked := confirm_first(request):
            return asked

        def run(reason: str) -> HttpResponse:
            viewing = start_viewing(actor=person_of(request), person=person, reason=reason)
            viewing.keep(request.session)
            # Forms of the operator's other tabs are void: they'd be sent while looking as somebody else
            rotate_token(request)
            return HttpResponseRedirect("/")

        return ask(
            self,
            request,
            ReasonForm(bound(request)),
            run,
            title=_("See the console as %(person)s?") % {"person": person},
            lead=_(
                "For half an hour you can look and change nothing. They and the workspaces' owners read the reason."
            ),
            submit=_("View as %(person)s") % {"person": person},
            back=back,
            touches=[
                Touch(_("Person"), f"{person} ({person.email})"),
                Touch(_("Workspaces"), _names_of(person) or "–"),
            ],
        )

    @admin.display(description=_("Workspaces"))
    def workspaces(self, user: User) -> str:
        rows = _memberships(user)
        if not rows:
            return "–"
        return format_html_join(
            ", ",
            '<a class="{}" href="{}">{}</a> ({})',
            [
                (
                    LINK,
                    reverse("admin:tenants_membership_change", args=[row.pk]),
                    row.tenant.name,
                    row.get_role_display(),
                )
                for row in rows
            ],
        )

    @admin.display(description=_("Audit log"))
    def history(self, user: User) -> str:
        log = reverse("audit:list")
        return format_html(
            '<a class="{c}" href="{}?actor={}">{}</a> · <a class="{c}" href="{}?target={}">{}</a>',
            *(log, user.pk, _("What they did")),
            *(log, user.pk, _("What was done to their account")),
            c=LINK,
        )


def _memberships(user: User) -> list[Membership]:
    return list(Membership.objects.filter(person=user).select_related("tenant").order_by("tenant__name", "pk"))


def _names_of(user: User) -> str:
    return ", ".join(f"{row.tenant.name} ({row.role})" for row in _memberships(user))
