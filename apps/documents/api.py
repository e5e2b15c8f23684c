import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.urls import re_path
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.core.afterwards import afterwards
from apps.core.api.conditional import is_known, not_modified, require_current
from apps.core.api.serializers import Input
from apps.core.api.views import answer, no_content
from apps.core.api.viewsets import ApiViewSet, of_version
from apps.core.errors import InvalidInput, NotFound
from apps.core.listing import read_limit
from apps.documents import selectors, services
from apps.documents.problems import DataUnanswered
from apps.documents.selectors import ASKED, SHOWN, Collection, Document, Index, SlowOperation
from apps.documents.values import read_object
from apps.gateways.api.below import OF_ONE, OfGateway
from apps.gateways.models import FunctionGateway

COLLECTION = "[A-Za-z][A-Za-z0-9_-]{0,47}"
INDEX = "[^/]{1,200}"
PATH_PARAMETERS = {
    **OfGateway.path_parameters,
    "collection": {"schema": {"type": "string", "pattern": f"^{COLLECTION}$"}, "description": "The collection's name."},
}


class CollectionSerializer(serializers.Serializer[Collection]):
    name = serializers.CharField()
    documents = serializers.IntegerField()
    is_exact = serializers.BooleanField(help_text="False: `documents` is an estimate.")
    bytes = serializers.IntegerField()
    index_bytes = serializers.IntegerField()


class CollectionInput(Input):
    name = serializers.CharField(max_length=48, help_text="A letter, then letters, digits, `_` and `-`.")


class KeysField(serializers.JSONField):
    """Fields in their order, which an object's need not keep for everybody."""

    def to_representation(self, value: Any) -> Any:
        return dict(value)


class IndexSerializer(serializers.Serializer[Index]):
    name = serializers.CharField()
    keys = KeysField(help_text="Fields with 1 for ascending or -1 for descending.")
    is_unique = serializers.BooleanField()
    bytes = serializers.IntegerField(allow_null=True, help_text="null: the index of `_id`, which is always there.")
    uses = serializers.IntegerField(allow_null=True, help_text="How often queries took it.")


class IndexInput(Input):
    keys = serializers.DictField(
        child=serializers.ChoiceField(choices=[1, -1]),
        allow_empty=False,
        help_text="Fields in their order, with 1 for ascending or -1 for descending.",
    )
    is_unique = serializers.BooleanField(default=False)
    name = serializers.CharField(default="", allow_blank=True, help_text="Made of the fields where it's empty.")


class SlowSerializer(serializers.Serializer[SlowOperation]):
    collection = serializers.CharField()
    op = serializers.CharField()
    shape = serializers.CharField(help_text="Its filter and order, with a question mark for each value.")
    times = serializers.IntegerField()
    mean_ms = serializers.FloatField()
    most_ms = serializers.FloatField()
    last_at = serializers.DateTimeField()
    suggests = KeysField(allow_null=True, help_text="The index that would help; null: there is one, or none would.")


class DocumentInput(Input):
    document = serializers.DictField(help_text='JSON; a date is `{"$date": "2026-01-31T12:00:00Z"}`.')


class DocumentSerializer(serializers.Serializer[Document]):
    document = serializers.DictField(source="content")


def _several(kind: type[serializers.Serializer[Any]], name: str, *, paged: bool = False) -> Any:
    fields: dict[str, Any] = {"items": kind(many=True)}
    if paged:
        fields["next_cursor"] = serializers.CharField(allow_null=True)
    return type(name, (serializers.Serializer,), fields)


class DataApi(OfGateway, ApiViewSet):
    """Asked of the gateway's runtime, as functions ask: there's one way that documents are read and written."""

    queryset = FunctionGateway.objects.none()
    refusals = frozenset({400, 404, 409, 422, 503})

    @property
    def about(self) -> dict[str, Any]:
        return {"actor": self.actor, "gateway": self.gateway, "collection": self.kwargs["collection"]}

    def items(self, rows: list[Any]) -> HttpResponse:
        return answer({"items": [self.represent(row) for row in rows]})

    def changing(self, make: Callable[[], HttpResponse]) -> HttpResponse:
        """The answer to a change, which is made outside of the request's own transaction."""
        gateway = self.gateway
        # Before anything is asked of the gateway, which may be away
        self.actor.require("data.change", row=gateway, is_own=gateway.owner_id == self.actor.pk)

        def finish() -> HttpResponse:
            try:
                return make()
            except DataUnanswered as problem:
                # An answer as well: under the same Idempotency-Key it isn't made again
                return self.handle_exception(problem)  # type: ignore[no-any-return]

        return afterwards(
            answer({"detail": _("It was begun. Whether it was done, the data tells.")}, status=202), finish
        )


class CollectionViewSet(DataApi):
    """What functions keep in collections of documents."""

    tag, singular, plural = "collections", "a collection", "collections"
    path_parameters = PATH_PARAMETERS
    serializer_class = CollectionSerializer
    create_serializer_class = CollectionInput

    @extend_schema(responses={200: _several(CollectionSerializer, "Collections")})
    def list(self, request: Request, gateway_id: str) -> HttpResponse:
        """List the collections of a gateway."""
        return self.items(selectors.list_collections(actor=self.actor, gateway=self.gateway))

    def retrieve(self, request: Request, gateway_id: str, collection: str) -> HttpResponse:
        """Read a collection's sizes."""
        return answer(self.represent(selectors.get_collection(**self.about)))

    @extend_schema(request=CollectionInput, responses={201: CollectionSerializer})
    def create(self, request: Request, gateway_id: str) -> HttpResponse:
        """Make an empty collection."""
        body = self.read_body(CollectionInput)

        def make() -> HttpResponse:
            name = services.create_collection(actor=self.actor, gateway=self.gateway, **body)
            row = selectors.get_collection(actor=self.actor, gateway=self.gateway, collection=name)
            return answer(self.represent(row), status=201, headers={"Location": f"{request.path}/{quote(name)}"})

        return self.changing(make)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, gateway_id: str, collection: str) -> HttpResponse:
        """Drop a collection with its documents and indexes, for good."""

        def make() -> HttpResponse:
            services.drop_collection(actor=self.actor, gateway=self.gateway, name=collection)
            return no_content()

        return self.changing(make)


class SlowViewSet(DataApi):
    """Operations over 100 ms."""

    tag, singular, plural = "slow-operations", "a slow operation", "slow operations"
    serializer_class = SlowSerializer

    def query_parameters(self) -> frozenset[str]:
        return frozenset({"collection"})

    @extend_schema(
        parameters=[OpenApiParameter("collection", description="Of this one alone.")],
        responses={200: _several(SlowSerializer, "SlowOperations")},
    )
    def list(self, request: Request, gateway_id: str) -> HttpResponse:
        """List slow operations, those first that took longest in all."""
        named = request.query_params.get("collection", "")
        return self.items(selectors.list_slow(actor=self.actor, gateway=self.gateway, collection=named))


class IndexViewSet(DataApi):
    tag, singular, plural = "indexes", "an index", "indexes"
    serializer_class = IndexSerializer
    path_parameters = {
        **PATH_PARAMETERS,
        "name": {"schema": {"type": "string", "pattern": f"^{INDEX}$"}, "description": "The index's name."},
    }

    @extend_schema(responses={200: _several(IndexSerializer, "Indexes")})
    def list(self, request: Request, gateway_id: str, collection: str) -> HttpResponse:
        """List a collection's indexes."""
        return self.items(selectors.list_indexes(**self.about))

    def retrieve(self, request: Request, gateway_id: str, collection: str, name: str) -> HttpResponse:
        """Read an index."""
        return answer(self.represent(selectors.get_index(**self.about, name=name)))

    @extend_schema(request=IndexInput, responses={201: IndexSerializer})
    def create(self, request: Request, gateway_id: str, collection: str) -> HttpResponse:
        """Make an index."""
        body = self.read_body(IndexInput)

        def make() -> HttpResponse:
            made = services.create_index(**self.about, **body)
            row = selectors.get_index(**self.about, name=made)
            where = {"Location": f"{request.path}/{quote(made, safe='')}"}
            return answer(self.represent(row), status=201, headers=where)

        return self.changing(make)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, gateway_id: str, collection: str, name: str) -> HttpResponse:
        """Drop an index."""

        def make() -> HttpResponse:
            services.drop_index(**self.about, name=name)
            return no_content()

        return self.changing(make)


class DocumentViewSet(DataApi):
    """Documents as they are in the collection, with `_id`."""

    tag, singular, plural = "documents", "a document", "documents"
    serializer_class = DocumentSerializer
    path_parameters = {
        **PATH_PARAMETERS,
        "id": {
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "The document's `_id`, percent-encoded.",
        },
    }

    def query_parameters(self) -> frozenset[str]:
        return frozenset({"filter", "sort", "projection", "limit", "cursor"}) if self.action == "list" else frozenset()

    @extend_schema(
        parameters=[
            OpenApiParameter("filter", description='JSON, as `find` of imp.db takes it: `{"status": "open"}`.'),
            OpenApiParameter("sort", description='JSON: `{"created": -1}`. By `_id` unless it says otherwise.'),
            OpenApiParameter("projection", description='JSON: the fields to take, `{"status": 1}`, or to leave out.'),
            OpenApiParameter("limit", description="At most 200; 20 unless it's said.", type=int),
            OpenApiParameter("cursor", description="The `next_cursor` of the page before."),
        ],
        responses={200: _several(DocumentSerializer, "Documents", paged=True)},
    )
    def list(self, request: Request, gateway_id: str, collection: str) -> HttpResponse:
        """Find documents."""
        asked = request.query_params
        wanted: dict[str, Any] = {name: read_object(asked.get(name, ""), f"?{name}") for name in ASKED}
        limit = min(read_limit(asked.get("limit"), default=SHOWN), selectors.MOST_SHOWN)
        after = _after(asked.get("cursor"))
        try:
            page = selectors.list_documents(**self.about, **wanted, limit=limit, after=after)
        except InvalidInput as problem:
            problem.fields = {f"?{name}": said for name, said in problem.fields.items()}
            raise
        if not page.is_there:
            raise NotFound(_("There is no collection %(name)s.") % {"name": collection})
        cursor = json.dumps(page.after) if page.after else None
        return answer({"items": [{"document": each} for each in page.documents], "next_cursor": cursor})

    @extend_schema(request=DocumentInput, responses={201: DocumentSerializer})
    def create(self, request: Request, gateway_id: str, collection: str) -> HttpResponse:
        """Insert a document."""
        body = self.read_document()

        def make() -> HttpResponse:
            made = services.insert_document(**self.about, document=body)
            headers = {"Location": f"{request.path}/{quote(made.id, safe='')}", "ETag": f'"{made.version}"'}
            return answer(self.represent(made), status=201, headers=headers)

        return self.changing(make)

    @extend_schema(responses={200: DocumentSerializer})
    def retrieve(self, request: Request, gateway_id: str, collection: str, id: str) -> HttpResponse:
        """Read a document."""
        found = selectors.get_document(**self.about, id=id)
        if is_known(request, etag := f'"{found.version}"'):
            return not_modified(etag)
        return answer(self.represent(found), headers={"ETag": etag, "Cache-Control": "private, no-cache"})

    @extend_schema(request=DocumentInput, responses={200: DocumentSerializer})
    @of_version
    def update(self, request: Request, gateway_id: str, collection: str, id: str) -> HttpResponse:
        """Give a document another content, if it's still the one of If-Match."""
        body = self.read_document()

        def make() -> HttpResponse:
            made = services.change_document(**self.about, id=id, version=self._version(request, id), document=body)
            return answer(self.represent(made), headers={"ETag": f'"{made.version}"'})

        return self.changing(make)

    @extend_schema(responses={204: None})
    @of_version
    def destroy(self, request: Request, gateway_id: str, collection: str, id: str) -> HttpResponse:
        """Delete a document, if it's still the one of If-Match."""

        def make() -> HttpResponse:
            services.delete_document(**self.about, id=id, version=self._version(request, id))
            return no_content()

        return self.changing(make)

    def read_document(self) -> dict[str, Any]:
        document: dict[str, Any] = self.read_body(DocumentInput)["document"]
        # As it was written: what read the body has made other numbers of those with too many digits
        read_object(self.request._request.body.decode(), "document")
        return document

    def _version(self, request: Request, id: str) -> str:
        """Looked at first, to refuse in the house's words; kept to by the change itself."""
        found = selectors.get_document(**self.about, id=id)
        require_current(request, f'"{found.version}"')
        return found.version


def _after(cursor: str | None) -> tuple[str, ...] | None:
    if cursor is None:
        return None
    try:
        found = json.loads(cursor)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InvalidInput(fields={"?cursor": [_("This isn't a cursor of this list.")]})
    return tuple(found)


ALL = f"{OF_ONE}/collections"
ONE = f"{ALL}/(?P<collection>{COLLECTION})"
urlpatterns = [
    re_path(f"^{ALL}$", CollectionViewSet.as_view({"get": "list", "post": "create"}), name="collections"),
    re_path(f"^{ONE}$", CollectionViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="collection"),
    re_path(f"^{OF_ONE}/slow-operations$", SlowViewSet.as_view({"get": "list"}), name="slow-operations"),
    re_path(f"^{ONE}/indexes$", IndexViewSet.as_view({"get": "list", "post": "create"}), name="collection-indexes"),
    re_path(
        f"^{ONE}/indexes/(?P<name>{INDEX})$",
        IndexViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="index",
    ),
    re_path(f"^{ONE}/documents$", DocumentViewSet.as_view({"get": "list", "post": "create"}), name="documents"),
    re_path(
        # Any text, with ends of lines in it too
        rf"^{ONE}/documents/(?P<id>[\s\S]{{1,200}})$",
        DocumentViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="document",
    ),
]
