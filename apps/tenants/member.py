from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.rights import insist_on_second_factor
from apps.core.errors import NotAllowed, NotFound
from apps.tenants import roles
from apps.tenants.models import Membership, Tenant, TenantOwned
from apps.tenants.operators import role_of_operator
from apps.tenants.problems import TenantSuspended, TokenTooNarrow


@dataclass(frozen=True)
class Member:
    """Who acts in a tenant: a person, in a role, perhaps through a token that may less."""

    person: User
    tenant: Tenant
    role: str
    membership_id: str = ""
    # What the token may that they came with; None is all that the role may
    scopes: frozenset[str] | None = None

    @classmethod
    def of(cls, membership: Membership, *, scopes: frozenset[str] | None = None) -> Member:
        return cls(membership.person, membership.tenant, membership.role, membership.pk, scopes)

    @classmethod
    def of_operator(cls, person: User, tenant: Tenant) -> Member:
        """Somebody who runs the platform, in a tenant that they aren't a member of."""
        insist_on_second_factor(person)
        return cls(person, tenant, role_of_operator(person))

    @property
    def pk(self) -> str:
        return str(self.person.pk)

    @property
    def tenant_id(self) -> str:
        return str(self.tenant.pk)

    @property
    def is_operator(self) -> bool:
        return self.role in roles.SystemRole.values

    def __str__(self) -> str:
        return str(self.person)

    def may(self, permission: str, *, stage: str = "", is_own: bool = False) -> bool:
        if self.tenant.is_suspended and not self.is_operator:
            return False
        return self._has_role(permission, stage, is_own) and self._has_scope(permission)

    def require(
        self, permission: str, *, row: TenantOwned | None = None, stage: str = "", is_own: bool = False
    ) -> None:
        """Nothing, or the refusal: what belongs to others isn't there, and a missing role is named."""
        if row is not None and row.tenant_id != self.tenant.pk:
            raise NotFound
        if self.tenant.is_suspended and not self.is_operator:
            raise TenantSuspended(self.tenant.suspended_because)
        if not self._has_role(permission, stage, is_own):
            self._refuse(permission, stage)
        if not self._has_scope(permission):
            raise TokenTooNarrow(scope=roles.scope_of(permission))

    def _has_role(self, permission: str, stage: str, is_own: bool) -> bool:
        if self.is_operator:
            needed = roles.OPERATORS_NEED.get(permission)
            return needed is not None and roles.may(self.role, needed)
        return roles.may(self.role, permission, kind=self.tenant.kind, stage=stage, is_own=is_own)

    def _has_scope(self, permission: str) -> bool:
        return self.scopes is None or roles.scope_of(permission) in self.scopes

    def _refuse(self, permission: str, stage: str) -> None:
        if self.is_operator:
            needed = roles.OPERATORS_NEED.get(permission, "tenants.suspend")
            raise NotAllowed(roles=roles.roles_that_may(needed), own_role=self.role)
        able = roles.roles_that_may(permission, kind=self.tenant.kind, stage=stage)
        detail = _("“%(what)s” takes another role than yours in %(workspace)s.") % {
            "what": roles.PERMISSIONS[permission].label,
            "workspace": self.tenant,
        }
        raise NotAllowed(detail, roles=able, own_role=self.role, permission=permission)
