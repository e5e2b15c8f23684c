from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.access import text
from apps.access.models import AccessToken
from apps.access.scopes import scopes_for, with_reading
from apps.accounts.models import User
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.crypto import Secret, keyed_hash
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.events import publish
from apps.tenants.models import Membership, Tenant
from apps.tenants.operators import require_operator
from apps.tenants.problems import TenantSuspended, TokenTooNarrow
from apps.tenants.roles import ACCOUNT_SCOPES, SCOPES, Kind

PURPOSE = "access token"
LONGEST_LIFE = timedelta(days=366)
SHORTEST_LIFE = timedelta(minutes=1)
# Far more than anybody looks after; a script that forgets its tokens meets it
MOST_AT_ONCE = 50


@transaction.atomic
def create_token(
    *,
    actor: User,
    name: str,
    scopes: Collection[str],
    expires_at: datetime,
    tenant: Tenant | None = None,
    through: AccessToken | None = None,
) -> AccessToken:
    """A token of the actor's own; its text is in `.secret` of what is returned, this once.

    `through` is the token that asks for it: what it makes may no more than it may itself, and ends no later.
    """
    name = " ".join(name.split())
    scopes = with_reading(scopes) if set(scopes) <= set(SCOPES) else list(scopes)
    if errors := {**_wrong(name, scopes, expires_at, tenant), **_elsewhere(actor, tenant)}:
        raise InvalidInput(fields=errors)
    if tenant is not None and tenant.is_suspended:
        raise TenantSuspended(tenant.suspended_because)
    if through is not None:
        _keep_within(through, scopes, expires_at, tenant)
    _require_room(actor)
    secret = text.new_text()
    token = AccessToken(
        person=actor,
        tenant=tenant,
        name=name,
        start=text.start_of(secret),
        token_hash=keyed_hash(secret, purpose=PURPOSE),
        scopes=scopes,
        expires_at=expires_at,
    )
    token.save(force_insert=True)
    record(actor=actor, verb="token.created", target=token, after=told(token))
    publish(f"tokens:{actor.pk}", "created", token.pk, tenant_id="")
    token.secret = Secret(secret)
    return token


@transaction.atomic
def revoke_token(*, actor: User, token: AccessToken) -> AccessToken:
    """From the next request on it lets nobody in. Its person may, and operators, as it may have leaked."""
    _require_theirs(actor, token)
    _revoke(token, actor=actor)
    return token


@transaction.atomic
def remove_token(*, actor: User, token: AccessToken) -> None:
    """Put away what lets nobody in any more."""
    if actor.pk != token.person_id:
        raise NotFound
    locked = AccessToken.objects.select_for_update(of=("self",)).filter(pk=token.pk).first()
    if locked is None:
        raise NotFound
    if locked.state == AccessToken.State.ACTIVE:
        raise Conflict(_("%(token)s still works. Revoke it first.") % {"token": token})
    record(actor=actor, verb="token.removed", target=locked, before=told(locked))
    publish(f"tokens:{actor.pk}", "removed", token.pk, tenant_id="")
    locked.delete()


def revoke_tokens_for(actor: Actor, person: User, tenant: Tenant) -> None:
    """Of somebody who is no longer in a workspace, so that the tokens don't wake up should they come back."""
    tokens = AccessToken.objects.filter(person=person, tenant=tenant, revoked_at=None)
    for token in tokens.select_for_update().order_by("pk"):
        _revoke(token, actor=actor)


def _revoke(token: AccessToken, *, actor: Actor) -> None:
    now = clock.now()
    if not AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        raise Conflict(_("%(token)s is revoked already.") % {"token": token})
    token.revoked_at = now
    record(actor=actor, verb="token.revoked", target=token, before=told(token))
    publish(f"tokens:{token.person_id}", "revoked", token.pk, tenant_id="")


def _wrong(name: str, scopes: list[str], expires_at: datetime, tenant: Tenant | None) -> dict[str, list[str]]:
    """What is wrong with the values by themselves."""
    errors: dict[str, list[str]] = {}
    longest = AccessToken._meta.get_field("name").max_length or 0
    if not name:
        errors["name"] = [_("Give it a name that says where it will live.")]
    elif len(name) > longest:
        errors["name"] = [_("Use %(limit)d characters or fewer.") % {"limit": longest}]
    if refused := _refused_scopes(scopes, tenant):
        errors["scopes"] = [refused]
    life = expires_at - clock.now()
    if life < SHORTEST_LIFE:
        errors["expires_at"] = [_("Choose a time that is still to come.")]
    elif life > LONGEST_LIFE:
        errors["expires_at"] = [_("A year is the most. Choose an earlier end.")]
    return errors


def _refused_scopes(scopes: list[str], tenant: Tenant | None) -> str:
    if not scopes:
        return _("Allow it something.")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        return _("There is no scope %(scopes)s.") % {"scopes": ", ".join(map(str, unknown))}
    if tenant is None:
        return ""
    if set(scopes) & set(ACCOUNT_SCOPES):
        return _("Your account belongs to no workspace. Make a token for every workspace, or leave your account out.")
    if beside := sorted(set(scopes) - set(scopes_for([tenant.kind], with_account=False))):
        return _("%(workspace)s is a %(kind)s workspace: it has no use for %(scopes)s.") % {
            "workspace": tenant,
            "kind": Kind(tenant.kind).label.lower(),
            "scopes": ", ".join(beside),
        }
    return ""


def _elsewhere(actor: User, tenant: Tenant | None) -> dict[str, list[str]]:
    # Locked, so that whoever ends the membership meanwhile finds the token, or isn't a member any more here
    if tenant is None or Membership.objects.of(tenant).select_for_update(no_key=True).filter(person=actor).first():
        return {}
    return {"tenant": [_("Choose one of your workspaces.")]}


def _keep_within(through: AccessToken, scopes: list[str], expires_at: datetime, tenant: Tenant | None) -> None:
    """Otherwise a small token that leaked could make itself a large one."""
    beyond = [scope for scope in scopes if scope not in through.scopes]
    if beyond:
        detail = _("A token can't make one that may more than itself.")
        raise TokenTooNarrow(detail, scope=" ".join(beyond))
    if through.tenant_id and (tenant is None or tenant.pk != through.tenant_id):
        raise InvalidInput(fields={"tenant": [_("A token for one workspace makes tokens for that one only.")]})
    if expires_at > through.expires_at:
        raise InvalidInput(fields={"expires_at": [_("A token can't make one that outlives it.")]})


def _require_room(actor: User) -> None:
    # Of several made at once each is counted by the next
    User.objects.select_for_update(no_key=True).filter(pk=actor.pk).first()
    active = AccessToken.objects.filter(person=actor, revoked_at=None, expires_at__gt=clock.now())
    if active.count() >= MOST_AT_ONCE:
        raise Conflict(
            _("You have %(count)d access tokens, which is the most. Revoke one first.") % {"count": MOST_AT_ONCE}
        )


def _require_theirs(actor: User, token: AccessToken) -> None:
    if actor.pk != token.person_id:
        require_operator(actor, "tokens.revoke", is_hidden=True)


def told(token: AccessToken) -> Mapping[str, Any]:
    """What the audit log keeps of it."""
    return {
        "begins_with": token.start,
        "workspace": token.tenant_id or "",
        "scopes": list(token.scopes),
        "expires_at": token.expires_at,
    }
