"""One list view: the page, the table that HTMX swaps, the exports, and what is done to several rows at once.

A subclass names its queryset, its FilterSet (the API uses the same one) and its columns. Its template extends
`lists/page.html` or has a partial called `table`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Model, QuerySet
from django.forms import MultiWidget
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control, set_response_etag
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from apps.core.errors import InvalidInput, NotFound, Problem, Text
from apps.core.listing import paginate
from apps.core.web import exports, htmx

# What the address carries beside the filters
CURSOR = "cursor"
SORT = "sort"
FORMAT = "format"


@dataclass(frozen=True)
class Column:
    """`value` is what an export writes: a path such as `actor.email`, or a function of the row."""

    name: str
    label: Text
    value: str | Callable[[Any], Any] = ""
    sort: str = ""
    on_page: bool = True
    classes: str = ""

    def export(self, row: Any) -> Any:
        if callable(self.value):
            return self.value(row)
        for part in (self.value or self.name).split("."):
            row = getattr(row, part, None)
        return row


@dataclass(frozen=True)
class BulkAction:
    """`run(actor=…, target=row)` for each chosen row: a service, with its own permission and transaction."""

    name: str
    label: Text
    run: Callable[..., Any]
    is_dangerous: bool = False


@dataclass(frozen=True)
class Heading:
    """A column's head: the link that sorts by it, and what `aria-sort` says."""

    column: Column
    url: str
    direction: str


@dataclass(frozen=True)
class Chip:
    text: str
    without_url: str


class Listing:
    """What the address asks for, and the rows that answer. `list` in the template."""

    def __init__(self, view: "ListPage", request: HttpRequest) -> None:
        self.view = view
        self.request = request
        self.query: QueryDict = request.GET
        self.errors: dict[str, list[str]] = {}
        self.columns = [column for column in view.columns if column.on_page]

    @cached_property
    def filterset(self) -> Any:
        return self.view.get_filterset(self.query)

    @property
    def form(self) -> Any:
        return self.filterset.form

    @cached_property
    def fields(self) -> list[Any]:
        """The filters beside the search field, each showing when it couldn't be read."""
        names = self.view.shown_filters or tuple(self.form.fields)
        shown = [self.form[name] for name in names if name != "q"]
        for bound in shown:
            bound.field.widget.attrs.setdefault("aria-label", str(bound.label))
            if bound.errors:
                bound.field.widget.attrs.update({"aria-invalid": "true", "aria-describedby": "list-problems"})
        return shown

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the filter form has no field for, and must carry on: filters that a link set, and the order."""
        shown = {name for bound in self.fields for name in self._names(bound.name)} | {"q", CURSOR, FORMAT}
        return [(name, value) for name in self.query if name not in shown for value in self.query.getlist(name)]

    def _names(self, name: str) -> list[str]:
        """What a filter is called in the address: a range has a name for each end."""
        if not isinstance(self.form.fields[name].widget, MultiWidget):
            return [name]
        return [each for each in self.query if each == name or each.startswith(f"{name}_")]

    def _is_used(self, name: str) -> bool:
        """It's in the address and limits the rows; "unknown" of a yes-or-no choice doesn't."""
        if not any(self.query.get(each) for each in self._names(name)):
            return False
        return not self.filterset.is_valid() or self.form.cleaned_data.get(name) not in (None, "", [], ())

    @cached_property
    def sort(self) -> str:
        asked = self.query.get(SORT, "")
        allowed = {column.sort for column in self.view.columns if column.sort}
        if asked and asked.removeprefix("-") not in allowed:
            self.errors[SORT] = [_("This list can't be sorted by that.")]
            return self.view.order
        return asked or self.view.order

    @cached_property
    def queryset(self) -> "QuerySet[Any]":
        """The rows that fit the filters, in order. A filter that can't be read gives no rows and says so."""
        if not self.filterset.is_valid():
            self.errors.update({name: [str(text) for text in texts] for name, texts in self.form.errors.items()})
            return self.view.get_queryset().none()
        found: QuerySet[Any] = self.filterset.qs
        return found

    @cached_property
    def page(self) -> Any:
        rows, order = self.queryset, self.sort
        try:
            return paginate(rows, order=[order], cursor=self.query.get(CURSOR) or None, limit=self.view.page_size)
        except InvalidInput:
            self.errors[CURSOR] = [_("This link to a further page can't be read; here is the first page.")]
            return paginate(rows, order=[order], cursor=None, limit=self.view.page_size)

    @cached_property
    def rows(self) -> list[Any]:
        return list(self.page.items)

    @property
    def problems(self) -> list[str]:
        """Everything in the address that couldn't be used, after the rows were asked for."""
        self.rows  # noqa: B018
        labels = {name: str(field.label or name) for name, field in self.form.fields.items()}
        return [
            f"{labels[name]}: {text}" if name in labels else text
            for name, texts in self.errors.items()
            for text in texts
        ]

    @cached_property
    def chips(self) -> list[Chip]:
        values = self.form.cleaned_data if self.filterset.is_valid() else {}
        return [
            Chip(
                f"{field.label or name}: {_spoken(field, values[name])}",
                self.url(**dict.fromkeys(self._names(name)), **{CURSOR: None}),
            )
            for name, field in self.form.fields.items()
            if name in values and self._is_used(name)
        ]

    @property
    def is_filtered(self) -> bool:
        return any(self._is_used(name) for name in self.form.fields)

    @property
    def headings(self) -> list[Heading]:
        return [self._heading(column) for column in self.columns]

    def _heading(self, column: Column) -> Heading:
        if not column.sort:
            return Heading(column, "", "")
        is_ascending, is_descending = self.sort == column.sort, self.sort == f"-{column.sort}"
        wanted = f"-{column.sort}" if is_ascending else column.sort
        direction = "ascending" if is_ascending else "descending" if is_descending else "none"
        return Heading(column, self.url(**{SORT: wanted, CURSOR: None}), direction)

    @property
    def next_url(self) -> str:
        cursor = self.page.next_cursor
        return self.url(**{CURSOR: cursor}) if cursor else ""

    @property
    def previous_url(self) -> str:
        cursor = self.page.previous_cursor
        return self.url(**{CURSOR: cursor}) if cursor else ""

    @property
    def clear_url(self) -> str:
        names = [each for name in self.form.fields for each in self._names(name)]
        return self.url(**dict.fromkeys(names), **{CURSOR: None})

    @property
    def export_urls(self) -> dict[str, str]:
        return {kind: self.url(**{FORMAT: kind, CURSOR: None}) for kind in exports.FORMATS}

    @property
    def here(self) -> str:
        return self.url()

    def url(self, **changes: str | None) -> str:
        """This page's address with something changed; what is empty or limits nothing is left out."""
        query = self.query.copy()
        for name in [each for field in self.form.fields if not self._is_used(field) for each in self._names(field)]:
            query.pop(name, None)
        for name, value in {FORMAT: None, **changes}.items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        for name in [name for name in query if not any(query.getlist(name))]:
            del query[name]
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path


class ListPage(LoginRequiredMixin, View, ABC):
    template_name: ClassVar[str]
    partial: ClassVar[str] = "table"
    filterset_class: ClassVar[Any]
    # These three may be narrowed in setup(), for whom looks
    shown_filters: Sequence[str] = ()
    columns: Sequence[Column] = ()
    bulk_actions: Sequence[BulkAction] = ()
    order: ClassVar[str] = "-id"
    page_size: ClassVar[int] = 50
    export_name: ClassVar[str] = "list"

    @property
    def actor(self) -> Any:
        """Who does what is done to several rows."""
        return self.request.user

    @abstractmethod
    def get_queryset(self) -> "QuerySet[Any]":
        """What this person may see, nothing more."""

    def get_filterset(self, query: QueryDict) -> Any:
        return self.filterset_class(query, queryset=self.get_queryset(), request=self.request)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        return {"list": listing, "bulk_actions": self.bulk_actions}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        listing = Listing(self, request)
        if kind := request.GET.get(FORMAT):
            return self._export(listing, kind)
        return self._answer(listing)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Does one thing to each chosen row; the table comes back with a notice of what was done and what wasn't."""
        action = next((each for each in self.bulk_actions if each.name == request.POST.get("action")), None)
        if action is None:
            raise NotFound(_("There is no such action on this list."))
        # No column of the database takes NUL, so no row is called so
        keys = [key for key in request.POST.getlist("selected") if "\0" not in key]
        chosen = self.get_queryset().filter(pk__in=keys)
        done, refusals = self._run(action, chosen)
        notice = _outcome(action, done, refusals)
        if htmx.is_partial(request):
            return htmx.toast(self._answer(Listing(self, request)), **notice)
        htmx.later_toast(request, **notice)
        return htmx.redirect(request, Listing(self, request).here)

    def _run(self, action: BulkAction, rows: Iterable[Model]) -> tuple[int, list[str]]:
        done, refusals = 0, []
        for row in rows:
            try:
                action.run(actor=self.actor, target=row)
            except Problem as problem:
                refusals.append(f"{row}: {problem}")
            else:
                done += 1
        return done, refusals

    def _answer(self, listing: Listing) -> HttpResponse:
        partial = htmx.is_partial(self.request)
        template = f"{self.template_name}#{self.partial}" if partial else self.template_name
        response = render(self.request, template, self.get_context(listing))
        patch_cache_control(response, private=True, no_cache=True)
        htmx.vary(response)
        if not partial:
            return response
        if self.request.method == "GET":
            response["HX-Push-Url"] = listing.here
            return self._unless_known(response)
        return response

    def _unless_known(self, response: HttpResponse) -> HttpResponse:
        """A table that didn't change is 304. Whole pages carry a fresh CSRF token, so they always differ."""
        set_response_etag(response)
        known = get_conditional_response(self.request, etag=response["ETag"], response=response)
        return known if isinstance(known, HttpResponse) else response

    def _export(self, listing: Listing, kind: str) -> HttpResponseBase:
        if kind not in exports.FORMATS:
            raise NotFound(_("This list comes as %(formats)s.") % {"formats": ", ".join(exports.FORMATS)})
        rows = listing.queryset
        rows = rows.order_by(*_with_tie_break(listing.sort, key=rows.model._meta.pk.name))
        if listing.errors:
            raise InvalidInput(fields=dict(listing.errors))
        return exports.stream(rows, self.columns, kind=kind, name=self.export_name, head=self.request.method == "HEAD")


def _with_tie_break(order: str, *, key: str) -> tuple[str, ...]:
    """Rows of the same value keep one order, the same as on the page."""
    if order.removeprefix("-") == key:
        return (order,)
    return (order, f"-{key}" if order.startswith("-") else key)


def _spoken(field: Any, value: Any) -> str:
    """A filter's value as the person chose it: the choice's label, not its key."""
    if isinstance(value, slice):
        ends = [value.start, value.stop]
        return " – ".join("…" if each is None else localize(each) for each in ends)
    if isinstance(value, datetime):
        return str(localize(localtime(value)))
    choices = dict(_flat(getattr(field, "choices", ())))
    values = value if isinstance(value, list | tuple | set) else [value]
    return ", ".join(str(choices.get(each, each)) for each in values)


def _flat(choices: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    for key, label in choices:
        if isinstance(label, list | tuple):
            yield from _flat(label)
        else:
            yield key, label


def _outcome(action: BulkAction, done: int, refusals: list[str]) -> dict[str, Any]:
    counted = ngettext("%(label)s: %(count)d done", "%(label)s: %(count)d done", done)
    title = counted % {"label": action.label, "count": done}
    if not refusals:
        return {"tone": "ok", "title": title}
    return {"tone": "bad" if not done else "warn", "title": title, "text": "\n".join(refusals[:5])}
