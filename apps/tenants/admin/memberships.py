from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from apps.accounts.requests import person_of
from apps.core.web.admin import OperatorsAdmin
from apps.tenants import services
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.roles import ROLES_OF


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The roles that this kind of workspace has."""

    role = forms.ChoiceField(label=_("Role"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Membership
        fields = ["role"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Missing for those who may only look
        if field := self.fields.get("role"):
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(role.value, role.label) for role in ROLES_OF[self.instance.tenant.kind]]


@admin.register(Membership)
class MembershipAdmin(OperatorsAdmin):
    """Who is in which workspace. People come in by invitation, so none is added here."""

    list_display = ["person", "tenant", "role", "given_by", "last_seen_at", "created_at"]
    list_filter = ["role", "given_by", "tenant__kind"]
    list_select_related = ["person", "tenant"]
    search_fields = ["person__name", "person__email", "tenant__name", "tenant__slug"]
    search_help_text = _("Person or workspace")
    ordering = ["tenant__name", "person__name", "id"]
    list_per_page = 50
    actions = ["remove"]
    form = RoleForm
    fields = ["person", "tenant", "role", "given_by", "last_seen_at", "created_at"]
    readonly_fields = ["person", "tenant", "given_by", "last_seen_at", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """A workspace's page and a person's lead to their own."""
        return lookup in ("tenant__id__exact", "person__id__exact") or super().lookup_allowed(lookup, value, request)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        membership = Membership.objects.select_related("tenant", "person").get(pk=obj.pk)
        actor = Member.of_operator(person_of(request), membership.tenant)
        services.change_role(actor=actor, membership=membership, role=form.cleaned_data["role"])

    @admin.action(description=_("Remove from the workspace"), permissions=["change"])
    def remove(self, request: HttpRequest, rows: "QuerySet[Membership]") -> None:
        def run(*, actor: Any, membership: Membership) -> None:
            services.remove_member(actor=Member.of_operator(actor, membership.tenant), membership=membership)

        self.run_for_each(request, rows, run, "membership", _("%(count)d removed."))
