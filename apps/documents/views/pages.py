"""The tab Data: collections with their sizes, and one of them with its documents and indexes."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.documents.selectors import (
    ASKED,
    MOST_SHOWN,
    SHOWN,
    Collection,
    Index,
    Page,
    SlowOperation,
    list_collections,
    list_documents,
    list_indexes,
    list_slow,
)
from apps.documents.values import LONGEST, id_first, read_object, written
from apps.documents.views.base import AboutCollection, InData, keys_in_words
from apps.gateways.views.page import GatewayPage

LIMITS = (20, 50, 100, MOST_SHOWN)
NOTHING = Page((), None)


class DataPage(InData, GatewayPage):
    tab = "data"
    tab_label = gettext_lazy("Data")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.require("data.read")
        return super().get(request, *args, **kwargs)

    def slow(self, collection: str = "") -> list[dict[str, Any]]:
        rows = self.attempt(
            lambda: list_slow(actor=self.actor, gateway=self.gateway, collection=collection), list[SlowOperation]()
        )
        return [
            {
                "row": row,
                "suggests": keys_in_words(row.suggests) if row.suggests else "",
                "index_url": self._index_url(row) if row.suggests else "",
            }
            for row in rows
        ]

    def _index_url(self, row: SlowOperation) -> str:
        where = address("documents:new_index", gateway_id=self.gateway.pk, collection=row.collection)
        return f"{where}?{urlencode({'keys': keys_in_words(row.suggests or ())})}"


class CollectionList(DataPage):
    template_name = "documents/list.html"

    def get_context(self) -> dict[str, Any]:
        rows = self.attempt(lambda: list_collections(actor=self.actor, gateway=self.gateway), list[Collection]())
        return {"collections": rows, "slow": self.slow(), **self.away_context}


class CollectionPage(AboutCollection, DataPage):
    """What a filter finds, in an order, some at a time."""

    template_name = "documents/collection.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if htmx.target(request) == "documents":
            self.require("data.read")
            return htmx.fresh(
                request,
                f"{self.template_name}#found",
                {**self.get_context(), "gateway": self.gateway, "is_piece": True},
            )
        return super().get(request, *args, **kwargs)

    def get_context(self) -> dict[str, Any]:
        asked = self.request.GET
        fields = {name: asked.get(name, "")[:LONGEST] for name in ASKED}
        limit = int(asked["limit"]) if asked.get("limit", "") in map(str, LIMITS) else SHOWN
        errors: dict[str, list[Any]] = {}
        wanted: dict[str, Any] = {}
        page = NOTHING
        for name, text in fields.items():
            try:
                wanted[name] = read_object(text, name)
            except InvalidInput as problem:
                errors |= problem.fields
        if not errors:
            asks = {**self.about, **wanted, "limit": limit, "after": _after(asked.get("after"))}
            try:
                page = self.attempt(lambda: list_documents(**asks), NOTHING)
            except InvalidInput as problem:
                errors = {name if name in ASKED else "filter": said for name, said in problem.fields.items()}
        indexes = self.attempt(lambda: list_indexes(**self.about), list[Index]())
        return {
            "collection": self.collection,
            "fields": fields,
            "errors": errors,
            "asked": ASKED,
            "limit": limit,
            "limits": LIMITS,
            "rows": [_row(each["_id"], text=written(id_first(each))) for each in page.documents],
            "is_filtered": bool(fields["filter"].strip()),
            "is_there": page.is_there,
            "make_url": self._make_url(),
            "next_url": self._next_url({**fields, "limit": str(limit)}, page),
            "is_later": bool(asked.get("after")),
            "indexes": [_row(each.name, row=each, keys=keys_in_words(each.keys)) for each in indexes],
            "slow": self.slow(self.collection),
            "path": self.request.path,
            "here": self.request.get_full_path(),
            **self.away_context,
        }

    def _make_url(self) -> str:
        where = address("documents:new", gateway_id=self.gateway.pk)
        return f"{where}?{urlencode({'name': self.collection})}"

    def _next_url(self, fields: dict[str, str], page: Page) -> str:
        if page.after is None:
            return ""
        query = {name: value for name, value in fields.items() if value}
        return f"{self.request.path}?{urlencode({**query, 'after': json.dumps(page.after)})}"


def _after(text: str | None) -> tuple[str, ...] | None:
    """A link that was changed leads to the beginning."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    is_good = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return tuple(found) if is_good else None


def _row(name: str, **more: Any) -> dict[str, Any]:
    """`query` names it in an address."""
    return {"id": name, "query": urlencode({"name": name}), **more}
