"""A portal whose clock was set back by hours: what was heard before seems to come from a time to come."""

from datetime import timedelta

import pytest

from apps.core import ids
from apps.core.clock import now
from apps.fleet.models import Agent, Cluster
from apps.fleet.selectors import Presence, presence_of, with_presence
from apps.fleet.sweeps import close_lost_streams
from tests.fleet import processes
from tests.fleet.conftest import Connect
from tests.fleet.portal import Portal, register

pytestmark = pytest.mark.django_db(transaction=True)


def die_in_a_time_to_come() -> str:
    """Its server was killed, and the clock set back before it came again."""
    moment = now() + timedelta(hours=3)
    session = f"ses_{ids._encode((int(moment.timestamp() * 1000) << ids.RANDOM_BITS) + 7)}"
    Agent.objects.update(session_id=session, leads=True, connected_at=moment, seen_at=moment)
    return session


def test_a_leader_from_then_is_silent_and_the_next_leads(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    register(portal.port, processes.new_token(cluster))
    die_in_a_time_to_come()
    gone = Agent.objects.get()
    assert presence_of(gone) == Presence.LOST
    assert with_presence(Agent.objects.all(), Presence.LOST).get() == gone
    assert connect(cluster=cluster).hello().leads


def test_the_sweep_closes_streams_from_then(portal: Portal, cluster: Cluster) -> None:
    register(portal.port, processes.new_token(cluster))
    die_in_a_time_to_come()
    close_lost_streams()
    assert Agent.objects.get().session_id == ""


def test_the_agent_itself_comes_back_at_once(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    session = die_in_a_time_to_come()
    assert connect(tokens.access_token).hello().leads
    assert Agent.objects.get().session_id != session
