"""List, retrieve, create, update, destroy and verbs of one kind of object. An app's api.py says only what differs:

    class NoteViewSet(Listed, Retrieved, Created, Updated, Destroyed):
        tag, singular, plural = "notes", "a note", "notes"
        serializer_class = NoteSerializer
        create_serializer_class = update_serializer_class = NoteInput
        filterset_class = NoteFilter
        sorts = ("created_at", "title")

        def get_queryset(self):
            return selectors.list_notes(actor=self.actor)

        def perform_create(self, **fields):
            return services.create_note(actor=self.actor, **fields)

        @verb()
        def archive(self, request, pk):
            "Archive a note."
            note = self.get_object()
            return self.show(services.archive_note(actor=self.actor, note=note))

Permission is the services' and selectors' matter: what isn't in `get_queryset` is not found.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ViewSetMixin

from apps.core.api.columns import fragments, read_columns
from apps.core.api.conditional import etag_of, is_known, not_modified, require_current
from apps.core.api.filtering import SharedFilters, filter_names, filtered
from apps.core.api.views import ApiView, answer, no_content
from apps.core.errors import NotFound
from apps.core.listing import DEFAULT_LIMIT, Page, paginate, read_limit, read_sort

Verb = Callable[..., HttpResponse]
PAGING = frozenset({"cursor", "limit"})


def verb(*, body: type[BaseSerializer[Any]] | None = None, needs_version: bool = False) -> Callable[[Verb], Verb]:
    """`POST /…/{id}/<name>`: a verb of one object. Its docstring is its entry in the reference."""

    def declare(function: Verb) -> Verb:
        name = function.__name__.replace("_", "-")
        function.body_serializer_class = body  # type: ignore[attr-defined]
        function.needs_version = needs_version  # type: ignore[attr-defined]
        declared: Verb = action(detail=True, methods=["post"], url_path=name, url_name=name)(function)
        return declared

    return declare


def of_version(function: Verb) -> Verb:
    """What takes If-Match, beside the usual ones: its handler calls `get_for_change`."""
    function.needs_version = True  # type: ignore[attr-defined]
    return function


class ApiViewSet(ViewSetMixin, ApiView, ABC):
    # For the reference: how one and several are called in a sentence
    singular: ClassVar[str]
    plural: ClassVar[str]

    serializer_class: type[BaseSerializer[Any]]
    lookup_field = "pk"
    # Ids only: whatever else stands there can't be one, and reaches no query
    lookup_value_regex = "[0-9a-zA-Z_-]{1,64}"
    lookup_url_kwarg: str | None = None
    action: str
    # Changes by itself as well, which is no new version of it
    lives: ClassVar[bool] = False
    # What no token may do, whatever its scopes
    sessions_only: ClassVar[frozenset[str]] = frozenset()

    def needed_scope(self) -> str | None:
        return None if self.action in self.sessions_only else super().needed_scope()

    def represent(self, row: Any, serializer_class: type[BaseSerializer[Any]] | None = None) -> Any:
        return (serializer_class or self.serializer_class)(row, context={"request": self.request}).data

    def etag_of(self, row: Any, shown: Any) -> str:
        """What lives shows something new while its version stays: it says both."""
        return etag_of(row, shown, lives=self.lives)

    def show(
        self,
        row: Any,
        serializer_class: type[BaseSerializer[Any]] | None = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        """One object as the answer, with its version."""
        shown = self.represent(row, serializer_class)
        return answer(shown, status=status, headers={"ETag": self.etag_of(row, shown), **(headers or {})})

    def read_body(self, serializer_class: type[BaseSerializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data, partial=partial, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class WithObject(ApiViewSet):
    """It is one thing, such as the account of whoever asks."""

    @abstractmethod
    def get_object(self) -> Any:
        """What the address names."""

    def get_for_change(self) -> Any:
        """The object, if it still is the version that If-Match names."""
        row = self.get_object()
        require_current(self.request, self.etag_of(row, self.represent(row)))
        return row


class WithRows(WithObject):
    """It is one of many, which are told apart by their ids."""

    @abstractmethod
    def get_queryset(self) -> QuerySet[Any]:
        """All that the actor may see."""

    def get_object(self) -> Any:
        found = self.get_queryset().filter(**{self.lookup_field: self.kwargs["pk"]}).first()
        if found is None:
            raise NotFound
        return found


class Listed(WithRows):
    """GET on the collection: filtered, sorted, by keyset pages."""

    filter_backends = (SharedFilters,)
    filterset_class: ClassVar[Any] = None
    sorts: ClassVar[tuple[str, ...]] = ()
    default_sort: ClassVar[tuple[str, ...]] = ("-id",)
    default_limit: ClassVar[int] = DEFAULT_LIMIT
    # PostgreSQL writes the rows' JSON; False where a field of the answer needs Python
    from_columns: ClassVar[bool] = True

    def query_parameters(self) -> frozenset[str]:
        if self.action != "list":
            return super().query_parameters()
        return PAGING | ({"sort"} if self.sorts else set()) | filter_names(self.filterset_class)

    def list(self, request: Request, **named: str) -> HttpResponse:
        asked = request.query_params
        order = read_sort(asked.get("sort"), allowed=self.sorts, default=self.default_sort)
        page = self.read_page(
            filtered(self.get_queryset(), self.filterset_class, request),
            order=order,
            cursor=asked.get("cursor"),
            limit=read_limit(asked.get("limit"), default=self.default_limit),
        )
        shown = {"items": page.items, "next_cursor": page.next_cursor, "previous_cursor": page.previous_cursor}
        return answer(shown, headers=link_header(request, page))

    def read_page(self, queryset: QuerySet[Any], **paging: Any) -> Page[Any]:
        """One page, its items as they're answered."""
        if not self.from_columns:
            page = paginate(queryset, **paging)
            return replace(page, items=[self.represent(item) for item in page.items])
        page = paginate(read_columns(queryset, self.serializer_class, paging["order"]), **paging)
        return replace(page, items=fragments(page.items))


class Retrieved(WithObject):
    """GET on one object. A version that the asker has already isn't sent again."""

    def retrieve(self, request: Request, pk: str | None = None) -> HttpResponse:
        row = self.get_object()
        shown = self.represent(row)
        etag = self.etag_of(row, shown)
        if is_known(request, etag):
            return not_modified(etag)
        return answer(shown, headers={"ETag": etag, "Cache-Control": "private, no-cache"})


class Created(ApiViewSet):
    """POST on the collection."""

    create_serializer_class: type[BaseSerializer[Any]]
    # Where the answer to the create shows more than is ever shown again
    created_serializer_class: type[BaseSerializer[Any]] | None = None

    @abstractmethod
    def perform_create(self, **fields: Any) -> Any:
        """Call the service; returns the new object."""

    def create(self, request: Request) -> HttpResponse:
        row = self.perform_create(**self.read_body(self.create_serializer_class))
        where = {"Location": f"{request.path}/{row.pk}"}
        return self.show(row, self.created_serializer_class, status=201, headers=where)


class Updated(WithObject):
    """PATCH on one object, with If-Match."""

    update_serializer_class: type[BaseSerializer[Any]]

    @abstractmethod
    def perform_update(self, row: Any, **fields: Any) -> Any:
        """Call the service; returns the object as it's now."""

    def partial_update(self, request: Request, pk: str | None = None) -> HttpResponse:
        row = self.get_for_change()
        return self.show(self.perform_update(row, **self.read_body(self.update_serializer_class, partial=True)))


class Destroyed(WithObject):
    """DELETE on one object, with If-Match."""

    @abstractmethod
    def perform_destroy(self, row: Any) -> None:
        """Call the service."""

    def destroy(self, request: Request, pk: str | None = None) -> HttpResponse:
        self.perform_destroy(self.get_for_change())
        return no_content()


def link_header(request: Request, page: Page[Any]) -> dict[str, str]:
    """The neighbouring pages as addresses (RFC 8288), for programs that follow links."""
    links = []
    for relation, cursor in (("next", page.next_cursor), ("prev", page.previous_cursor)):
        if cursor is not None:
            query = request.GET.copy()
            query["cursor"] = cursor
            links.append(f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="{relation}"')
    return {"Link": ", ".join(links)} if links else {}
