"""Two pages with live parts, which count how often they were asked for."""

from collections.abc import Callable
from itertools import count

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from portal.urls import handler400, handler403, handler404, handler500  # noqa: F401
from portal.urls import urlpatterns as portal_urlpatterns

PART = """
<section id="{{ id }}" data-live="{{ topics }}" hx-get="{{ path }}" hx-trigger="{{ trigger }}" hx-target="this"
  hx-swap="outerHTML"><h2 data-live-as-of="as of {time}">{{ id }}</h2><output>{{ number }}</output></section>
"""
PAGE = """{% extends "shell/page.html" %}{% block title %}Live{% endblock %}{% block content %}
<h1>Live parts</h1>
<div hx-get="/live-test/n1" hx-trigger="load" hx-swap="outerHTML"></div>
<div hx-get="/live-test/n2?kind=acked" hx-trigger="load" hx-swap="outerHTML"></div>
<button type="button" id="more" hx-get="/live-test/n3" hx-target="#main" hx-swap="beforeend">More</button>
<button type="button" id="less" hx-get="/live-test/nothing" hx-target="#n1" hx-swap="outerHTML">Less</button>
{% endblock %}"""

asked = count(1)
# What happens while the next part is being made, which therefore doesn't show it
meanwhile: list[Callable[[], None]] = []


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def part(request: HttpRequest, note: str) -> HttpResponse:
    number = next(asked)
    while meanwhile:
        meanwhile.pop()()
    kind = request.GET.get("kind")
    content = {
        "id": note,
        "topics": f"note:{note} note:all",
        "path": request.get_full_path(),
        "trigger": f"live:{kind}" if kind else "live",
        "number": number,
    }
    return HttpResponse(engines["django"].from_string(PART).render(content, request))


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>Gone</p>")


urlpatterns = [
    path("live-test/", page),
    path("live-test/nothing", nothing),
    path("live-test/<str:note>", part),
    *portal_urlpatterns,
]
