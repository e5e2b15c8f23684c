"""One of everything, in each tenant and of each person, for the addresses that name one.

A new kind of object is made here, and found by `by_name` or `by_collection`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from apps.access.models import AccessToken
from apps.access.services import create_token, revoke_token
from apps.accounts.models import Session, User
from apps.audit.models import AuditEvent
from apps.audit.services import record
from apps.core import clock
from apps.core.crypto.hashing import keyed_hash
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.timeline import note
from apps.fleet.models import Agent, Bundle, Cluster, RegistrationToken
from apps.fleet.services.bundles import put_bundle
from apps.functions.models import Dependencies, Draft, Function, Lock
from apps.gateways.models import FunctionGateway, GatewayDatabase, Variable
from apps.sso.models import IdentityProvider, LinkedIdentity
from apps.tenants.models import Invitation, Membership, Tenant
from apps.tenants.roles import Role
from apps.tenants.selectors import TOKEN_PURPOSE
from apps.triggers.models import Trigger, TriggerRun
from tests.functions.contract import function_row
from tests.gateways.contract import add_domain, some_cluster, some_gateway
from tests.people import make_person
from tests.tenants.world import join

PROVIDER_SLUG = "harbour"


@dataclass(frozen=True)
class Things:
    """Of one tenant."""

    tenant: Tenant
    membership: Membership
    invitation: Invitation
    gateway: FunctionGateway
    variable: Variable
    function: Function
    #: In the recycle bin
    deleted_function: Function
    trigger: Trigger
    trigger_run: TriggerRun
    # The secret in the invitation's link
    link: str
    event: AuditEvent


@dataclass(frozen=True)
class FleetThings:
    """The platform's: of the cluster in which all tenants' gateways are."""

    cluster: Cluster
    #: Only a maintenance that began can end
    resting: Cluster
    registration_token: RegistrationToken
    agent: Agent
    bundle: Bundle


@dataclass(frozen=True)
class OwnThings:
    """Of one person, whatever tenant they're in."""

    person: User
    session: Session
    active_token: AccessToken
    revoked_token: AccessToken
    identity: LinkedIdentity
    event: AuditEvent
    #: Into a tenant that nobody is in
    invitation: Invitation


def make_things(tenant: Tenant) -> Things:
    somebody = make_person(f"somebody-{tenant.slug}")
    membership = join(somebody, tenant, Role.VIEWER)
    link = f"link-into-{tenant.slug}"
    invitation = _invitation(tenant, f"invited-{tenant.slug}@example.com", link)
    with transaction.atomic():
        event = record(actor=somebody, verb="member.joined", target=membership, after={"role": Role.VIEWER})
    assert event.tenant_id == tenant.pk
    gateway = some_gateway(tenant, somebody, name=f"gateway-of-{tenant.slug}")
    variable = Variable.objects.create(tenant=tenant, gateway=gateway, name="ZONE", value=tenant.slug)
    function = function_row(gateway)
    deleted = function_row(gateway, "dev/user/gone", deleted=True)
    trigger = _trigger(gateway)
    run = TriggerRun.objects.create(tenant=tenant, trigger=trigger, gateway=gateway, due_at=clock.now())
    put_bundle(cluster_id=gateway.cluster_id, key=f"gateway/{gateway.pk}/namespace", manifests=[])
    add_domain(gateway, f"api.{tenant.slug}.example")
    _ask_for_packages(gateway)
    with transaction.atomic():
        note("gateway", gateway, LifecycleEvent.Kind.WISHED, because="%(wish)s", because_of={"wish": tenant.slug})
    return Things(tenant, membership, invitation, gateway, variable, function, deleted, trigger, run, link, event)


def make_fleet_things() -> FleetThings:
    cluster = some_cluster()
    resting = Cluster.objects.create(name="resting", region="here", domain="resting", maintenance_at=clock.now())
    token = RegistrationToken.objects.create(
        cluster=cluster, token_hash="of-the-matrix", expires_at=clock.now() + timedelta(days=1)
    )
    agent = Agent.objects.create(cluster=cluster, name="agent-1")
    bundle = put_bundle(cluster_id=cluster.pk, key="platform/namespace", manifests=[])
    return FleetThings(cluster, resting, token, agent, bundle)


def make_own_things(person: User, provider: IdentityProvider, inviting: Tenant) -> OwnThings:
    active, revoked = (_token(person, name) for name in ("active", "revoked"))
    revoke_token(actor=person, token=revoked)
    identity = LinkedIdentity.objects.create(provider=provider, person=person, subject=f"of-{person.pk}")
    with transaction.atomic():
        event = record(actor=person, verb="account.signed_in", target=person)
    session = Session.objects.filter(person=person).first() or Session.objects.create(
        person=person, session_key=f"of-{person.pk}", expire_date=clock.now() + timedelta(days=1)
    )
    invitation = _invitation(inviting, person.email, f"link-of-{person.pk}")
    return OwnThings(person, session, active, revoked, identity, event, invitation)


def _ask_for_packages(gateway: FunctionGateway) -> None:
    """With one that is there, and a change that was refused: it can be tried again, and discarded."""
    lock = Lock.objects.create(
        tenant=gateway.tenant, gateway=gateway, digest="0" * 64, wanted={"zod": "3.23.8"}, packages=[]
    )
    Dependencies.objects.create(
        tenant=gateway.tenant, gateway=gateway, lock=lock, state=Dependencies.State.FAILED, wanted={"zod": "99"}
    )


def _trigger(gateway: FunctionGateway) -> Trigger:
    """Of the function; the gateway has what it takes to be called, and nobody answers."""
    GatewayDatabase.objects.create(
        tenant=gateway.tenant, gateway=gateway, name=f"of-{gateway.pk}", password="-", run_key="b2YtdGhlLW1hdHJpeA"
    )
    Cluster.objects.filter(pk=gateway.cluster_id).update(facts={"gateway_port": "9"})
    return Trigger.objects.create(
        tenant=gateway.tenant,
        gateway=gateway,
        stage="dev",
        base_name="user/me",
        expression="0 9 * * *",
        path="/user/me",
    )


def draft_of(person: User, function: Function) -> None:
    """Their own, which nobody else sees."""
    Draft.objects.create(
        tenant_id=function.tenant_id, function=function, person=person, base_version=2, entrypoint="handler.ts"
    )


def _invitation(tenant: Tenant, email: str, link: str) -> Invitation:
    """Sent long enough ago to be sent again."""
    return Invitation.objects.create(
        tenant=tenant,
        email=email,
        role=Role.VIEWER,
        token_hash=keyed_hash(link, purpose=TOKEN_PURPOSE),
        sent_at=clock.now() - timedelta(hours=1),
        expires_at=clock.now() + timedelta(days=7),
    )


def _token(person: User, name: str) -> AccessToken:
    return create_token(actor=person, name=name, scopes=["account:read"], expires_at=clock.now() + timedelta(days=1))


def by_name(things: Things, fleet: FleetThings) -> dict[str, Any]:
    """What the parameters of addresses may be called."""
    return {
        "membership_id": things.membership.pk,
        "invitation_id": things.invitation.pk,
        "gateway_id": things.gateway.pk,
        "variable_id": things.variable.pk,
        "function_id": things.function.pk,
        "function": things.function.name.replace("/", "%2F"),
        "trigger_id": things.trigger.pk,
        "event_id": things.event.pk,
        "token": things.link,
        # Of data, which nobody keeps here: who may is asked before
        "collection": "deliveries",
        "slug": PROVIDER_SLUG,
        "cluster_id": fleet.cluster.pk,
        "agent_id": fleet.agent.pk,
        "bundle_id": fleet.bundle.pk,
    }


def by_collection(things: Things, own: OwnThings, fleet: FleetThings) -> dict[str, Any]:
    """The objects behind `{pk}`, by the part of the address before it."""
    return {
        "tenants": things.tenant.pk,
        "members": things.membership.pk,
        "invitations": things.invitation.pk,
        "api-gateways": things.gateway.pk,
        "functions": things.function.pk,
        "triggers": things.trigger.pk,
        "runs": things.trigger_run.pk,
        "clusters": fleet.cluster.pk,
        "agents": fleet.agent.pk,
        "registration-tokens": fleet.registration_token.pk,
        "audit-events": things.event.pk,
        "sessions": own.session.pk,
        "access-tokens": own.active_token.pk,
        "tokens": own.active_token.pk,
        "identities": own.identity.pk,
    }
