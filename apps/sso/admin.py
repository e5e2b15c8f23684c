from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.core.errors import InvalidInput
from apps.core.web.admin import OperatorsAdmin, VersionForm
from apps.sso import attempts, selectors, services
from apps.sso.models import GroupRole, IdentityProvider, LinkedIdentity
from apps.sso.oidc.examination import examine
from apps.tenants.models import Tenant
from apps.tenants.roles import Role


class ProviderForm(VersionForm):
    new_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Sealed, and never shown. Left empty, the one that is there stays."),
    )
    is_public = forms.BooleanField(
        label=gettext_lazy("Public client"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("It has no secret; the one that is here is forgotten."),
    )

    class Meta:
        model = IdentityProvider
        fields = ["slug", *services.SETTINGS]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.is_there:
            self.initial["is_public"] = self.instance.client_secret is None

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        typed, is_public = found.get("new_secret"), found.get("is_public")
        has_one = self.is_there and self.instance.client_secret is not None
        if typed and is_public:
            self.add_error("new_secret", _("A public client has no secret. Leave this empty, or untick the other."))
        elif not (typed or is_public or has_one):
            self.add_error("new_secret", _("Copy it from the provider, or say that it's a public client."))
        return found

    def secret(self) -> str | None:
        """None keeps the one that is there."""
        if self.cleaned_data["is_public"]:
            return "" if self.is_there and self.instance.client_secret is not None else None
        return self.cleaned_data["new_secret"] or None


class GroupRoleForm(forms.ModelForm):  # type: ignore[type-arg]
    workspace = forms.ModelChoiceField(
        label=gettext_lazy("workspace"), queryset=Tenant.objects.order_by("name"), widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = GroupRole
        fields = ["group", "role"]
        widgets = {"group": UnfoldAdminTextInputWidget, "role": UnfoldAdminSelectWidget(choices=Role.choices)}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not self.instance._state.adding:
            self.initial["workspace"] = self.instance.tenant_id

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if found.keys() >= {"group", "workspace", "role"}:
            try:
                services.check_group_role(group=found["group"], tenant=found["workspace"], role=found["role"])
            except InvalidInput as problem:
                for name, texts in problem.fields.items():
                    self.add_error(name, texts)
        return found


class GroupRoleInline(TabularInline):
    model = GroupRole
    form = GroupRoleForm
    fields = ["group", "workspace", "role"]
    extra = 0
    verbose_name_plural = gettext_lazy("What the groups give, from each person's next sign-in on")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[GroupRole]":
        found: QuerySet[GroupRole] = super().get_queryset(request).select_related("tenant").order_by("group")
        return found


@admin.register(IdentityProvider)
class IdentityProviderAdmin(OperatorsAdmin):
    """Set up without a restart: it counts from the next click on. Disabled, never deleted: people are linked to it."""

    list_display = ["name", "issuer", "is_enabled", "people", "groups"]
    list_filter = ["is_enabled"]
    search_fields = ["name", "issuer"]
    form = ProviderForm
    inlines = [GroupRoleInline]
    actions_detail = ["test_connection"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[IdentityProvider]":
        found: QuerySet[IdentityProvider] = super().get_queryset(request)
        return found.annotate(
            people_count=Count("identities", distinct=True), group_count=Count("group_roles", distinct=True)
        )

    def get_fieldsets(
        self, request: HttpRequest, obj: IdentityProvider | None = None
    ) -> list[tuple[Any, dict[str, Any]]]:
        """The secret is a field for those only who may change it."""
        typed = ["new_secret", "is_public", "shown_version"] if self.has_change_permission(request, obj) else []
        there: dict[str, Any] = {"fields": ["issuer", "client_id", *typed]}
        if obj is not None:
            there["description"] = _addresses(request, obj)
        return [
            (None, {"fields": ["name", "slug", "is_enabled"]}),
            (_("At the provider"), there),
            (_("Who people are"), {"fields": ["scopes", "email_domains", "trusts_emails"]}),
            (_("What they may"), {"fields": ["groups_claim", "session_hours"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: IdentityProvider | None = None) -> list[str]:
        return ["slug"] if obj else []

    def get_inline_instances(self, request: HttpRequest, obj: IdentityProvider | None = None) -> list[Any]:
        """Groups come once the provider is there, so that a mistake in one doesn't lose the other."""
        found: list[Any] = super().get_inline_instances(request, obj)
        return found if obj else []

    def save_model(self, request: HttpRequest, obj: IdentityProvider, form: ProviderForm, change: bool) -> None:
        names = [name for name in form.changed_data if name in services.SETTINGS]
        if not change:
            values = {name: form.cleaned_data[name] for name in services.SETTINGS}
            made = services.create_provider(
                actor=request.user, slug=form.cleaned_data["slug"], client_secret=form.secret() or "", **values
            )
            obj.pk = made.pk
            return
        provider = IdentityProvider.objects.get(pk=obj.pk)
        provider.version = form.cleaned_data["shown_version"]
        values = {name: form.cleaned_data[name] for name in names}
        services.change_provider(actor=request.user, provider=provider, client_secret=form.secret(), **values)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Each line through its service. One that has another group or workspace now is another line."""
        provider = IdentityProvider.objects.get(pk=form.instance.pk)
        for line in formset.forms:
            if not line.has_changed() and line not in formset.deleted_forms:
                continue
            is_there = not line.instance._state.adding
            if is_there and (line in formset.deleted_forms or {"group", "workspace"} & set(line.changed_data)):
                services.remove_group_role(actor=request.user, group_role=GroupRole.objects.get(pk=line.instance.pk))
            if line not in formset.deleted_forms:
                services.set_group_role(
                    actor=request.user,
                    provider=provider,
                    group=line.cleaned_data["group"],
                    tenant=line.cleaned_data["workspace"],
                    role=line.cleaned_data["role"],
                )
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    @action(description=gettext_lazy("Test the connection"), url_path="test-connection", permissions=["view"])
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        provider = get_object_or_404(IdentityProvider, pk=object_id)
        redirect_uri = attempts.redirect_uri(request, provider)
        for finding in examine(selectors.client_of(provider), redirect_uri=redirect_uri):
            level = messages.SUCCESS if finding.is_good else messages.ERROR
            messages.add_message(request, level, finding.text)
        return HttpResponseRedirect(reverse("admin:sso_identityprovider_change", args=[provider.pk]))

    @admin.display(description=gettext_lazy("people"))
    def people(self, provider: IdentityProvider) -> int:
        return int(getattr(provider, "people_count", 0))

    @admin.display(description=gettext_lazy("groups"))
    def groups(self, provider: IdentityProvider) -> int:
        return int(getattr(provider, "group_count", 0))


@admin.register(LinkedIdentity)
class LinkedIdentityAdmin(OperatorsAdmin):
    """Who is who at which provider. Unlinked here when somebody can't any more by themselves."""

    list_display = ["person", "provider", "email", "created_at", "last_used_at"]
    list_filter = ["provider"]
    list_select_related = ["person", "provider"]
    search_fields = ["person__email", "person__name", "email", "subject"]
    fields = readonly_fields = ["person", "provider", "subject", "email", "created_at", "last_used_at"]
    actions = ["unlink"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description=gettext_lazy("Unlink: the roles that came with it end"), permissions=["change"])
    def unlink(self, request: HttpRequest, identities: "QuerySet[LinkedIdentity]") -> None:
        self.run_for_each(
            request, identities, services.unlink_identity, "identity", gettext_lazy("%(count)d unlinked.")
        )


def _addresses(request: HttpRequest, provider: IdentityProvider) -> SafeString:
    """What the provider wants to know of us."""
    return format_html(
        "{} <code>{}</code><br>{} <code>{}</code>",
        _("Redirect address to enter there:"),
        attempts.redirect_uri(request, provider),
        _("Address after signing out:"),
        request.build_absolute_uri(reverse("account_login")),
    )
