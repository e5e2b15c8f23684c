"""What real runtimes make of what they're told, and when a save counts as live."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections

from apps.core.events.models import Event
from apps.functions.compiling import compile_files
from apps.functions.models import Draft, Function
from apps.functions.problems import LoadFailed
from apps.functions.publishing import (
    Live,
    await_live,
    publish_all,
    publish_draft,
    read_unsettled,
    standing_of,
)
from apps.functions.publishing.acks import standings
from apps.functions.services import delete_function, save_function
from apps.gateways import databases, store
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from tests.functions.world import Place, Start, answer_of, fresh
from tests.queue.cluster import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
# It comes in a moment, also on a machine that is busy
PATIENCE = 60


def test_a_save_is_live_once_its_runtime_says_so(place: Place, start: Start) -> None:
    function = place.make(answer="first")
    assert await_live(function, within=0).state == "publishing"
    process = start()
    assert answer_of(process) == "first"
    Event.objects.all().delete()
    function = place.save(function, "second")
    live = await_live(function, within=PATIENCE)
    assert answer_of(process) == "second"
    assert live.state == "live"
    assert live.load_ms is not None
    assert (live.ms or 0) > (live.store_ms or 0) > 0
    assert (live.compile_ms or 0) > 0
    found = fresh(function)
    assert (found.live_version, found.live_ms, found.load_error) == (2, live.ms, None)
    assert standing_of(found) == Live("live", ms=live.ms)
    assert Event.objects.filter(topic=f"gateway:{place.gateway.pk}", kind="functions", ref=function.pk).exists()


def test_who_is_there_is_seen_by_their_connections(place: Place) -> None:
    runtime = psycopg.connect(place.spec["runtime_url"], autocommit=True)
    runtime.execute(
        "INSERT INTO imp.instances (id, process, stages, backend_pid, backend_start)"
        " SELECT 'here', 'dev', '{dev,staging}', pg_backend_pid(), now()"
    )
    # A process number alone is soon another's
    assert running(place) == 0
    place.ask(
        "UPDATE imp.instances SET backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = backend_pid)"
    )
    assert (running(place), running(place, "prod")) == (1, 0)
    runtime.close()
    wait_until(lambda: running(place) == 0, what="its connection to be gone")


def test_what_functions_notify_is_no_acknowledgement(place: Place) -> None:
    """They may: PostgreSQL knows no right to it."""
    function = place.make()
    revision = fresh(function).published_revision
    with (
        psycopg.connect(place.spec["runtime_url"], autocommit=True) as runtime,
        psycopg.connect(place.spec["database_url"], autocommit=True) as functions,
        ThreadPoolExecutor() as beside,
    ):
        runtime.execute(
            "INSERT INTO imp.instances (id, process, stages, backend_pid, backend_start) SELECT 'here', 'dev', '{dev}',"
            " pg_backend_pid(), pg_stat_get_backend_start(id) FROM pg_stat_get_backend_idset() AS id"
            " WHERE pg_stat_get_backend_pid(id) = pg_backend_pid()"
        )
        waiting = beside.submit(waited, function)
        while not waiting.done():
            functions.execute("SELECT pg_notify('acked', %s)", [f"{revision} dev/hello"])
        assert waiting.result().state == "publishing"
        runtime.execute("INSERT INTO imp.acks (instance, name, revision) VALUES ('here', 'dev/hello', %s)", [revision])
        # Its process waits for the worker of another stage, and answers nobody yet
        assert await_live(function, within=0).state == "publishing"
        runtime.execute("UPDATE imp.instances SET is_ready = true")
        assert await_live(function, within=PATIENCE).state == "live"


def waited(function: Function) -> Live:
    try:
        return await_live(function, within=1.0)
    finally:
        connections.close_all()


def running(place: Place, stage: str = "dev") -> int:
    name = f"{stage}/hello"
    with store.connect(place.gateway.pk) as there:
        return standings(there, {name: 1})[name].running


def test_whoever_was_overtaken_says_nothing_of_the_newer_one(place: Place, start: Start) -> None:
    start()
    function = place.make(answer="first")
    assert await_live(function, within=PATIENCE).state == "live"
    mine = place.save(function, "second")
    theirs = place.save(function, "third")
    # It hears what the processes say of both
    assert await_live(mine, within=PATIENCE).state == "live"
    assert (mine.version, mine.live_version, fresh(function).live_version) == (2, 2, 1)
    assert await_live(theirs, within=PATIENCE).state == "live"
    assert fresh(function).live_version == 3


def test_all_that_serve_its_stage_have_to_have_it(place: Place, start: Start) -> None:
    start("one")
    other = start("other")
    start("prod", stages=("prod",))
    function = place.make()
    assert await_live(function, within=PATIENCE).state == "live"
    other.process.send_signal(19)
    try:
        function = place.save(function, "2")
        assert await_live(function, within=0.3).state == "publishing"
        prod = place.make("prod/hello")
        assert await_live(prod, within=PATIENCE).state == "live"
    finally:
        other.process.send_signal(18)
    assert await_live(function, within=PATIENCE).state == "live"


def test_what_cannot_be_loaded_says_why_and_leaves_what_runs(place: Place, start: Start) -> None:
    process = start()
    function = place.make(answer="good")
    await_live(function, within=PATIENCE)
    bad = {"index.ts": "const a: any = undefined;\nexport default a.b.c;"}
    function = _save_files(place, function, bad)
    live = await_live(function, within=PATIENCE)
    assert live.state == "failed"
    assert "undefined" in live.error
    assert answer_of(process) == "good"
    found = fresh(function)
    assert (found.live_version, found.load_error["version"]) == (1, 2)
    assert standing_of(found) == Live("failed", error=live.error)
    function = place.save(function, "mended")
    assert await_live(function, within=PATIENCE).state == "live"
    assert fresh(function).load_error is None
    assert answer_of(process) == "mended"


def _save_files(place: Place, function: Function, files: dict[str, str]) -> Function:
    base = fresh(function).version
    return save_function(actor=place.actor, function=function, files=files, base_version=base)


def test_what_nobody_waited_for_is_read_later(place: Place, start: Start) -> None:
    function = place.make()
    gone = place.make("dev/gone")
    delete_function(actor=place.actor, function=fresh(gone))
    assert read_unsettled() == 0
    process = start()
    wait_until(lambda: read_unsettled() > 0 or fresh(function).live_version == 1, what="the runtime's answer")
    assert fresh(function).live_version == 1
    assert fresh(function).live_ms is not None
    assert standing_of(fresh(function)).state == "live"
    wait_until(lambda: read_unsettled() == 0, what="nothing more to read")
    assert answer_of(process, "/dev/gone") == 404


def test_a_gateway_that_is_stopped_waits_and_has_it_when_it_starts(place: Place, start: Start) -> None:
    FunctionGateway.objects.update(phase=Phase.STOPPED)
    function = place.make()
    assert await_live(function, within=0.2).state == "waiting"
    assert standing_of(fresh(function)).state == "waiting"
    FunctionGateway.objects.update(phase=Phase.STARTED)
    process = start()
    assert answer_of(process) == "1"


def test_a_process_that_was_cut_off_catches_up(place: Place, start: Start) -> None:
    process = start()
    function = place.make(answer="before")
    await_live(function, within=PATIENCE)
    role = databases.runtime_role_of(place.name)
    place.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])
    function = place.save(function, "after")
    wait_until(lambda: answer_of(process) == "after", what="it to catch up")
    wait_until(lambda: await_live(fresh(function), within=1).state == "live", what="it to say so")


def draft_of(place: Place, function: Function, source: str) -> tuple[Draft, Any]:
    files = {"index.ts": source}
    draft, _new = Draft.objects.update_or_create(
        tenant=place.gateway.tenant, function=function, person_id=place.actor.pk,
        defaults={"base_version": 1, "files": files, "entrypoint": "index.ts"},
    )  # fmt: skip
    return draft, compile_files(files=files, entrypoint="index.ts")


def test_a_draft_is_there_for_a_while_and_nobody_can_ask_for_it(place: Place, start: Start) -> None:
    process = start()
    function = place.make(answer="saved")
    await_live(function, within=PATIENCE)
    draft, compiled = draft_of(place, function, "export default () => ({ answer: 'draft' });")
    name = publish_draft(draft, compiled)
    assert name == f"dev/~{draft.pk}/{function.base_name}"
    [row] = place.ask("SELECT version, expires_at > now() FROM imp.functions WHERE name = %s", [name])
    assert row == (0, True)
    assert answer_of(process, f"/{name}") == 404
    assert answer_of(process) == "saved"
    # Beside what is compared with the rows
    publish_all(place.gateway)
    assert place.ask("SELECT is_deleted FROM imp.functions WHERE name = %s", [name]) == [(False,)]


def test_a_draft_that_cannot_be_loaded_says_why(place: Place, start: Start) -> None:
    start()
    draft, compiled = draft_of(place, place.make(), "throw new Error('not today'); export default () => 1;")
    with pytest.raises(LoadFailed) as failed:
        publish_draft(draft, compiled)
    assert "not today" in str(failed.value.detail)
