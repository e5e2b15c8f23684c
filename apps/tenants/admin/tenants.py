from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from apps.accounts.requests import person_of
from apps.core.errors import Problem
from apps.core.web.admin import Labelled, OperatorsAdmin, VersionForm, tell
from apps.core.web.forms import Touch
from apps.tenants import services
from apps.tenants.admin.asking import LINK, ReasonForm, TypedForm, ask, bound
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.operators import is_allowed


class NewProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    owner_email = forms.EmailField(
        label=_("First owner's e-mail"),
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("They get an invitation and can invite the others."),
    )
    slug = forms.CharField(
        label=_("Address"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("In the address of each of its pages. Empty: made from the name."),
    )

    class Meta:
        model = Tenant
        fields = ["name", "slug", "owner_email"]


class TenantForm(VersionForm):
    class Meta:
        model = Tenant
        fields = ["name", "slug"]
        help_texts = {"slug": _("In the address of each of its pages: with another one, links to it end.")}


class SuspendedFilter(admin.SimpleListFilter):
    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("active", _("Active")), ("suspended", _("Suspended"))]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Tenant]") -> "QuerySet[Tenant]":
        if self.value() not in ("active", "suspended"):
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "active")


@admin.register(Tenant)
class TenantAdmin(OperatorsAdmin):
    """Providers are opened here; customers open their own workspaces by signing up."""

    list_display = ["name", "slug", "kind", "state", "members", "created_at"]
    list_filter = ["kind", SuspendedFilter, "created_at"]
    search_fields = ["name", "slug", "id"]
    search_help_text = _("Name, address or id")
    ordering = ["name", "id"]
    list_per_page = 50
    actions = ["suspend", "resume"]
    actions_detail = ["suspend_this", "resume_this", "delete_this"]
    readonly_fields = ["id", "kind", "state_in_words", "suspended_because", "created_at", "links"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Tenant]":
        of_each = Membership.objects.filter(tenant=OuterRef("pk")).order_by().values("tenant")
        count = Subquery(of_each.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
        found: QuerySet[Tenant] = super().get_queryset(request).annotate(member_count=Coalesce(count, 0))
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> list[tuple[Any, dict[str, Any]]]:
        if obj is None:
            return [(None, {"fields": ["name", "slug", "owner_email"]})]
        names = ["name", "slug", *(["shown_version"] if self.has_change_permission(request, obj) else [])]
        return [(None, {"fields": names}), (_("State"), {"fields": self.readonly_fields})]

    def get_form(self, request: HttpRequest, obj: Tenant | None = None, change: bool = False, **options: Any) -> Any:
        options["form"] = TenantForm if change else NewProviderForm
        return super().get_form(request, obj, change=change, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if not change:
            obj.pk = services.create_provider(actor=request.user, **form.cleaned_data).pk
            return
        actor = Member.of_operator(person_of(request), Tenant.objects.get(pk=obj.pk))
        values = form.cleaned_data
        services.change_tenant(actor=actor, name=values["name"], slug=values["slug"], version=values["shown_version"])

    # --- Who may ---

    def has_suspend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return is_allowed(person_of(request), "tenants.suspend")

    # --- Suspend, resume, delete ---

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Of suspending and resuming the one that can be done."""
        is_suspended = Tenant.objects.filter(pk=object_id, suspended_at__isnull=False).exists()
        superfluous = "suspend_this" if is_suspended else "resume_this"
        actions: list[Any] = super().get_actions_detail(request, object_id)
        return [each for each in actions if not each.action_name.endswith(superfluous)]

    @admin.action(description=_("Suspend: nobody of it reads or writes anything"), permissions=["suspend"])
    def suspend(self, request: HttpRequest, tenants: "QuerySet[Tenant]") -> HttpResponse | None:
        return self._ask_to_suspend(request, list(tenants), back=_list_url())

    @admin.action(description=_("Resume"), permissions=["suspend"])
    def resume(self, request: HttpRequest, tenants: "QuerySet[Tenant]") -> None:
        self.run_for_each(request, tenants, services.resume_tenant, "tenant", _("%(count)d resumed."))

    @action(description=_("Suspend"), url_path="suspend", permissions=["suspend"], icon="pause")
    def suspend_this(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        tenant = get_object_or_404(Tenant, pk=object_id)
        asked = self._ask_to_suspend(request, [tenant], back=_page_url(tenant))
        return asked or HttpResponseRedirect(_page_url(tenant))

    @action(description=_("Resume"), url_path="resume", permissions=["suspend"], icon="play_arrow")
    def resume_this(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        tenant = get_object_or_404(Tenant, pk=object_id)

        def run() -> HttpResponse:
            services.resume_tenant(actor=request.user, tenant=tenant)
            return HttpResponseRedirect(_page_url(tenant))

        return ask(
            self,
            request,
            forms.Form(bound(request)),
            run,
            title=_("Resume %(workspace)s?") % {"workspace": tenant},
            submit=_("Resume %(workspace)s") % {"workspace": tenant},
            back=_page_url(tenant),
            touches=[*_touches([tenant]), Touch(_("Reason then"), tenant.suspended_because or "–")],
        )

    @action(
        description=_("Delete"),
        url_path="delete-for-good",
        permissions=["suspend"],
        icon="delete",
        variant=ActionVariant.DANGER,
    )
    def delete_this(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        tenant = get_object_or_404(Tenant, pk=object_id)

        def run(typed: str) -> HttpResponse:
            services.delete_tenant(actor=Member.of_operator(person_of(request), tenant))
            self.message_user(request, _("%(workspace)s was deleted.") % {"workspace": tenant})
            return HttpResponseRedirect(_list_url())

        return ask(
            self,
            request,
            TypedForm(bound(request), expected=tenant.slug),
            run,
            title=_("Delete %(workspace)s for good?") % {"workspace": tenant},
            lead=_("With everything in it. Its people keep their accounts; the audit log keeps what was done."),
            submit=_("Delete %(workspace)s") % {"workspace": tenant},
            back=_page_url(tenant),
            touches=_touches([tenant]),
            is_dangerous=True,
        )

    def _ask_to_suspend(self, request: HttpRequest, tenants: list[Tenant], *, back: str) -> HttpResponse | None:
        def run(reason: str) -> None:
            done = 0
            for tenant in tenants:
                try:
                    services.suspend_tenant(actor=request.user, tenant=tenant, reason=reason)
                    done += 1
                except Problem as problem:
                    tell(request, problem)
            if done:
                self.message_user(request, _("%(count)d suspended.") % {"count": done})

        names = ", ".join(str(tenant) for tenant in tenants)
        return ask(
            self,
            request,
            ReasonForm(bound(request)),
            run,
            title=_("Suspend %(workspaces)s?") % {"workspaces": names},
            lead=_("Its people read the reason, on each of its pages and by mail."),
            submit=_("Suspend %(workspaces)s") % {"workspaces": names},
            back=back,
            touches=_touches(tenants),
            chosen=[tenant.pk for tenant in tenants],
            action="suspend",
            is_dangerous=True,
        )

    # --- Columns ---

    @display(description=_("State"), label={"active": "success", "suspended": "danger"}, ordering="suspended_at")
    def state(self, tenant: Tenant) -> Labelled:
        return Labelled("suspended", _("Suspended")) if tenant.is_suspended else Labelled("active", _("Active"))

    @admin.display(description=_("State"))
    def state_in_words(self, tenant: Tenant) -> Any:
        return self.state(tenant)[1]

    @admin.display(description=_("Members"), ordering="member_count")
    def members(self, tenant: Tenant) -> int:
        return int(getattr(tenant, "member_count", 0))

    @admin.display(description=_("See also"))
    def links(self, tenant: Tenant) -> str:
        return format_html(
            '<a class="{c}" href="{}?tenant__id__exact={}">{}</a> · '
            '<a class="{c}" href="{}?tenant__id__exact={}">{}</a> · <a class="{c}" href="{}">{}</a>',
            reverse("admin:tenants_membership_changelist"),
            tenant.pk,
            ngettext("%(count)d member", "%(count)d members", self.members(tenant)) % {"count": self.members(tenant)},
            reverse("admin:tenants_invitation_changelist"),
            tenant.pk,
            _("Invitations"),
            f"{reverse('audit:list')}?workspace={tenant.slug}",
            _("Audit log"),
            c=LINK,
        )


def _touches(tenants: list[Tenant]) -> list[Touch]:
    members = Membership.objects.filter(tenant__in=tenants).count()
    return [
        Touch(_("Workspaces"), ", ".join(f"{tenant.name} ({tenant.slug})" for tenant in tenants)),
        Touch(_("Members"), members),
    ]


def _page_url(tenant: Tenant) -> str:
    return reverse("admin:tenants_tenant_change", args=[tenant.pk])


def _list_url() -> str:
    return reverse("admin:tenants_tenant_changelist")
