from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.sso.models import GivenRole, GroupRole, IdentityProvider, LinkedIdentity
from apps.sso.oidc.flow import Client
from apps.tenants.models import Membership
from apps.tenants.roles import ROLES_OF


def list_enabled_providers() -> QuerySet[IdentityProvider]:
    """Those with a button on the sign-in page."""
    return IdentityProvider.objects.filter(is_enabled=True)


def get_provider(slug: str) -> IdentityProvider:
    provider = IdentityProvider.objects.filter(slug=slug).first()
    if provider is None:
        raise NotFound
    return provider


def list_identities(*, actor: User) -> QuerySet[LinkedIdentity]:
    """One's own."""
    return LinkedIdentity.objects.filter(person=actor).select_related("provider").order_by("provider__name")


def list_usable_identities(*, actor: User) -> QuerySet[LinkedIdentity]:
    """Those with which one can sign in now."""
    return list_identities(actor=actor).filter(provider__is_enabled=True)


def get_identity(*, actor: User, pk: str) -> LinkedIdentity:
    identity = list_identities(actor=actor).filter(pk=pk).first()
    if identity is None:
        raise NotFound
    return identity


def list_given_memberships(identity: LinkedIdentity) -> list[Membership]:
    """What ends when this identity is unlinked, as far as nobody gave it by hand or through another identity."""
    only_here = GivenRole.objects.filter(identity=identity).exclude(
        tenant__in=GivenRole.objects.filter(identity__person_id=identity.person_id)
        .exclude(identity=identity)
        .values("tenant")
    )
    return list(
        Membership.objects.filter(
            person_id=identity.person_id, given_by=Membership.GivenBy.SSO, tenant__in=only_here.values("tenant")
        ).select_related("tenant")
    )


def tenants_of_leftover_roles(person: User) -> set[str]:
    """Where groups gave somebody a role once and none of their identities does now."""
    given = Membership.objects.filter(person=person, given_by=Membership.GivenBy.SSO)
    accounted = GivenRole.objects.filter(identity__person=person).values("tenant")
    return set(given.exclude(tenant__in=accounted).values_list("tenant_id", flat=True))


def roles_of_groups(provider: IdentityProvider, groups: tuple[str, ...]) -> dict[str, str]:
    """Tenant → role: of several that the groups give in one tenant, the one with the most rights."""
    rules = GroupRole.objects.filter(provider=provider, group__in=groups).select_related("tenant")
    return _strongest((rule.tenant_id, rule.tenant.kind, rule.role) for rule in rules)


def roles_of_person(person: User) -> dict[str, str]:
    """Tenant → role, by all of somebody's identities as they were last used."""
    given = GivenRole.objects.filter(identity__person=person).select_related("tenant")
    return _strongest((each.tenant_id, each.tenant.kind, each.role) for each in given)


def list_known_groups(provider: IdentityProvider, limit: int = 10) -> list[str]:
    """For somebody whose own groups give nothing: which would."""
    names = GroupRole.objects.filter(provider=provider).order_by("group").values_list("group", flat=True)
    return list(names.distinct()[:limit])


def client_of(provider: IdentityProvider) -> Client:
    return Client(provider.issuer, provider.client_id, provider.client_secret, provider.scopes)


def belongings_of(person: User) -> list[dict[str, Any]]:
    """For somebody who takes their data along."""
    return [
        {
            "provider": identity.provider.name,
            "subject": identity.subject,
            "email": identity.email,
            "linked_at": identity.created_at,
            "last_used_at": identity.last_used_at,
        }
        for identity in list_identities(actor=person)
    ]


def _strongest(given: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Of (tenant, its kind, role) the role with the most rights in each tenant."""
    roles: dict[str, str] = {}
    for tenant, kind, role in given:
        order = [str(each) for each in ROLES_OF[kind]]
        if tenant not in roles or order.index(role) < order.index(roles[tenant]):
            roles[tenant] = role
    return roles
