from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from apps.accounts import services
from apps.accounts.models import User
from apps.core.web.admin import OperatorsAdmin, ReadOnlyAdmin


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email", "name", "is_staff", "is_superuser"]


class NewPersonForm(forms.ModelForm):  # type: ignore[type-arg]
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("12 characters or more. Tell them to change it on their account's page."),
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget, initial="en"
    )

    class Meta:
        model = User
        fields = ["email", "name", "language", "is_staff", "is_superuser"]


@admin.register(User)
class UserAdmin(OperatorsAdmin):
    """People: made, changed and deactivated, never deleted; a password is set once and shown never."""

    list_display = ["email", "name", "is_active", "role", "has_second_factor", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "language"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    actions = ["deactivate", "reactivate", "reset_second_factor"]
    readonly_fields = ["is_active", "has_second_factor", "last_login", "created_at"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        factors = Authenticator.objects.filter(user_id=OuterRef("pk"), type=Authenticator.Type.TOTP)
        found: QuerySet[User] = super().get_queryset(request).annotate(with_second_factor=Exists(factors))
        return found

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> list[tuple[Any, dict[str, Any]]]:
        rights = (_("Rights"), {"fields": ["is_staff", "is_superuser"]})
        if obj is None:
            return [(None, {"fields": ["email", "name", "password", "language"]}), rights]
        state = (_("State"), {"fields": self.readonly_fields})
        return [(None, {"fields": ["email", "name"]}), rights, state]

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **options: Any) -> Any:
        options["form"] = PersonForm if change else NewPersonForm
        return super().get_form(request, obj, change=change, **options)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            made = services.create_person(actor=request.user, **form.cleaned_data)
            obj.pk = made.pk
            return
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        services.change_person(actor=request.user, user=User.objects.get(pk=obj.pk), **values)

    @admin.display(description=_("role"), ordering="is_staff")
    def role(self, user: User) -> Any:
        if user.is_superuser:
            return _("System administrator")
        return _("Operator") if user.is_staff else "–"

    @admin.display(boolean=True, description=_("second factor"))
    def has_second_factor(self, user: User) -> bool:
        return bool(getattr(user, "with_second_factor", False))

    @admin.action(description=_("Deactivate: can't sign in any more"), permissions=["change"])
    def deactivate(self, request: HttpRequest, people: "QuerySet[User]") -> None:
        self.run_for_each(request, people, services.deactivate_person, "user", _("%(count)d deactivated."))

    @admin.action(description=_("Reactivate"), permissions=["change"])
    def reactivate(self, request: HttpRequest, people: "QuerySet[User]") -> None:
        self.run_for_each(request, people, services.reactivate_person, "user", _("%(count)d reactivated."))

    @admin.action(description=_("Reset the second factor: phone and codes are lost"), permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, people: "QuerySet[User]") -> None:
        self.run_for_each(request, people, services.reset_second_factor, "user", _("%(count)d reset."))


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """That there is one and when it was used. What it holds is sealed and stays so."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__email", "user__name"]
    list_select_related = ["user"]
    fields = ["user", "type", "created_at", "last_used_at"]
