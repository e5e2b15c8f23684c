"""Workspaces, their people, and what each may do, below /v1/."""

from django.urls import URLPattern, URLResolver, path

from apps.core.api.routing import routes
from apps.tenants.api.answers import MyInvitationViewSet
from apps.tenants.api.invitations import InvitationViewSet
from apps.tenants.api.members import MemberViewSet
from apps.tenants.api.roles import Roles
from apps.tenants.api.tenants import TenantViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    *routes("tenants", TenantViewSet, name="tenants"),
    *routes("members", MemberViewSet, name="members"),
    *routes("invitations", InvitationViewSet, name="invitations"),
    *routes("me/invitations", MyInvitationViewSet, name="my-invitations"),
    path("roles", Roles.as_view(), name="roles"),
]
