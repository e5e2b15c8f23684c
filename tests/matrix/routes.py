"""Every address of the product, walked from its URL conf and from the API's document, so that none is forgotten."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView
from django.views.generic.edit import ProcessFormView

from apps.core.api.schema import document
from apps.core.events import topics
from apps.core.web.lists import ListPage

STREAM = "STREAM"
# HEAD is answered as GET and OPTIONS tells nothing; Django's forms take a PUT for a POST
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPORTS = ("csv", "jsonl")
# A redirect answers to everything as to a GET
BY_GET = (RedirectView.post, RedirectView.put, RedirectView.patch, RedirectView.delete)

Callback = Callable[..., Any]


@dataclass(frozen=True, order=True)
class Route:
    method: str
    path: str
    view: Any = field(default=None, compare=False, repr=False)
    # The API's description of it, where it has one
    operation: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/v1/")

    @property
    def is_admin(self) -> bool:
        return self.path.startswith("/admin/")

    @property
    def is_page(self) -> bool:
        return not (self.is_api or self.is_admin or self.method == STREAM)

    @property
    def exports(self) -> tuple[str, ...]:
        """The files that a list comes as."""
        if self.method != "GET" or not self.is_page:
            return ()
        shown = class_of(self.view)
        # A function may hand on to a list; what isn't one answers as ever
        return EXPORTS if shown is None or issubclass(shown, ListPage) else ()

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def needs_version(self) -> bool:
        names = [each.get("$ref", "") for each in (self.operation or {}).get("parameters", [])]
        return "#/components/parameters/If-Match" in names


@cache
def all_routes(urlconf: str = "portal.urls") -> tuple[Route, ...]:
    """What people and programs can ask for. A route is a method at an address with its parameters in braces."""
    found: dict[tuple[str, str], Route] = {}
    for path, view in walk(get_resolver(urlconf).url_patterns):
        for method in methods_of(view):
            found.setdefault((method, path), Route(method, path, view))
    for path, operations in document(urlconf)["paths"].items():
        for name, operation in operations.items():
            method = name.upper()
            if method not in METHODS:
                continue
            known = found.get((method, _same(path, found)))
            assert known is not None, f"The API's document names {method} {path}, which the URL conf doesn't have."
            found[method, known.path] = Route(method, known.path, known.view, operation)
    return tuple(sorted(found.values()))


def declared_topics() -> set[str]:
    """The kinds of topic that the product's apps declare; tests declare more."""
    return {prefix for prefix, rule in topics._can_listen.items() if rule.__module__.startswith(("apps.", "portal."))}


def walk(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, Callback]]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, path)
        else:
            yield readable(path), pattern.callback


def readable(pattern: str) -> str:
    """`t/<slug:tenant>/members/(?P<pk>[^/]+)$` as `/t/{tenant}/members/{pk}`."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", simplify_regex(pattern))
    return path.replace("\\Z", "").replace("\\", "")


def methods_of(view: Callback) -> list[str]:
    """Those that reach code of ours. A view that names none answers to reads and writes alike."""
    actions = getattr(view, "actions", None)
    if actions is not None:
        return [method for method in METHODS if method.lower() in actions]
    shown = class_of(view)
    if shown is not None:
        return [method for method in METHODS if _handles(shown, method)]
    required = _required_methods(view)
    return [method for method in METHODS if method in (required or {"GET", "POST"})]


def class_of(view: Callback) -> type | None:
    found: type | None = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return found


def _handles(shown: type, method: str) -> bool:
    handler = getattr(shown, method.lower(), None)
    return handler is not None and handler not in (ProcessFormView.put, *BY_GET)


def _required_methods(view: Callback) -> set[str] | None:
    """What `require_safe` and its like around a function let through."""
    seen: Any = view
    while seen is not None:
        for cell in getattr(seen, "__closure__", None) or ():
            if _names_methods(cell.cell_contents):
                return set(cell.cell_contents)
        seen = getattr(seen, "__wrapped__", None)
    return None


def _names_methods(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and set(value) <= {*METHODS, "HEAD", "OPTIONS"}


def _same(path: str, known: dict[tuple[str, str], Route]) -> str:
    """The document may call a parameter otherwise than the URL conf, `{id}` for `{pk}`."""
    shape = re.sub(r"{\w+}", "{}", path)
    return next((other for _, other in known if re.sub(r"{\w+}", "{}", other) == shape), path)
