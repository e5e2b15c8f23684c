"""What operators see of the fleet, and nobody else."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from agent.state import state_digest
from apps.accounts.models import User
from apps.core.clock import now
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.selectors import SILENCE
from apps.tenants.models import Tenant
from tests.contracts.queries import pinned_queries
from tests.fleet.world import make_agent, make_bundle, make_cluster
from tests.tenants.pages import as_

pytestmark = pytest.mark.django_db

FLEET = "/fleet"


def page_of(cluster: Cluster) -> str:
    return reverse("fleet:cluster", args=[cluster.pk])


def words_of(person: User, path: str, part: str = "") -> str:
    """What somebody reads there, without tags and with single blanks."""
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    response = as_(person).get(path, headers=headers)
    assert response.status_code == 200, response.status_code
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text).replace(" ,", ",").replace("&#x27;", "'")


@pytest.fixture
def seoul() -> Cluster:
    cluster = make_cluster()
    make_bundle(cluster, "gateway/gw_1/runtime")
    make_agent(cluster, leads=True)
    return cluster


# --- Who -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FLEET, "/fleet/clusters/clu_none"])
def test_it_is_for_operators_only(alice: User, tidewater: Tenant, path: str) -> None:
    refusal = as_(alice).get(path)
    assert refusal.status_code == 403
    assert "sre-operator" in refusal.content.decode()


def test_strangers_are_led_to_the_sign_in() -> None:
    assert Client().get(FLEET).headers["Location"].startswith("/sign-in")


def test_what_is_not_there_is_not_found(operator: User, seoul: Cluster) -> None:
    other = make_cluster("seoul-b")
    bundle = Bundle.objects.get()
    assert as_(operator).get("/fleet/clusters/clu_none").status_code == 404
    # A bundle is shown in its own cluster only
    assert as_(operator).get(reverse("fleet:bundle", args=[other.pk, bundle.pk])).status_code == 404


# --- The fleet -------------------------------------------------------------------------------------


def test_an_empty_fleet_says_what_a_cluster_is(operator: User) -> None:
    assert "A cluster is where gateways run" in words_of(operator, FLEET)


def test_clusters_stand_by_region_with_what_matters(operator: User, seoul: Cluster) -> None:
    lost = make_cluster("virginia-b", "us-east-1")
    make_agent(lost, is_there=False)
    refusing = make_cluster("virginia-c", "us-east-1")
    make_agent(refusing, leads=True)
    make_bundle(refusing, "gateway/gw_2/routes", Bundle.Phase.FAILED, message="hostname already claimed")
    make_cluster("rotterdam", "on-premises", maintenance_at=now(), maintenance_because="Disks are replaced.")
    make_cluster("tokyo", "ap-northeast-1")
    text = words_of(operator, FLEET)
    for part in (
        "seoul-a in sync 0.9.2, 1 agent synced now 1 bundle all ready",
        "virginia-b agent lost 0.9.2, 0 of 1 agent synced 14 min ago",
        "virginia-c 1 refused",
        "rotterdam maintenance",
        "tokyo waits for an agent",
        "virginia-b lost its only agent Last heartbeat 14 min",
        "ago. Traffic goes on, nothing new arrives.",
        "virginia-c refuses what is wanted",
        "Clusters in sync 1 of 5",
        "Agents connected 2 of 3",
        "Bundles ready 1 of 2",
        "Change to ready, p95 0.9 s",
    ):
        assert part in text, part
    order = [text.index(region) for region in ("ap-northeast-1", "ap-northeast-2", "on-premises", "us-east-1")]
    assert order == sorted(order)


def test_drift_and_lag_are_said_of_each_cluster(operator: User, seoul: Cluster) -> None:
    make_bundle(seoul, "gateway/gw_2/runtime", Bundle.Phase.DELIVERING, message="1 of 2 processes ready")
    late = make_bundle(seoul, "gateway/gw_3/runtime", reported_digest="of an older one", ready_ms=None)
    make_bundle(seoul, "gateway/gw_4/runtime", Bundle.Phase.DELIVERING, ready_ms=None)
    Bundle.objects.filter(pk=late.pk).update(wanted_at=now() - timedelta(minutes=3))
    text = words_of(operator, FLEET)
    assert "seoul-a 1 drifted" in text
    assert re.search(r"4 bundles 1 drifted, 2 on the way, waits for 3 min \d+ s", text)
    assert "seoul-a isn't as it was any more 1 bundle was ready and isn't now" in text
    assert "Bundles drifted 1" in text
    assert re.search(r"1 / 4 1 drifted, 2 on the way 3 min \d+ s 0\.9 s", words_of(operator, f"{FLEET}?view=table"))
    figures = words_of(operator, page_of(seoul), "figures")
    assert re.search(r"ready 1 of 4 Behind 1 3 min \d+ s Refused 0 Drifted 1 Portal and agent agreed", figures)
    assert "Change to ready, p95 0.9 s" in figures
    assert "gateway/gw_2/runtime 1 of 2 processes ready drifted" in words_of(operator, page_of(seoul), "bundles")


def test_an_agent_that_holds_something_else_shows_itself(operator: User, seoul: Cluster) -> None:
    long_ago = now() - SILENCE * 2
    Bundle.objects.update(reported_at=long_ago)
    Agent.objects.update(connected_at=long_ago, synced_at=long_ago)
    text = words_of(operator, FLEET)
    assert "seoul-a drifted" in text
    assert "1 bundle digests differ" in text
    assert "holds something else than what is wanted" in text
    # Heartbeats may just not have come yet
    Agent.objects.update(connected_at=now())
    assert "seoul-a in sync" in words_of(operator, FLEET)


def test_the_same_as_a_table(operator: User, seoul: Cluster) -> None:
    text = words_of(operator, f"{FLEET}?view=table")
    assert "seoul-a ap-northeast-2 in sync 1 agent 0.9.2" in text
    assert "1 / 1 all ready" in text


@pytest.mark.parametrize("part", ["stats", "clusters", "look", "events"])
def test_a_part_comes_alone_and_asks_for_itself_again(operator: User, seoul: Cluster, part: str) -> None:
    headers = {"HX-Request": "true", "HX-Target": part}
    shown = as_(operator).get(f"{FLEET}?view=table", headers=headers).content.decode()
    assert f'id="{part}"' in shown
    assert 'data-live="fleet"' in shown
    assert "?view=table" in shown
    assert "<main" not in shown


def test_events_say_who_came_what_was_brought_and_what_was_refused(operator: User, seoul: Cluster) -> None:
    make_bundle(seoul, "gateway/gw_2/routes", Bundle.Phase.FAILED, message="hostname already claimed")
    make_agent(seoul, "agent-2", is_there=False, disconnected_because="Nothing was heard of the agent.")
    text = words_of(operator, FLEET, "events")
    assert "seoul-a agent-1 connected and leads" in text
    assert "seoul-a has gateway/gw_1/runtime ready now, revision 1, 0.9 s after the change" in text
    assert "seoul-a refused gateway/gw_2/routes: hostname already claimed now, revision 2" in text
    assert "seoul-a agent-2 was lost: Nothing was heard of the agent. 14 min ago" in text


def test_more_clusters_cost_no_more_queries(operator: User, seoul: Cluster) -> None:
    for number in range(5):
        make_agent(make_cluster(f"tokyo-{number}", f"region-{number}"), leads=True)
    client = as_(operator)
    client.get(FLEET)
    with pinned_queries("Fleet: page"):
        client.get(FLEET)
    with pinned_queries("Fleet: clusters"):
        client.get(FLEET, headers={"HX-Request": "true", "HX-Target": "clusters"})


# --- One cluster -----------------------------------------------------------------------------------


def test_a_cluster_without_an_agent_says_what_one_is(operator: User) -> None:
    text = words_of(operator, page_of(make_cluster()))
    assert "An agent is a program that runs in the cluster" in text
    assert "Nothing is wanted here yet" in text


def test_agents_say_how_far_they_are_and_whether_they_hold_what_is_wanted(operator: User, seoul: Cluster) -> None:
    bundle = Bundle.objects.get()
    Agent.objects.update(state_digest=state_digest([(bundle.key, bundle.digest)]))
    make_agent(seoul, "agent-2", state_digest="of something else", synced_at=now() - timedelta(minutes=2))
    make_agent(seoul, "agent-3", applied_revision=0)
    make_agent(seoul, "agent-4", state_digest="of a moment ago", synced_at=now())
    text = words_of(operator, page_of(seoul), "agents")
    assert re.search(r"agent-1 leads 0\.9\.2 now 1 digests agree", text)
    assert re.search(r"agent-2 stands by 0\.9\.2 now 1 digests differ in sync 2 min ago", text)
    assert re.search(r"agent-3 stands by 0\.9\.2 now 0 1 revision behind not known", text)
    assert re.search(r"agent-4 stands by 0\.9\.2 now 1 not known in sync now", text), "its next heartbeat tells"


def test_what_is_not_ready_comes_first(operator: User, seoul: Cluster) -> None:
    make_bundle(seoul, "gateway/gw_2/routes", Bundle.Phase.FAILED, message="hostname already claimed")
    make_bundle(seoul, "gateway/gw_3/runtime", Bundle.Phase.DELIVERING, message="1 of 2 processes ready")
    make_bundle(seoul, "gateway/gw_4/runtime")
    text = words_of(operator, page_of(seoul), "bundles")
    keys = ["gw_2/routes", "gw_3/runtime", "gw_4/runtime", "gw_1/runtime"]
    assert sorted(keys, key=text.index) == keys
    assert "1 of 2 processes ready" in text


@pytest.mark.parametrize("part", ["", "sheet"])
def test_a_bundle_says_it_object_by_object_and_nothing_of_its_secrets(
    operator: User, seoul: Cluster, part: str
) -> None:
    said = {"kind": "Runtime", "namespace": "imp", "name": "prod", "message": "the process ended: out of memory"}
    ready = {"type": "Ready", "is_true": False, "message": "1 of 2"}
    bundle = make_bundle(seoul, "gateway/gw_2/runtime", statuses=[{**said, "conditions": [ready]}])
    text = words_of(operator, reverse("fleet:bundle", args=[seoul.pk, bundle.pk]), part)
    assert "Runtime prod Ready 1 of 2 the process ended: out of memory" in text
    assert "hunter2" not in text


def test_a_cluster_costs_as_much_with_many_bundles(operator: User, seoul: Cluster) -> None:
    for number in range(8):
        make_bundle(seoul, f"gateway/gw_{number}/configuration")
    client = as_(operator)
    client.get(page_of(seoul))
    with pinned_queries("Fleet: cluster"):
        client.get(page_of(seoul))


# --- The palette -----------------------------------------------------------------------------------


def test_operators_find_clusters_and_nobody_else_does(
    operator: User, alice: User, tidewater: Tenant, seoul: Cluster
) -> None:
    assert "seoul-a" in words_of(operator, "/search?q=seoul", "palette")
    assert "Register a cluster" in words_of(operator, "/search?q=register", "palette")
    for query in ("seoul", "register"):
        text = words_of(alice, f"/search?q={query}", "palette")
        assert "seoul-a" not in text
        assert "Register a cluster" not in text
