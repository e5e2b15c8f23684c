"""The agent of this machine gets in by itself: at first, after its identity has ended, and never twice at once."""

import stat
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from agent.store import Identity, Store
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.fleet.models import Agent, Cluster, Reach, RefreshToken, RegistrationToken
from apps.fleet.services.identities import AgentInfo, register_agent
from apps.fleet.services.local_cluster import make_local_cluster
from apps.fleet.tokens import ACCESS_LASTS

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "agent"


def enrol(folder: Path) -> tuple[str, str]:
    """The token that lies there now, and what was said."""
    out = StringIO()
    call_command("enrol", f"--state={folder}", f"--token-file={folder / 'token'}", stdout=out)
    return (folder / "token").read_text(), out.getvalue()


def come_in(folder: Path, token: str) -> Agent:
    """As the agent does: its identity lies in its folder then."""
    agent, pair = register_agent(token=token, info=AgentInfo("1", "instance", "place", {}))
    ends_at = (clock.now() + ACCESS_LASTS).timestamp()
    identity = Identity(agent.pk, agent.cluster_id, pair.access_token, ends_at, pair.refresh_token, "mark")
    Store(folder).set_identity(identity)
    return agent


def test_the_first_time_there_is_a_cluster_and_a_token_for_its_owner_alone(folder: Path) -> None:
    token, said = enrol(folder)
    cluster = Cluster.objects.get()
    assert (cluster.name, cluster.reach, cluster.domain) == ("local", Reach.LOCAL, "localhost")
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert token not in said
    assert come_in(folder, token).cluster == cluster
    assert [*AuditEvent.objects.order_by("id").values_list("verb", flat=True)] == [
        "cluster.created", "agent.admitted", "agent.registered",
    ]  # fmt: skip


def test_a_token_that_still_counts_stays(folder: Path) -> None:
    token, _ = enrol(folder)
    assert enrol(folder)[0] == token
    assert RegistrationToken.objects.count() == 1


def test_an_agent_that_is_in_needs_none(folder: Path) -> None:
    token, _ = enrol(folder)
    agent = come_in(folder, token)
    assert enrol(folder)[0] == token
    assert RegistrationToken.objects.count() == 1
    agent.refresh_from_db()
    assert agent.revoked_at is None


@pytest.mark.parametrize("lost", ["used", "expired", "revoked", "cut off"])
def test_a_token_that_lets_nobody_in_is_renewed(folder: Path, lost: str) -> None:
    token, _ = enrol(folder)
    moment = clock.now() - timedelta(seconds=1)
    match lost:
        case "used":
            RegistrationToken.objects.update(used_at=moment)
        case "expired":
            RegistrationToken.objects.update(expires_at=moment)
        case "revoked":
            RegistrationToken.objects.update(revoked_at=moment)
        case _:
            (folder / "token").write_text(token[:-3])
    renewed, _ = enrol(folder)
    assert renewed != token
    come_in(folder, renewed)


@pytest.mark.parametrize("ended", ["expired", "revoked", "another database"])
def test_an_agent_that_cannot_come_in_any_more_gets_in_as_another(folder: Path, ended: str) -> None:
    before = come_in(folder, enrol(folder)[0])
    match ended:
        case "expired":
            RefreshToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        case "revoked":
            Agent.objects.update(revoked_at=clock.now())
        case _:
            RefreshToken.objects.all().delete()
    agent = come_in(folder, enrol(folder)[0])
    before.refresh_from_db()
    assert agent.pk != before.pk
    assert before.revoked_at is not None
    assert enrol(folder)[0]
    assert RegistrationToken.objects.count() == 2


def test_another_cluster_s_agent_is_left_alone(folder: Path) -> None:
    agent = come_in(folder, enrol(folder)[0])
    elsewhere = Cluster.objects.create(name="seoul-1", region="ap-northeast")
    Agent.objects.filter(pk=agent.pk).update(cluster=elsewhere)
    enrol(folder)
    agent.refresh_from_db()
    assert agent.revoked_at is None


def test_what_an_operator_changed_of_the_cluster_stays() -> None:
    cluster = make_local_cluster()
    Cluster.objects.filter(pk=cluster.pk).update(title="Under the desk", domain="lan.example")
    again = make_local_cluster()
    assert (again.pk, again.title, again.domain) == (cluster.pk, "Under the desk", "lan.example")
