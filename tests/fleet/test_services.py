"""What operators may do with clusters and agents, and who may not."""

from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.clock import now
from apps.core.errors import Conflict, InvalidInput, NotAllowed, Problem
from apps.core.lifecycle import timeline
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Agent, Bundle, Cluster, RefreshToken, RegistrationToken
from apps.fleet.services import agents, clusters
from apps.fleet.services.bundles import put_bundle
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from tests.contracts.service import ServiceContract
from tests.gateways.world import make_gateway


def make_cluster(name: str = "seoul-a", **values: Any) -> Cluster:
    given = {"region": "ap-northeast-2", "domain": f"{name}.api.example", **values}
    cluster, _is_new = Cluster.objects.get_or_create(name=name, defaults=given)
    return cluster


def make_agent(cluster: Cluster, **values: Any) -> Agent:
    return Agent.objects.create(cluster=cluster, name="agent-1", **values)


class OperatorsContract(ServiceContract):
    """Those who run the platform may, in either role."""

    watched = (Cluster,)
    allowed = ("operator",)
    refused: ClassVar[dict[str, type[Problem]]] = {"alice": NotAllowed, "bob": NotAllowed, "charlie": NotAllowed}

    def make(self, alice: User, bob: User) -> Cluster:
        return make_cluster()


class TestRegisterCluster(OperatorsContract):
    verb = "cluster.created"

    def call(self, actor: User, row: Cluster) -> Cluster:
        return clusters.register_cluster(
            actor=actor, name="frankfurt-a", region="eu-central-1", domain="Frankfurt-a.api.example."
        )


class TestChangeCluster(OperatorsContract):
    verb = "cluster.changed"

    def call(self, actor: User, row: Cluster) -> Cluster:
        return clusters.change_cluster(actor=actor, cluster=row, title="Seoul", labels={"zone": "a"})


class TestBeginMaintenance(OperatorsContract):
    verb = "cluster.maintenance_began"

    def call(self, actor: User, row: Cluster) -> Cluster:
        return clusters.begin_maintenance(actor=actor, cluster=row, reason="Disks are replaced.")


class TestEndMaintenance(OperatorsContract):
    verb = "cluster.maintenance_ended"

    def make(self, alice: User, bob: User) -> Cluster:
        return make_cluster(maintenance_at=now(), maintenance_because="Disks are replaced.")

    def call(self, actor: User, row: Cluster) -> Cluster:
        return clusters.end_maintenance(actor=actor, cluster=row)


class TestResyncCluster(OperatorsContract):
    verb = "cluster.resynced"

    def call(self, actor: User, row: Cluster) -> Cluster:
        return clusters.resync_cluster(actor=actor, cluster=row)


class TestDeleteCluster(OperatorsContract):
    verb = "cluster.deleted"

    def make(self, alice: User, bob: User) -> Cluster:
        cluster = make_cluster()
        make_agent(cluster)
        return cluster

    def call(self, actor: User, row: Cluster) -> None:
        clusters.delete_cluster(actor=actor, cluster=row)


class TestMakeRegistrationToken(OperatorsContract):
    watched = (RegistrationToken,)
    verb = "agent.token_made"

    def call(self, actor: User, row: Cluster) -> RegistrationToken:
        return agents.make_registration_token(actor=actor, cluster=row)


class TestRevokeRegistrationToken(OperatorsContract):
    watched = (RegistrationToken,)
    verb = "agent.token_revoked"

    def make(self, alice: User, bob: User) -> Any:
        return agents.make_registration_token(actor=SYSTEM, cluster=make_cluster())

    def call(self, actor: User, row: Any) -> RegistrationToken:
        return agents.revoke_registration_token(actor=actor, token=row)


class TestRevokeAgent(OperatorsContract):
    watched = (Agent, RefreshToken)
    verb = "agent.revoked"

    def make(self, alice: User, bob: User) -> Any:
        return make_agent(make_cluster())

    def call(self, actor: User, row: Any) -> Agent:
        return agents.revoke_agent(actor=actor, agent=row)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Seoul"),
        ("name", "-seoul"),
        ("name", "seoul.a"),
        ("name", "s" * 64),
        ("name", ""),
        ("name", "taken"),
        ("region", "  "),
        ("domain", ""),
        ("domain", "api..example"),
        ("domain", "api_example"),
        ("domain", ".".join(["label"] * 40)),
        ("title", "t" * 81),
        ("provider", "p" * 64),
        ("labels", {"": "x"}),
        ("labels", {str(number): "" for number in range(33)}),
    ],
)
def test_what_a_cluster_can_not_be_is_said_at_its_field(yuna: User, field: str, value: Any) -> None:
    make_cluster("taken")
    good = {"name": "seoul-a", "region": "ap-northeast-2", "domain": "api.example", "labels": {"zone": "a"}}
    with pytest.raises(InvalidInput) as refused:
        clusters.register_cluster(actor=yuna, **{**good, field: value})
    assert list(refused.value.fields) == [field]
    assert Cluster.objects.count() == 1


@pytest.mark.django_db
def test_a_cluster_goes_only_when_nothing_is_in_it(tidewater: Any) -> None:
    cluster = make_cluster()
    put_bundle(cluster_id=cluster.pk, key="trial/a", manifests=[])
    cluster.refresh_from_db()
    with pytest.raises(Conflict):
        clusters.delete_cluster(actor=SYSTEM, cluster=cluster)
    Bundle.objects.all().delete()
    make_gateway(tidewater, cluster)
    with pytest.raises(Conflict):
        clusters.delete_cluster(actor=SYSTEM, cluster=cluster)
    assert Cluster.objects.filter(pk=cluster.pk).exists()


@pytest.mark.django_db
def test_a_cluster_goes_with_the_rows_of_gateways_that_are_gone_and_their_history_stays(tidewater: Any) -> None:
    cluster = make_cluster()
    gone = make_gateway(tidewater, cluster, state=State.DELETED, phase=Phase.DELETED)
    timeline.note("gateway", gone, timeline.Kind.WISHED, because="Wanted deleted.")
    make_gateway(tidewater, other := make_cluster("seoul-b"), state=State.DELETED, phase=Phase.DELETED)
    clusters.delete_cluster(actor=SYSTEM, cluster=cluster)
    assert not Cluster.objects.filter(pk=cluster.pk).exists()
    assert [gateway.cluster_id for gateway in FunctionGateway.objects.all()] == [other.pk]
    assert LifecycleEvent.objects.filter(subject_id=gone.pk).exists()
    written = AuditEvent.objects.get(verb="cluster.deleted").before
    assert written
    assert written["forgotten"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize("left", [Stage, RuntimeDomain, GatewayDatabase])
def test_a_cluster_stays_while_anything_of_a_deleted_gateway_is_left(tidewater: Any, left: Any) -> None:
    cluster = make_cluster()
    gateway = make_gateway(tidewater, cluster, state=State.DELETED, phase=Phase.DELETED)
    values = {"name": "gw_db_1", "password": "x"} if left is GatewayDatabase else {}
    left.objects.create(gateway=gateway, tenant=tidewater, **values)
    with pytest.raises(Conflict):
        clusters.delete_cluster(actor=SYSTEM, cluster=cluster)
    assert FunctionGateway.objects.filter(pk=gateway.pk).exists()
    assert left.objects.exists()


@pytest.mark.django_db
def test_its_domain_stays_while_gateways_answer_below_it() -> None:
    cluster = make_cluster()
    put_bundle(cluster_id=cluster.pk, key="trial/a", manifests=[])
    with pytest.raises(InvalidInput) as refused:
        clusters.change_cluster(actor=SYSTEM, cluster=cluster, domain="other.example")
    assert list(refused.value.fields) == ["domain"]
    clusters.change_cluster(actor=SYSTEM, cluster=cluster, domain=cluster.domain, title="Seoul")


@pytest.mark.django_db
def test_maintenance_begins_once_with_a_reason_and_ends_once() -> None:
    cluster = make_cluster()
    with pytest.raises(InvalidInput):
        clusters.begin_maintenance(actor=SYSTEM, cluster=cluster, reason=" ")
    with pytest.raises(Conflict):
        clusters.end_maintenance(actor=SYSTEM, cluster=cluster)
    clusters.begin_maintenance(actor=SYSTEM, cluster=cluster, reason="Disks are replaced.")
    with pytest.raises(Conflict):
        clusters.begin_maintenance(actor=SYSTEM, cluster=cluster, reason="Again.")


@pytest.mark.django_db
def test_a_registration_token_is_kept_as_a_hash_and_a_used_one_is_not_revoked() -> None:
    token = agents.make_registration_token(actor=SYSTEM, cluster=make_cluster())
    assert token.secret
    text = token.secret.reveal()
    assert text.startswith("imr_")
    kept = RegistrationToken.objects.values().get()
    assert text not in str(kept)
    RegistrationToken.objects.update(used_at=now())
    with pytest.raises(Conflict):
        agents.revoke_registration_token(actor=SYSTEM, token=token)


@pytest.mark.django_db
def test_unused_tokens_do_not_pile_up() -> None:
    cluster = make_cluster()
    for _ in range(agents.MOST_TOKENS):
        agents.make_registration_token(actor=SYSTEM, cluster=cluster)
    with pytest.raises(Conflict):
        agents.make_registration_token(actor=SYSTEM, cluster=cluster)


@pytest.mark.django_db
def test_an_agent_is_revoked_once() -> None:
    agent = make_agent(make_cluster())
    first = agents.revoke_agent(actor=SYSTEM, agent=agent).revoked_at
    assert first
    assert agents.revoke_agent(actor=SYSTEM, agent=agent).revoked_at == first
