"""The filters of a list, from the same FilterSet as its page, but strict: what can't be used is refused."""

from copy import deepcopy
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import BooleanFilter, FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.widgets import SuffixedMultiWidget
from rest_framework.request import Request

from apps.core.errors import InvalidInput


class SharedFilters(DjangoFilterBackend):
    """Tells the OpenAPI document about the filters; the view set itself applies them."""


def filter_names(filterset_class: Any) -> frozenset[str]:
    """The parameters that the filters read; a range has two."""
    return frozenset() if filterset_class is None else _names(filterset_class)


@cache
def _names(filterset_class: Any) -> frozenset[str]:
    names: set[str] = set()
    # A filter keeps its field, and with it what may be chosen by whoever asks now: nobody does here
    for name, filter_ in deepcopy(filterset_class.base_filters).items():
        widget = filter_.field.widget
        if isinstance(widget, SuffixedMultiWidget):
            names.update(widget.suffixed(name, suffix) for suffix in widget.suffixes)
        else:
            names.add(name)
    return frozenset(names)


def filtered(queryset: QuerySet[Any], filterset_class: Any, request: Request) -> QuerySet[Any]:
    # A FilterSet copies all its filters when it's made: not for a list that isn't filtered
    if filterset_class is None or filter_names(filterset_class).isdisjoint(request.query_params):
        return queryset
    _refuse_unclear_booleans(filterset_class, request)
    filterset = filterset_class(data=request.query_params, queryset=queryset, request=request)
    if not filterset.is_valid():
        errors = filterset.form.errors.as_data()
        raise InvalidInput(fields={f"?{name}": list(found) for name, found in errors.items()})
    found: QuerySet[Any] = filterset.qs
    return found


def _refuse_unclear_booleans(filterset_class: type[FilterSet], request: Request) -> None:
    """A form takes what it doesn't understand for "either"; here somebody would get rows that they excluded."""
    for name, filter_ in filterset_class.base_filters.items():
        if isinstance(filter_, BooleanFilter) and request.query_params.get(name, "true") not in {"true", "false"}:
            raise InvalidInput(fields={f"?{name}": [_("Write true or false.")]})
