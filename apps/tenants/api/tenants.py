from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.rights import insist_on_second_factor
from apps.accounts.sessions.confirmation import require_confirmation_of_session
from apps.core.api.serializers import Input, ModelInput
from apps.core.api.views import no_content
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, Updated, verb
from apps.core.errors import InvalidInput, NotFound
from apps.core.walls import walled
from apps.tenants import selectors, services
from apps.tenants.api_base import scopes_of, tenant_of_token
from apps.tenants.filters import TenantFilter
from apps.tenants.member import Member
from apps.tenants.models import LONGEST_NAME, LONGEST_REASON, LONGEST_SLUG, Membership, Tenant
from apps.tenants.roles import Kind, Role


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    role = serializers.ChoiceField(
        choices=Role.choices, source="own_role", allow_null=True, help_text="Yours. Null: you are no member of it."
    )

    class Meta:
        model = Tenant
        fields = [
            "id",
            "kind",
            "name",
            "slug",
            "role",
            "suspended_at",
            "suspended_because",
            "created_at",
            "updated_at",
            "version",
        ]
        read_only_fields = fields


class TenantInput(Input):
    kind = serializers.ChoiceField(choices=Kind.choices, default=Kind.CUSTOMER)
    name = serializers.CharField(max_length=LONGEST_NAME)
    slug = serializers.CharField(
        max_length=LONGEST_SLUG,
        default="",
        help_text="Its address, of a provider. Without one, it's made from the name.",
    )
    owner_email = serializers.EmailField(
        default="", help_text="Who is invited to own it, of a provider. You own a customer's workspace yourself."
    )


class TenantChanges(ModelInput):
    class Meta:
        model = Tenant
        fields = ["name", "slug"]
        # Whether another one has it is the service's to say: it looks past the wall
        extra_kwargs: ClassVar[dict[str, Any]] = {"slug": {"validators": []}}


class SuspendInput(Input):
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="The workspace's people read it.")


class TenantViewSet(Listed, Retrieved, Created, Updated, Destroyed):
    """The workspaces that you are in; of operators all."""

    tag, singular, plural = "tenants", "a workspace", "workspaces"
    serializer_class = TenantSerializer
    create_serializer_class = TenantInput
    update_serializer_class = TenantChanges
    filterset_class = TenantFilter
    sorts = ("name", "created_at")

    @property
    def scope(self) -> str:  # type: ignore[override]
        """Which ones one is in is about oneself; to change one is about the workspace."""
        about_it = {"partial_update", "destroy", "suspend", "resume"}
        return "workspace" if self.action in about_it else "account"

    def get_queryset(self) -> "QuerySet[Tenant]":
        tenants = selectors.list_tenants(actor=self.actor)
        of_token = tenant_of_token(self.request)
        return tenants.filter(pk=of_token) if of_token else tenants

    def get_object(self) -> Tenant:
        try:
            found: Tenant = super().get_object()
        except NotFound:
            insist_on_second_factor(self.actor)
            raise
        return found

    def perform_create(self, **fields: Any) -> Tenant:
        if fields.pop("kind") == Kind.PROVIDER:
            return self._again(services.create_provider(actor=self.actor, **fields))
        name = fields.pop("name")
        if refused := {field: [_("Only a provider's workspace takes this.")] for field in fields if fields[field]}:
            raise InvalidInput(fields=refused)
        return self._again(services.create_customer(actor=self.actor, name=name))

    def perform_update(self, row: Tenant, **fields: Any) -> Tenant:
        with self._inside(row) as actor:
            services.change_tenant(actor=actor, version=row.version, **fields)
        return self._again(row)

    def perform_destroy(self, row: Tenant) -> None:
        with self._inside(row) as actor:
            actor.require("workspace.delete")
            require_confirmation_of_session(self.request)
            services.delete_tenant(actor=actor, version=row.version)

    @extend_schema(responses={204: None})
    @verb()
    def leave(self, request: Request, pk: str) -> HttpResponse:
        """Leave a workspace.

        The last owner can't: make someone else an owner first.
        """
        with self._inside(self.get_object()) as actor:
            services.leave_tenant(actor=actor)
        return no_content()

    @verb(body=SuspendInput)
    def suspend(self, request: Request, pk: str) -> HttpResponse:
        """Suspend a workspace.

        By a system administrator. Nothing in it can be read or changed, and its people are told the reason.
        """
        tenant = self.get_object()
        services.suspend_tenant(actor=self.actor, tenant=tenant, **self.read_body(SuspendInput))
        return self.show(self._again(tenant))

    @verb()
    def resume(self, request: Request, pk: str) -> HttpResponse:
        """Resume a suspended workspace."""
        tenant = self.get_object()
        services.resume_tenant(actor=self.actor, tenant=tenant)
        return self.show(self._again(tenant))

    @contextmanager
    def _inside(self, tenant: Tenant) -> Iterator[Member]:
        """As whom the person acts there, inside the tenant's wall."""
        scopes = scopes_of(self.request)
        with walled(tenant.pk):
            membership: Membership | None = Membership.objects.of(tenant).filter(person=self.actor).first()
            if membership is not None:
                yield Member(self.actor, tenant, membership.role, membership.pk, scopes)
            else:
                # Only operators see a workspace that they aren't in
                yield replace(Member.of_operator(self.actor, tenant), scopes=scopes)

    def _again(self, tenant: Tenant) -> Tenant:
        """With the asker's role in it."""
        return selectors.list_tenants(actor=self.actor).get(pk=tenant.pk)
