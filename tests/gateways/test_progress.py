"""What people see of a gateway on its way: the steps of what it's doing, and the lines of its timeline."""

from datetime import timedelta

import pytest
from django.conf import settings as conf

from apps.accounts.models import User
from apps.core import clock
from apps.core.lifecycle import Awaited, kernel, wake
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.queue.claims import this_worker
from apps.fleet.models import Agent, Bundle
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.progress import Standing, label_of, progress_of, tell, timeline_of, why
from apps.tenants.models import Tenant
from tests.gateways.world import ObedientCluster, converge, make_cluster, make_gateway
from tests.machine import free_port
from tests.people import Api
from tests.queue.cluster import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def look(gateway: FunctionGateway) -> FunctionGateway:
    """A worker does what it can without the cluster's help."""
    FunctionGateway.objects.filter(pk=gateway.pk).update(due_at=clock.now())
    kernel.advance(GATEWAY, gateway.pk)
    gateway.refresh_from_db()
    return gateway


def standings(gateway: FunctionGateway) -> dict[str, str]:
    progress = progress_of(gateway)
    assert progress is not None
    return {step.name: step.standing.value for step in progress.steps}


def test_creating_and_the_first_start_are_one(tidewater: Tenant) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    progress = progress_of(gateway)
    assert progress is not None
    names = ["namespace", "stages", "database", "functions", "configuration", "runtime", "routes"]
    assert [step.name for step in progress.steps] == names
    assert [step.standing for step in progress.steps] == [Standing.DOING] + [Standing.WAITING] * 6

    look(gateway)
    progress = progress_of(gateway)
    assert progress is not None
    assert progress.doing is not None
    assert (progress.doing.name, progress.doing.attempts) == ("namespace", 1)
    assert "local" in progress.because
    assert progress.next_at is not None
    assert progress.next_at - clock.now() <= Awaited.shortest

    ObedientCluster().obey()
    # A turn may end after a step that took long
    wait_until(lambda: look(gateway).checkpoint == "functions", what="the functions' step")
    assert gateway.phase == Phase.STARTING
    progress = progress_of(gateway)
    assert progress is not None
    assert progress.phase == Phase.CREATING
    assert standings(gateway) == dict(zip(names, ["done"] * 4 + ["doing"] + ["waiting"] * 2, strict=True))
    assert all(step.seconds is not None for step in progress.steps[:5])
    assert progress.done == 4


def test_what_was_just_sent_is_no_cause_for_alarm_and_what_stays_unanswered_says_why(tidewater: Tenant) -> None:
    cluster = make_cluster()
    gateway = look(make_gateway(tidewater, cluster))
    assert why(gateway) == "No agent of local is connected. It goes on by itself once one connects."

    Agent.objects.create(cluster=cluster, name="one", session_id="ses_1", seen_at=clock.now())
    assert why(look(gateway)) == "On its way to local."

    Bundle.objects.update(wanted_at=clock.now() - timedelta(seconds=11))
    assert why(look(gateway)) == "Waits for local to take it: its agent is connected, but hasn't answered since."

    Agent.objects.update(seen_at=clock.now() - timedelta(minutes=2))
    assert "No agent of local" in why(look(gateway))


def test_at_rest_there_is_nothing_to_show(tidewater: Tenant) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    converge(ObedientCluster())
    gateway.refresh_from_db()
    assert progress_of(gateway) is None


def test_a_wish_that_nobody_has_looked_at_shows_what_will_be_done(tidewater: Tenant) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    converge(ObedientCluster())
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.STOPPED)
    wake(GATEWAY, gateway.pk)
    gateway.refresh_from_db()
    assert standings(gateway) == {"routes": "waiting", "runtime": "waiting"}


def test_a_later_start_shows_its_own_steps(tidewater: Tenant) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    converge(ObedientCluster())
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.RESTARTING, restarts=1, generation=2)
    wake(GATEWAY, gateway.pk)
    look(gateway)
    assert standings(gateway) == {"functions": "done", "configuration": "done", "runtime": "doing", "routes": "waiting"}


def test_what_waits_for_the_domain_says_what_the_domain_waits_for(tidewater: Tenant) -> None:
    gateway, cluster = make_gateway(tidewater, make_cluster()), ObedientCluster()
    converge(cluster)
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.STOPPED)
    wake(GATEWAY, gateway.pk)
    look(gateway)
    from apps.gateways.lifecycle.machines import DOMAIN

    kernel.advance(DOMAIN, gateway.domain.pk)
    progress = progress_of(look(gateway))
    assert progress is not None
    assert progress.doing is not None
    assert progress.doing.name == "routes"
    assert progress.because == "Waits for local to remove it."


def test_the_timeline_holds_the_lines_of_both(tidewater: Tenant) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    converge(ObedientCluster())
    lines = [tell(line) for line in timeline_of(gateway)]
    assert {line.of for line in lines} == {"gateway", "domain"}
    assert lines[-1].at <= lines[0].at
    texts = [line.text for line in lines if line.of == "gateway"]
    assert "Phase started" in texts
    assert any(text.startswith("Database: done in ") for text in texts)
    assert all(line.text for line in lines)


def test_every_line_has_words_for_people(tidewater: Tenant) -> None:
    """Of a whole life, the domain's too: no step is called as it's kept in rows."""
    gateway, cluster = make_gateway(tidewater, make_cluster()), ObedientCluster()
    for state in (State.RUNNING, State.STOPPED, State.DELETED):
        FunctionGateway.objects.filter(pk=gateway.pk).update(state=state)
        wake(GATEWAY, gateway.pk)
        converge(cluster)
    lines = LifecycleEvent.objects.filter(kind="done")
    assert {line.machine for line in lines} == {"gateway", "domain"}
    for line in lines:
        label = str(label_of(line.phase, line.step))
        assert label != line.step
        assert tell(line).text.startswith(f"{label}: done in ")
    assert not lines.filter(machine="domain", phase=Phase.CREATING).exists(), "nothing of it is made then"


def test_a_failure_is_told_without_what_was_raised(
    tidewater: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = make_gateway(tidewater, make_cluster())
    nowhere = f"postgresql://maker:hunter22@127.0.0.1:{free_port()}/none?connect_timeout=2"
    with monkeypatch.context() as away:
        away.setattr(conf, "GATEWAYS_DATABASE_URL", nowhere)
        look(gateway)
        ObedientCluster().obey()
        look(gateway)
    progress = progress_of(gateway)
    assert progress is not None
    assert progress.because == "PostgreSQL can't be reached. The step is tried again."
    (line,) = LifecycleEvent.objects.filter(subject_id=gateway.pk, kind="failed")
    assert tell(line).text == progress.because
    assert "127.0.0.1" in tell(line, to_operators=True).text
    assert (tell(line).worker, tell(line, to_operators=True).worker) == ("a worker", this_worker())
    api = Api(alice)
    told = [api.get(f"/v1/api-gateways/{gateway.pk}{tail}").content.decode() for tail in ("", "/timeline")]
    assert all(progress.because in text and "127.0.0.1" not in text and "hunter22" not in text for text in told)


def test_the_timeline_of_another_gateway_is_another(tidewater: Tenant) -> None:
    cluster = make_cluster()
    one, other = make_gateway(tidewater, cluster), make_gateway(tidewater, cluster, "other")
    converge(ObedientCluster())
    assert not {line.pk for line in timeline_of(one)} & {line.pk for line in timeline_of(other)}
    assert Bundle.objects.count() == 8
