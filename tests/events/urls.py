"""Pages with live parts, which count how often they were asked for."""

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
# As the console's lists are: a place in the queue for all that goes into the table, of which its links are part, too
LIST = """
<span hidden data-live="note:list" hx-get="{{ path }}" hx-trigger="live" hx-target="#list"></span>
<p>Page {{ at }}</p><output>{{ number }}</output>
<a id="open" href="/live-test/form" hx-get="/live-test/form" hx-target="#sheet">Open</a>
"""
LIST_PAGE = """{% extends "shell/page.html" %}{% block title %}Live{% endblock %}{% block content %}
<h1>A live list</h1>
<div id="list" hx-sync="this:replace" hx-get="/live-test/list/1" hx-trigger="load"></div>
<a id="next" href="/live-test/list/2" hx-get="/live-test/list/2" hx-target="#list">Next</a>
<span id="heard" data-live="note:heard"></span>
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


def list_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(LIST_PAGE).render({}, request))


def rows(request: HttpRequest, at: int) -> HttpResponse:
    content = {"path": request.path, "at": at, "number": next(asked)}
    return HttpResponse(engines["django"].from_string(LIST).render(content, request))


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h2>A form</h2>")


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>Gone</p>")


urlpatterns = [
    path("live-test/", page),
    path("live-test/list", list_page),
    path("live-test/list/<int:at>", rows),
    path("live-test/form", form),
    path("live-test/nothing", nothing),
    path("live-test/<str:note>", part),
    *portal_urlpatterns,
]
