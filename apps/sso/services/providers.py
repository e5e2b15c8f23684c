"""What an operator sets up. Whoever may do this may sign in as anybody, so it takes a system administrator."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.changes import changes, fields_of
from apps.audit.services import Actor, record
from apps.core.crypto import Secret
from apps.core.errors import Conflict, InvalidInput
from apps.core.versions import save_version
from apps.sso.models import GroupRole, IdentityProvider
from apps.sso.validators import split_domains
from apps.tenants.models import Tenant
from apps.tenants.operators import require_operator
from apps.tenants.roles import ROLES_OF

SETTINGS = (
    "name",
    "issuer",
    "client_id",
    "scopes",
    "groups_claim",
    "email_domains",
    "trusts_emails",
    "session_hours",
    "is_enabled",
)


@transaction.atomic
def create_provider(*, actor: Actor, slug: str, client_secret: str = "", **values: Any) -> IdentityProvider:
    """Without a secret it is a public client, which PKCE alone protects."""
    _require_administrator(actor)
    _refuse_unknown(values)
    provider = IdentityProvider(slug=slug, **_tidied(values))
    provider.client_secret = client_secret or None
    _check(provider)
    provider.save(force_insert=True)
    record(
        actor=actor,
        verb="sso.provider_created",
        target=provider,
        after=fields_of(provider, ("slug", *SETTINGS, "client_secret")),
    )
    return provider


@transaction.atomic
def change_provider(
    *, actor: Actor, provider: IdentityProvider, client_secret: str | None = None, **values: Any
) -> IdentityProvider:
    """What is given. A secret of None stays as it is; an empty one makes it a public client."""
    _require_administrator(actor)
    _refuse_unknown(values)
    before, after = changes(fields_of(provider, values), _tidied(values))
    if "issuer" in after and provider.identities.exists():
        raise Conflict(
            _("People are linked to %(issuer)s, and another issuer could pass for any of them. Make a new provider.")
            % {"issuer": provider.issuer}
        )
    for name, value in after.items():
        setattr(provider, name, value)
    if client_secret is not None:
        before["client_secret"] = provider.client_secret
        provider.client_secret = client_secret or None
        after["client_secret"] = Secret(client_secret) if client_secret else None
    if not after:
        return provider
    _check(provider)
    save_version(provider, *after)
    record(actor=actor, verb="sso.provider_changed", target=provider, before=before, after=after)
    return provider


@transaction.atomic
def set_group_role(*, actor: Actor, provider: IdentityProvider, group: str, tenant: Tenant, role: str) -> GroupRole:
    """Counts from each person's next sign-in on."""
    _require_administrator(actor)
    check_group_role(group=group, tenant=tenant, role=role)
    group = group.strip()
    rule: GroupRole | None = (
        GroupRole.objects.select_for_update().filter(provider=provider, group=group, tenant=tenant).first()
    )
    before = {"role": rule.role} if rule else {}
    if rule and rule.role == role:
        return rule
    rule = rule or GroupRole(provider=provider, group=group, tenant=tenant)
    rule.role = role
    rule.save()
    record(
        actor=actor,
        verb="sso.group_role_set",
        target=rule,
        before=before,
        after={"provider": provider.name, "group": group, "role": role},
    )
    return rule


@transaction.atomic
def remove_group_role(*, actor: Actor, group_role: GroupRole) -> None:
    """Those who have the role through this group lose it at their next sign-in."""
    _require_administrator(actor)
    before = {"provider": group_role.provider.name, "group": group_role.group, "role": group_role.role}
    record(actor=actor, verb="sso.group_role_removed", target=group_role, before=before)
    group_role.delete()


def check_group_role(*, group: str, tenant: Tenant, role: str) -> None:
    """InvalidInput, or nothing; forms ask before they save."""
    if not group.strip():
        raise InvalidInput(fields={"group": [_("Write the group's name as the provider sends it.")]})
    if role not in ROLES_OF[tenant.kind]:
        text = _("%(workspace)s has no such role. Choose one of these: %(roles)s.")
        raise InvalidInput(fields={"role": [text % {"workspace": tenant, "roles": ", ".join(ROLES_OF[tenant.kind])}]})


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    tidy = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    if "scopes" in tidy:
        tidy["scopes"] = " ".join(dict.fromkeys(tidy["scopes"].split()))
    if "email_domains" in tidy:
        words = [word.removeprefix("@") for word in split_domains(tidy["email_domains"])]
        tidy["email_domains"] = ", ".join(dict.fromkeys(filter(None, words)))
    return tidy


def _check(provider: IdentityProvider) -> None:
    """InvalidInput with everything that is wrong, or nothing."""
    try:
        provider.full_clean()
    except ValidationError as error:
        raise InvalidInput(fields=dict(error.message_dict)) from None


def _refuse_unknown(values: dict[str, Any]) -> None:
    if unknown := set(values) - set(SETTINGS):
        raise TypeError(f"A provider has no {', '.join(sorted(unknown))} that could be set.")


def _require_administrator(actor: Actor) -> None:
    detail = _("Setting up how people sign in takes a system administrator.")
    require_operator(actor, "providers.change", detail=detail)
