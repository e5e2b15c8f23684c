"""Keyset pages of a list: found by the last row of the page before, so the thousandth costs what the first does.

Pages and the API use the same; nothing in here knows either of them. A cursor is opaque and signed, and belongs to
one model and one order: changed by hand, or taken to another list, it's refused.
"""

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar

import orjson
from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Field, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LONGEST_CURSOR = 4000

NEXT = "n"
PREVIOUS = "p"


Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page. `None` for a cursor means that there is nothing in that direction."""

    items: list[Item]
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True)
class Column:
    """One column of the order."""

    path: str
    descending: bool
    nullable: bool
    field: "Field[Any, Any]"

    def sort(self, *, backwards: bool) -> Any:
        """PostgreSQL's own order counts null as the largest value; keeping to it keeps plain indexes usable."""
        return F(self.path).desc() if self.descending != backwards else F(self.path).asc()

    def equals(self, value: Any) -> Q:
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})

    def follows(self, value: Any, *, backwards: bool, inclusive: bool = False) -> Q | None:
        """What sorts after the value (or with it); `None` where nothing can."""
        suffix = "e" if inclusive else ""
        if self.descending == backwards:
            if value is None:
                return Q(**{f"{self.path}__isnull": True}) if inclusive else None
            larger = Q(**{f"{self.path}__gt{suffix}": value})
            return larger | Q(**{f"{self.path}__isnull": True}) if self.nullable else larger
        if value is None:
            return Q() if inclusive else Q(**{f"{self.path}__isnull": False})
        return Q(**{f"{self.path}__lt{suffix}": value})


def paginate(
    queryset: QuerySet[Any, Item], *, order: Sequence[str], cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Item]:
    """One page of `queryset` in `order` (`"-created_at"`: newest first; the primary key breaks ties).

    Two facts of the caller's: a `.values()` queryset must hold the columns of the order, and an index on them in this
    order makes it fast.
    """
    if limit < 1:
        raise ValueError("A page has at least one row.")
    columns = _columns(queryset, order)
    signer = _signer(queryset, columns)
    direction, position = _read(cursor, signer, columns) if cursor else (NEXT, None)
    backwards = direction == PREVIOUS

    rows = queryset.order_by(*(column.sort(backwards=backwards) for column in columns))
    if position is not None:
        rows = rows.filter(_beyond(columns, position, backwards=backwards))
    items = list(rows[: limit + 1])
    more = len(items) > limit
    del items[limit:]
    if backwards:
        items.reverse()

    def cursor_at(item: Item, towards: str) -> str:
        return _write(signer, towards, [_value(item, column.path) for column in columns])

    # Where a cursor led here, the row it was made of lies behind
    has_next, has_previous = (True, more) if backwards else (more, position is not None)
    return Page(
        items=items,
        next_cursor=cursor_at(items[-1], NEXT) if items and has_next else None,
        previous_cursor=cursor_at(items[0], PREVIOUS) if items and has_previous else None,
    )


def read_limit(text: str | None, *, default: int = DEFAULT_LIMIT, largest: int = LARGEST_LIMIT) -> int:
    """The `limit` of a query string."""
    if text is None:
        return default
    limit = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0
    if not 1 <= limit <= largest:
        message = _("Write a whole number from 1 to %(largest)d.") % {"largest": largest}
        raise InvalidInput(fields={"?limit": [message]})
    return limit


def read_sort(text: str | None, *, allowed: Collection[str], default: Sequence[str]) -> Sequence[str]:
    """The `sort` of a query string: one name from `allowed`, with `-` before it to sort downwards."""
    if text is None:
        return default
    if text.removeprefix("-") not in allowed:
        message = _("Sort by one of these: %(names)s. A minus sign before it sorts downwards.")
        raise InvalidInput(fields={"?sort": [message % {"names": ", ".join(sorted(allowed))}]})
    return [text]


# --- The order -------------------------------------------------------------------------------------


def _columns(queryset: QuerySet[Any, Any], order: Sequence[str]) -> list[Column]:
    key = queryset.model._meta.pk.name
    names = [*order]
    if key not in [name.removeprefix("-") for name in names]:
        # The tie-break turns with the last column, so that one index serves the whole order
        names.append(f"-{key}" if names and names[-1].startswith("-") else key)
    return [_column(queryset, name) for name in names]


def _column(queryset: QuerySet[Any, Any], name: str) -> Column:
    path = name.removeprefix("-")
    annotation = queryset.query.annotations.get(path)
    if annotation is not None:
        return Column(path, name != path, True, annotation.output_field)
    model, nullable = queryset.model, False
    *relations, last = path.split("__")
    for relation in relations:
        step = model._meta.get_field(relation)
        nullable = nullable or getattr(step, "null", True)
        if step.related_model is None or isinstance(step.related_model, str):
            raise FieldDoesNotExist(f"{path} leads through {relation}, which is no relation.")
        model = step.related_model
    field = model._meta.get_field(last)
    if not isinstance(field, Field):
        raise FieldDoesNotExist(f"{path} isn't a column, so no list can be ordered by it.")
    return Column(path, name != path, nullable or field.null, field)


def _beyond(columns: list[Column], position: list[Any], *, backwards: bool) -> Any:
    if len({column.descending for column in columns}) == 1 and not any(column.nullable for column in columns):
        # A row comparison is the one form for which PostgreSQL goes straight to the place in the index, also among ties
        compare = TupleGreaterThan if columns[0].descending == backwards else TupleLessThan
        return compare(Tuple(*(F(column.path) for column in columns)), tuple(position))

    branches: list[Q] = []
    for depth, (column, value) in enumerate(zip(columns, position, strict=True)):
        after = column.follows(value, backwards=backwards)
        if after is not None:
            ties = [earlier.equals(known) for earlier, known in zip(columns[:depth], position[:depth], strict=True)]
            branches.append(reduce(Q.__and__, [*ties, after]))
    # Says nothing new, but lets an index on the first column skip what lies before
    reach = columns[0].follows(position[0], backwards=backwards, inclusive=True)
    return (reach or Q()) & reduce(Q.__or__, branches)


def _value(item: Any, path: str) -> Any:
    if isinstance(item, dict):
        try:
            return item[path]
        except KeyError:
            raise ValueError(f"The list is ordered by {path}; name it in values() too.") from None
    for name in path.split("__"):
        item = getattr(item, name, None)
    return item


# --- The cursor ------------------------------------------------------------------------------------


def _signer(queryset: QuerySet[Any, Any], columns: list[Column]) -> signing.Signer:
    order = ",".join(f"{'-' if column.descending else ''}{column.path}" for column in columns)
    return signing.Signer(sep=".", salt=f"listing:{queryset.model._meta.label}:{order}")


def _write(signer: signing.Signer, direction: str, position: list[Any]) -> str:
    text = base64.urlsafe_b64encode(orjson.dumps([direction, *position], default=str)).decode().rstrip("=")
    return signer.sign(text)


def _read(cursor: str, signer: signing.Signer, columns: list[Column]) -> tuple[str, list[Any]]:
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError("longer than any that is given out")
        text = signer.unsign(cursor)
        direction, *position = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        values = [column.field.to_python(value) for column, value in zip(columns, position, strict=True)]
    except (signing.BadSignature, ValueError, binascii.Error, ValidationError) as error:
        message = _("This cursor isn't one of this list in this order. Start again without it.")
        raise InvalidInput(fields={"?cursor": [message]}) from error
    return direction, values
