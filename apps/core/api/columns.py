"""Which columns a serializer's answer consists of, so that a list can be read without making model objects."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import F, QuerySet
from rest_framework import serializers

# What orjson writes the same way as the field would
PLAIN = (
    serializers.CharField,
    serializers.ChoiceField,
    serializers.IntegerField,
    serializers.FloatField,
    serializers.BooleanField,
    serializers.DecimalField,
    serializers.DateTimeField,
    serializers.DateField,
    serializers.UUIDField,
    serializers.JSONField,
    serializers.PrimaryKeyRelatedField,
)


@cache
def columns(serializer: type[serializers.BaseSerializer[Any]]) -> dict[str, str]:
    """The answer's names, each with the path of its column."""
    found = {}
    for name, field in serializer().fields.items():  # type: ignore[attr-defined]
        if field.write_only:
            continue
        if not isinstance(field, PLAIN) or field.source == "*":
            raise TypeError(
                f"{serializer.__name__}.{name} is no plain column. Set from_columns = False on the view set, "
                "so that its list is made from objects."
            )
        found[name] = "__".join(field.source_attrs)
    return found


def read_columns(
    queryset: QuerySet[Any, Any], serializer: type[serializers.BaseSerializer[Any]], order: Sequence[str]
) -> tuple[QuerySet[Any, Any], set[str]]:
    """The rows as dictionaries with the names of the answer, and the names that are there for the order only."""
    paths = columns(serializer)
    plain = [name for name, path in paths.items() if name == path]
    renamed = {name: F(path) for name, path in paths.items() if name != path}
    wanted = {name.removeprefix("-") for name in order} | {queryset.model._meta.pk.name}
    extra = wanted - set(plain)
    return queryset.values(*plain, *extra, **renamed), extra


def without(names: set[str], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not names:
        return items
    return [{name: value for name, value in item.items() if name not in names} for item in items]
