"""Lists on the short way: PostgreSQL writes each row's JSON; no model object and no serializer is made."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db.models import DateTimeField, F, Func, QuerySet, TextField
from rest_framework import serializers

JSON = "json_"
# A class; its stub hides that it can be hashed, as the cache wants it
Serializer = Any

# What PostgreSQL writes as the field would: no float, whose digits differ, no decimal, which is text in our JSON
PLAIN = (
    serializers.CharField,
    serializers.ChoiceField,
    serializers.IntegerField,
    serializers.BooleanField,
    serializers.DateTimeField,
    serializers.DateField,
    serializers.UUIDField,
    serializers.JSONField,
    serializers.PrimaryKeyRelatedField,
)


class JsonRow(Func):
    """The columns of one row as the text of a JSON object, in the order and with the names of the answer."""

    output_field = TextField()

    def __init__(self, *columns: Any, names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        super().__init__(*columns, names=self.names)

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        pairs, parameters = [], []
        for name, column in zip(self.names, self.get_source_expressions(), strict=True):
            sql, given = compiler.compile(column)
            if isinstance(column.output_field, DateTimeField):
                sql = f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
            pairs.append(f"'{name}', {sql}")
            parameters.extend(given)
        return f"json_build_object({', '.join(pairs)})::text", parameters


@lru_cache(maxsize=256)
def json_row(serializer: Serializer) -> JsonRow:
    """Which columns the serializer's answer consists of."""
    names, columns = [], []
    for name, field in serializer().fields.items():
        if field.write_only:
            continue
        if not isinstance(field, PLAIN) or field.source == "*":
            raise TypeError(
                f"{serializer.__name__}.{name} is no plain column. Set from_columns = False on the view set, "
                "so that its list is made from objects."
            )
        if not name.isidentifier():
            raise TypeError(f"{serializer.__name__}.{name}: a name in JSON written by SQL is letters, digits and _.")
        names.append(name)
        columns.append(F("__".join(field.source_attrs)))
    return JsonRow(*columns, names=names)


def read_columns(queryset: QuerySet[Any, Any], serializer: Serializer, order: Sequence[str]) -> QuerySet[Any, Any]:
    """The rows as dictionaries of their JSON and of what the order needs."""
    wanted = dict.fromkeys([*(name.removeprefix("-") for name in order), queryset.model._meta.pk.name])
    return queryset.values(*wanted, **{JSON: json_row(serializer)})


def fragments(rows: Sequence[dict[str, Any]]) -> list[orjson.Fragment]:
    return [orjson.Fragment(row[JSON]) for row in rows]
