"""The gateways of the demo, and where `up` says that they answer."""

import pytest

from apps.accounts import demo as people
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.fleet.models import Cluster
from apps.gateways import demo
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway

pytestmark = pytest.mark.django_db


def test_they_are_made_by_people_who_may_and_belong_to_them() -> None:
    people.load_all()
    found = {gateway.name: gateway for gateway in FunctionGateway.objects.select_related("tenant", "owner", "cluster")}
    tracking = found["parcel-tracking"]
    assert (tracking.tenant.slug, str(tracking.owner), tracking.cluster.name) == ("tidewater", "박수진", "local")
    assert tracking.layout == "prod-apart"
    assert found["address-check"].tenant.slug == "hanbit-data"
    events = AuditEvent.objects.filter(verb="gateway.created", target_id=tracking.pk)
    assert [event.actor_label for event in events] == ["박수진"]


def test_one_that_was_deleted_is_not_made_again() -> None:
    people.load_all()
    FunctionGateway.objects.filter(name="billing-hooks").update(phase=Phase.DELETED)
    assert people.load_all() == []
    assert demo.demo_hosts() == ["parcel-tracking.dev.localhost", "address-check.dev.localhost"]


def test_they_are_awaited_until_they_have_answered_once() -> None:
    assert not demo.is_coming_up()
    people.load_all()
    assert demo.is_coming_up()
    found = FunctionGateway.objects.all()
    found.update(phase=Phase.STARTED, observed_generation=1)
    assert not demo.is_coming_up()
    for kept in ({"state": State.STOPPED}, {"has_stopped": True}, {"held_at": clock.now()}):
        found.update(**{"state": State.RUNNING, "has_stopped": False, "observed_generation": 0} | kept)
        assert not demo.is_coming_up(), kept


def test_a_cluster_that_takes_nothing_keeps_nothing_else_from_starting() -> None:
    people.load()
    cluster = Cluster.objects.create(name="local", region="local", maintenance_at=clock.now())
    assert people.load_all() == ["3 workspaces made.", "4 access tokens made."]
    assert not FunctionGateway.objects.exists()
    Cluster.objects.filter(pk=cluster.pk).update(maintenance_at=None)
    assert people.load_all() == ["3 gateways made.", "7 functions made.", "2 triggers made."]
