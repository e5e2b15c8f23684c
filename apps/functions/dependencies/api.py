from typing import Any

from django.http import HttpResponse
from django.urls import re_path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from apps.core.api.conditional import require_current
from apps.core.api.serializers import Input
from apps.core.api.viewsets import Retrieved, of_version
from apps.functions.dependencies.selectors import dependencies_of
from apps.functions.dependencies.services import discard_change, set_dependencies
from apps.functions.dependencies.shown import STEPS, because_of, packages_of_lock
from apps.functions.models import Dependencies
from apps.gateways.api.below import OF_ONE, OfGateway


class PackageSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    version = serializers.CharField()
    integrity = serializers.CharField(help_text="The registry's hash of what was fetched.")
    size = serializers.IntegerField(help_text="In bytes, unpacked.")
    license = serializers.CharField(help_text="As the package says it; empty: it doesn't.")
    is_direct = serializers.BooleanField(help_text="It was asked for, and functions may import it.")
    needed_by = serializers.ListField(child=serializers.CharField(), help_text="Packages that brought it.")
    exports = serializers.ListField(child=serializers.CharField(), help_text="What can be imported of it.")
    has_types = serializers.BooleanField(help_text="The editor knows its types.")


class FindingSerializer(serializers.Serializer[dict[str, Any]]):
    function = serializers.CharField()
    file = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    text = serializers.CharField()


class ChangeSerializer(serializers.Serializer[Dependencies]):
    """Of a change that is under way, or was refused."""

    wanted = serializers.DictField(child=serializers.CharField())
    step = serializers.ChoiceField(choices=list(STEPS), help_text="What is being done for it; empty: it waits.")
    asked_by = serializers.CharField(source="asked_by_name")
    asked_at = serializers.DateTimeField()
    because = serializers.SerializerMethodField(help_text="Why it was refused, in the reader's language.")
    package = serializers.CharField(source="fault", help_text="The package at fault, where one is.")
    findings = FindingSerializer(many=True, help_text="What functions say to it.")

    def get_because(self, row: Dependencies) -> str:
        return because_of(row)


class DependenciesSerializer(serializers.Serializer[Dependencies]):
    state = serializers.ChoiceField(
        choices=Dependencies.State.choices,
        help_text="`waiting` and `resolving`: a change is under way. `failed`: it was refused, and nothing changed.",
    )
    dependencies = serializers.SerializerMethodField(help_text="What functions are built with: name to exact version.")
    packages = serializers.SerializerMethodField(help_text="All that they bring.")
    lock = serializers.SerializerMethodField(help_text="Names this very set; empty: there is none.")
    change = serializers.SerializerMethodField(help_text="Null: none is under way, and none was refused.")

    def get_dependencies(self, row: Dependencies) -> dict[str, str]:
        return dict(row.lock.wanted) if row.lock else {}

    @extend_schema_field(PackageSerializer(many=True))
    def get_packages(self, row: Dependencies) -> list[dict[str, Any]]:
        return packages_of_lock(row)

    def get_lock(self, row: Dependencies) -> str:
        return row.lock.digest if row.lock else ""

    @extend_schema_field(ChangeSerializer(allow_null=True))
    def get_change(self, row: Dependencies) -> dict[str, Any] | None:
        return None if row.state == Dependencies.State.READY else dict(ChangeSerializer(row).data)


class TextField(serializers.CharField):
    """A number that looks like a version is a typed client's mistake: 3.10 would be 3.1."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError(_("Write text in quotes."))
        return str(super().to_internal_value(data))


class DependenciesInput(Input):
    wanted = serializers.DictField(
        child=TextField(allow_blank=True, max_length=64),
        help_text='Name to version or range, exactly these: `{"zod": "^3.23"}`. Empty text is the newest.',
    )


class DependenciesViewSet(OfGateway, Retrieved):
    """The npm packages of one gateway."""

    tag, singular, plural = "api-gateway-dependencies", "the npm packages of a gateway", "npm packages of gateways"
    queryset = Dependencies.objects.none()
    serializer_class = DependenciesSerializer
    # Its state moves while its version stays
    lives = True

    def get_object(self) -> Dependencies:
        return dependencies_of(actor=self.actor, gateway=self.gateway)

    def get_for_change(self) -> Dependencies:
        row = self.get_object()
        require_current(self.request, self.etag_of(row, self.represent(row)))
        return row

    def retrieve(self, request: Request, gateway_id: str) -> HttpResponse:  # type: ignore[override]
        return super().retrieve(request)

    @extend_schema(request=DependenciesInput, responses={202: DependenciesSerializer})
    @of_version
    def replace(self, request: Request, gateway_id: str) -> HttpResponse:
        """Replace the npm packages of a gateway.

        With exactly these. They're fetched, locked and bundled, and the functions that use them compiled, by a
        worker: the answer comes at once, and `state` says how far it is. Until all of it fits, and for ever if it
        doesn't, everything stays as it is; `change` then says why.
        """
        row = self.get_for_change()
        body = self.read_body(DependenciesInput)
        set_dependencies(actor=self.actor, gateway=self.gateway, wanted=body["wanted"], version=row.version)
        return self.show(self.get_object(), status=202)

    @extend_schema(request=None, responses=DependenciesSerializer)
    def discard(self, request: Request, gateway_id: str) -> HttpResponse:
        """Discard a change of the npm packages of a gateway.

        One that was refused is forgotten, and one that is under way ends without a change.
        """
        discard_change(actor=self.actor, gateway=self.gateway)
        return self.show(self.get_object())


urlpatterns = [
    re_path(
        f"^{OF_ONE}/dependencies$",
        DependenciesViewSet.as_view({"get": "retrieve", "put": "replace"}),
        name="api-gateway-dependencies",
    ),
    re_path(
        f"^{OF_ONE}/dependencies/discard$",
        DependenciesViewSet.as_view({"post": "discard"}),
        name="api-gateway-dependencies-discard",
    ),
]
