from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.core.errors import Unavailable
from apps.core.web import htmx
from apps.core.web.components import samples
from apps.core.web.components.forms import Code, Example, with_errors
from apps.core.web.forms import ConfirmView, Done, FormView, Touch

View = Callable[..., HttpResponseBase]

TOASTS = {
    "ok": ("Released 1.9.0-rc.3 to staging", "Live in 38 ms"),
    "busy": ("Applying on 4 clusters", "2 done"),
    "warn": ("Stopped 2 of 3 gateways", "parcel-tracking has a release on its way."),
    "bad": ("Not released", "박수진 released rc.3 a moment ago. Open the sheet again."),
}


def in_development(view: View) -> View:
    """Anywhere else the page doesn't exist."""
    inner = login_required(view)

    @wraps(view)
    def outer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.DEBUG:
            raise Http404
        return inner(request, *args, **kwargs)

    return outer


@in_development
def components(request: HttpRequest) -> HttpResponse:
    context = {
        **samples.context(),
        "form": Example(auto_id="shown_%s"),
        "wrong": with_errors(),
        "code": Code(request.GET or None),
    }
    return render(request, "components/page.html", context)


@method_decorator(in_development, name="dispatch")
class ExampleForm(FormView):
    form_class = Example
    title = "Release a function"
    lead = "A dialog is for one decision. This one shows every field for the sake of showing it."
    submit_label = "Release"

    def get_back_url(self) -> str:
        return reverse("components")

    def save(self, form: forms.BaseForm) -> Done:
        return Done(title=f"Released {form.cleaned_data['name']}", text="Live in 38 ms")


@method_decorator(in_development, name="dispatch")
class StopGateway(ConfirmView):
    title = "Stop Parcel tracking?"
    lead = "12 functions on 3 stages stop answering. Data stays."
    submit_label = "Stop gateway"
    template_name = "overlays/confirm.html"

    def get_back_url(self) -> str:
        return reverse("components")

    def get_typed_name(self) -> str:
        return "parcel-tracking"

    def get_touches(self) -> list[Touch]:
        return [Touch(**touch) for touch in samples.touches()]

    def run(self) -> Done:
        return Done(title="Parcel tracking stops", text="This is only an example; nothing was stopped.")


@in_development
def compare(request: HttpRequest) -> HttpResponse:
    template = "components/sheet.html" if htmx.target(request) == "sheet" else "components/sheet_page.html"
    return htmx.vary(render(request, template, {"diff": samples.diff(), "facts": samples.facts()}))


@in_development
@never_cache
def new_key(request: HttpRequest) -> HttpResponse:
    template = "components/key.html" if htmx.target(request) == "dialog" else "components/key_page.html"
    return htmx.vary(render(request, template, {"value": "imp_sk_7Hq2wVbN4xRtY9cK_c41f"}))


@in_development
def slow(request: HttpRequest) -> HttpResponse:
    """What a skeleton stands for; the page asks for it once it is in sight."""
    return render(request, "components/_slow.html", {"facts": samples.facts()})


@in_development
@require_POST
def show_toast(request: HttpRequest, tone: str) -> HttpResponse:
    if tone not in TOASTS:
        raise Http404
    title, text = TOASTS[tone]
    request_id = "req_8fN1c2" if tone == "bad" else ""
    return htmx.toast(HttpResponse(status=204), tone=tone, title=title, text=text, request_id=request_id)  # type: ignore[arg-type]


@in_development
@require_POST
def fail(request: HttpRequest) -> HttpResponse:
    raise Unavailable("This button asks for a failure, so that its message can be seen.")


@in_development
def rows(request: HttpRequest) -> HttpResponse:
    """The table alone, for the links of its heads and its pager."""
    return render(request, "components/_table.html", samples.context())
