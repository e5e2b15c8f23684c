"""The operators' admin: our brand, the console's sign-in with its second factor, our own model pages only."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from apps.accounts.rights import insist_on_second_factor
from apps.accounts.views.sign_in import SignOut
from apps.core.assets import assets
from apps.core.errors import NotAllowed
from apps.core.web.middleware import widen_policy
from apps.tenants.roles import SystemRole

View = Callable[..., HttpResponseBase]

# Alpine, which the admin's pages are written with, makes functions of the expressions in their attributes.
# Inline scripts and styles stay forbidden here too.
POLICY = {"script-src": ["'unsafe-eval'"]}


# What belongs together for an operator, in this order; what isn't named here follows by app
SECTIONS = {
    gettext_lazy("Tasks"): ["WaitingTask", "RunningTask", "DelayedTask", "TaskFailure", "Sweep"],
    gettext_lazy("Platform"): ["ProcessHeartbeat", "OutgoingMail"],
    gettext_lazy("Fleet"): ["Cluster", "Agent", "RegistrationToken", "Bundle"],
    gettext_lazy("Gateways"): [
        "FunctionGateway",
        "RuntimeDomain",
        "CustomDomain",
        "Stage",
        "GatewayDatabase",
        "LifecycleEvent",
    ],
    gettext_lazy("Workspaces"): ["Tenant", "Membership", "Invitation"],
    gettext_lazy("People"): ["User", "Authenticator", "AccessToken"],
    gettext_lazy("Single sign-on"): ["IdentityProvider", "GroupRole", "LinkedIdentity"],
    gettext_lazy("History"): ["AuditEvent"],
}
NAMES = {
    "Authenticator": gettext_lazy("Second factors"),
    "RegistrationToken": gettext_lazy("Registration tokens"),
    "Bundle": gettext_lazy("Bundles"),
    "RuntimeDomain": gettext_lazy("Domains"),
    "Stage": gettext_lazy("Stages"),
    "GatewayDatabase": gettext_lazy("Databases"),
    "LifecycleEvent": gettext_lazy("Timelines"),
}
ICONS = {
    "waitingtask": "hourglass_empty",
    "runningtask": "play_circle",
    "delayedtask": "schedule",
    "taskfailure": "error",
    "sweep": "autorenew",
    "processheartbeat": "monitor_heart",
    "outgoingmail": "mail",
    "cluster": "lan",
    "agent": "settings_input_antenna",
    "registrationtoken": "vpn_key",
    "bundle": "inventory_2",
    "functiongateway": "hub",
    "runtimedomain": "language",
    "customdomain": "travel_explore",
    "stage": "layers",
    "gatewaydatabase": "database",
    "lifecycleevent": "timeline",
    "tenant": "domain",
    "membership": "group",
    "invitation": "forward_to_inbox",
    "user": "person",
    "accesstoken": "key",
    "identityprovider": "login",
    "grouprole": "badge",
    "linkedidentity": "link",
    "authenticator": "lock",
    "auditevent": "shield",
}


class OperatorsSite(UnfoldAdminSite):
    index_title = gettext_lazy("Operators")
    enable_nav_sidebar = True

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Libraries bring admin pages of their own; those write past our services and the audit log."""
        if admin_class is not None and admin_class.__module__.startswith(("apps.", "portal.")):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_authenticated and request.user.is_operator)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Every page of the admin goes through here, also the JSON that its widgets ask for."""
        inner = super().admin_view(view, cacheable)

        def for_operators(request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), reverse("account_login"))
            insist_on_second_factor(request.user)
            if not self.has_permission(request):
                raise NotAllowed(_("The admin is for the platform's operators."), roles=list(SystemRole.values))
            return widen_policy(inner(request, *arguments, **names), POLICY)

        return for_operators

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        if app_label:
            return apps
        models = {model["object_name"]: model for app in apps for model in app["models"]}
        groups = []
        for title, names in SECTIONS.items():
            found = [models[name] | {"name": NAMES.get(name, models[name]["name"])} for name in names if name in models]
            groups.append({"name": title, "app_label": "", "app_url": reverse("admin:index"), "models": found})
        grouped = {name for names in SECTIONS.values() for name in names}
        rest = [
            app | {"models": [each for each in app["models"] if each["object_name"] not in grouped]} for app in apps
        ]
        return [group for group in [*groups, *rest] if group["models"]]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        after = get_next_redirect_url(request) or reverse("admin:index")
        return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': after})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        response: HttpResponseBase = SignOut.as_view()(request)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account") + "#password")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The theme is the account's. Colours come from a sheet, as an inline style would need another policy."""
        context: dict[str, Any] = super().each_context(request)
        theme = getattr(request.user, "theme", "system")
        return context | {"colors": {}, "theme": "auto" if theme == "system" else theme}


def stylesheet(request: HttpRequest) -> str:
    return assets.url("admin.css")


def script(request: HttpRequest) -> str:
    return assets.url("admin.js")


def mark(request: HttpRequest) -> str:
    return assets.url("logo.svg")


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {"title": _("Back to the console"), "link": reverse("overview")},
        {"title": _("Your account"), "link": reverse("account")},
    ]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages that this operator may see, and the way back."""
    start = reverse("admin:index")
    top = [
        {"title": _("Back to the console"), "icon": "arrow_back", "link": reverse("overview"), "active": False},
        {"title": _("Overview"), "icon": "home", "link": start, "active": request.path == start},
    ]
    groups = [
        {"title": group["name"], "items": [_item(model) for model in group["models"] if model["admin_url"]]}
        for group in admin.site.get_app_list(request)
    ]
    return [{"items": top}, *groups]


def _item(model: dict[str, Any]) -> dict[str, Any]:
    icon = ICONS.get(model["object_name"].lower(), "list")
    return {"title": model["name"], "icon": icon, "link": model["admin_url"]}
