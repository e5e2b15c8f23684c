"""From a save to what runs: a gateway's database says what the rows want, and a real runtime what it has made of it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from apps.core import clock
from apps.core.doctor.findings import Level
from apps.core.events.models import Event
from apps.functions import doctor
from apps.functions.compiling import compile_files
from apps.functions.doctor import check_functions
from apps.functions.models import Artifact, Dependencies, Draft, Function, Lock
from apps.functions.publishing import (
    Live,
    LoadFailed,
    await_live,
    compare_some,
    comparing,
    publish_all,
    publish_draft,
    push_due,
    read_unsettled,
    standing_of,
    want_published_all,
    wanting,
)
from apps.functions.publishing.pushing import push
from apps.functions.publishing.relaxed import found_again
from apps.functions.services import (
    copy_function,
    create_function,
    delete_function,
    rename_function,
    restore_function,
    save_function,
)
from apps.gateways import databases, store
from apps.gateways.lifecycle.machines import hear_of_bundles
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.tenants.models import Tenant
from tests.functions.world import Place
from tests.gateways.world import drop_for_good
from tests.queue.cluster import wait_until
from tests.runtime.processes import Process

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Process]


@pytest.fixture
def place(tidewater: Tenant) -> Iterator[Place]:
    found = Place(tidewater)
    yield found
    store.pool.close()
    drop_for_good(found.name)


@pytest.fixture
def start(place: Place, tmp_path: Path) -> Iterator[Start]:
    """A process of its runtime, ready."""
    with ExitStack() as stack:

        def begin(name: str = "main", **more: Any) -> Process:
            folder = tmp_path / name
            folder.mkdir()
            process = Process(folder, process=name, **{**place.spec, **more})
            stack.callback(process.kill)
            process.until("ready")
            return process

        yield begin


def fresh(function: Function) -> Function:
    return Function.objects.select_related("gateway", "head").get(pk=function.pk)


def answer_of(process: Process, path: str = "/dev/hello") -> Any:
    response, content = process.ask(path)
    return json.loads(content)["answer"] if response.status == 200 else response.status


@pytest.fixture
def commits(place: Place) -> Callable[[], list[str]]:
    """Whether those that told something there have waited for the disk, one after the other."""
    place.ask("CREATE TABLE imp.seen (waited text)")
    place.ask(
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO imp.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
    )
    place.ask("CREATE TRIGGER look AFTER INSERT OR UPDATE ON imp.functions FOR EACH ROW EXECUTE FUNCTION look()")
    return lambda: [waited for (waited,) in place.ask("SELECT waited FROM imp.seen")]


# --- What is told ----------------------------------------------------------------------------------


def test_what_is_committed_is_told_at_once(place: Place) -> None:
    function = place.make(methods=["GET"], timeout_ms=2_000)
    found = fresh(function)
    assert (found.publish_due_at, found.published_version) == (None, 1)
    [row] = place.ask("SELECT name, function_id, revision, version, methods, timeout_ms FROM imp.functions")
    assert row == ("dev/hello", function.pk, found.published_revision, 1, ["GET"], 2_000)
    [(code, source_map)] = place.ask("SELECT code, source_map FROM imp.artifacts")
    assert "index_default" in code
    assert json.loads(source_map)["sources"] == ["index.ts"]


def test_the_disk_is_waited_for_where_the_outbox_is_on_another_server(
    place: Place, commits: Callable[[], list[str]], settings: Any
) -> None:
    function = place.make()
    assert commits() == ["off"]
    # What is written down after it can't outlive it on one server, but on two
    settings.GATEWAYS_DATABASE_URL = make_conninfo(**databases.server_parameters("postgres"))
    place.save(function, "2")
    assert commits() == ["off", "on"]


def test_only_what_is_found_again_is_not_waited_for() -> None:
    def waits() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return str(cursor.fetchone()[0])

    with found_again():
        assert waits() == "off"
    assert waits() == "on"
    with transaction.atomic():
        with found_again():
            assert waits() == "on"
        assert waits() == "on"


def test_what_is_rolled_back_is_not(place: Place) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        place.make()
        raise ZeroDivisionError
    assert place.there() == {}


def test_each_save_has_a_higher_revision_and_the_same_code_is_sent_once(place: Place) -> None:
    function = place.make(answer="a")
    revisions = [fresh(function).published_revision]
    for answer in ("b", "a", "b"):
        place.save(function, answer)
        revisions.append(fresh(function).published_revision)
    assert revisions == sorted(set(revisions))
    assert place.there() == {"dev/hello": (4, False)}
    assert place.ask("SELECT count(*) FROM imp.artifacts") == [(2,)]
    assert place.ask("SELECT revision FROM imp.counter") == [(revisions[-1],)]


def test_a_rename_takes_the_old_name_away(place: Place) -> None:
    function = place.make("dev/old")
    rename_function(actor=place.actor, function=function, name="new")
    assert place.there() == {"dev/old": (1, True), "dev/new": (2, False)}


def test_a_deleted_one_goes_and_comes_back(place: Place) -> None:
    function = place.make()
    delete_function(actor=place.actor, function=fresh(function))
    assert place.there() == {"dev/hello": (1, True)}
    assert fresh(function).publish_due_at is None
    restore_function(actor=place.actor, function=fresh(function))
    assert place.there()["dev/hello"][1] is False


def test_a_name_that_another_has_by_now_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is told late, after the other one's beginning."""
    first = place.make()
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", _unreachable)
        delete_function(actor=place.actor, function=fresh(first))
    second = place.make(answer="of the second")
    assert push_due_now() == 1
    assert place.ask("SELECT function_id, is_deleted FROM imp.functions") == [(second.pk, False)]


def test_two_that_change_names_are_right_whoever_is_told_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = place.make("dev/one", "1"), place.make("dev/other", "2")
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", _unreachable)
        rename_function(actor=place.actor, function=fresh(one), name="between")
        rename_function(actor=place.actor, function=fresh(other), name="one")
        rename_function(actor=place.actor, function=fresh(one), name="other")
    push(place.gateway.pk, [one.pk])
    found = dict(place.ask("SELECT name, function_id FROM imp.functions WHERE NOT is_deleted"))
    assert found == {"dev/other": one.pk, "dev/one": other.pk}


def test_a_copy_is_the_same_artifact(place: Place) -> None:
    function = place.make()
    copy_function(actor=place.actor, function=fresh(function), name="prod/hello")
    assert Artifact.objects.count() == 1
    assert place.ask("SELECT count(DISTINCT artifact), count(*) FROM imp.functions") == [(1, 2)]


def test_many_at_once_are_one_push(place: Place) -> None:
    functions = [place.make(f"dev/f{number}") for number in range(5)]
    Function.objects.update(timeout_ms=1_234)
    before = max(place.revisions().values())
    with transaction.atomic():
        want_published_all([fresh(each) for each in functions])
    assert sorted(place.revisions().values()) == [before + 1 + number for number in range(5)]
    assert not Function.objects.exclude(publish_due_at=None).exists()


def test_packages_come_with_it(place: Place) -> None:
    lock = Lock.objects.create(
        tenant=place.gateway.tenant, gateway=place.gateway, digest="d" * 64, wanted={"zod": "4.0.0"},
        packages=[{"name": "zod", "is_direct": True}, {"name": "inner", "is_direct": False}], lock_file="{}",
        bundle="module.exports = () => ({})",
    )  # fmt: skip
    Dependencies.objects.create(tenant=place.gateway.tenant, gateway=place.gateway, lock=lock)
    place.make("dev/without")
    files = {"index.ts": "import { z } from 'zod';\nexport default () => z;"}
    create_function(actor=place.actor, gateway=place.gateway, name="dev/with", files=files)
    assert place.ask("SELECT vendor FROM imp.functions ORDER BY name") == [("d" * 64,), ("",)]
    assert place.ask("SELECT digest, code, packages FROM imp.vendors") == [("d" * 64, lock.bundle, ["zod"])]


# --- What can't be told ----------------------------------------------------------------------------


def _unreachable(*_: object) -> int:
    raise store.Away from psycopg.OperationalError("the server is away")


def push_due_now() -> int:
    Function.objects.filter(publish_due_at__isnull=False).update(publish_due_at=clock.now())
    return push_due()


def test_a_save_that_cannot_be_told_is_kept_and_told_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    function = place.make()
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", _unreachable)
        place.save(function, "2")
        found = fresh(function)
        assert (found.version, found.published_version, found.publish_attempts) == (2, 1, 1)
        assert found.publish_error == "the server is away"
        told = standing_of(found)
        assert (told.state, told.error.partition(".")[0]) == (
            "publishing",
            "The gateway's database couldn't be told of it",
        )
        first = found.publish_due_at
        assert push_due_now() == 0
        found = fresh(function)
        assert found.publish_due_at > first
        assert found.publish_attempts == 2
    # Not before it's due again
    assert push_due() == 0
    assert push_due_now() == 1
    found = fresh(function)
    assert (found.published_version, found.publish_attempts, found.publish_error) == (2, 0, "")
    assert place.there() == {"dev/hello": (2, False)}


def test_a_process_that_ends_between_two_databases_loses_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.functions.publishing import pushing

    with monkeypatch.context() as killed:
        killed.setattr(pushing, "_write_down", _killed)
        with pytest.raises(SystemExit):
            place.make()
    function = Function.objects.get()
    assert (function.publish_due_at is not None, function.published_version) == (True, 0)
    before = place.revisions()
    assert push_due_now() == 1
    # What is there already isn't told again
    assert place.revisions() == before
    assert fresh(function).published_revision == before["dev/hello"]


def _killed(*_: object) -> None:
    raise SystemExit


def test_without_a_database_yet_it_waits(place: Place) -> None:
    function = place.make()
    FunctionGateway.objects.update(phase=Phase.CREATING)
    Function.objects.update(publish_due_at=clock.now() - timedelta(minutes=1))
    assert push_due() == 0
    assert standing_of(fresh(function)).state == "waiting"


def test_what_is_told_is_read_while_nobody_else_can_tell(place: Place) -> None:
    """Who has waited for another one tells what is wanted by then, and not what was when it began to wait."""
    function = place.make()

    def tell() -> None:
        try:
            push(place.gateway.pk, [function.pk])
        finally:
            connection.close()

    waiting = threading.Thread(target=tell)
    with psycopg.connect(**store.parameters_of(place.gateway.pk)) as holder:
        holder.execute("SELECT * FROM imp.counter FOR UPDATE")
        Function.objects.update(timeout_ms=1_111)
        waiting.start()
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        wait_until(lambda: place.ask(blocked, [place.name]) == [(1,)], what="it to wait")
        Function.objects.update(timeout_ms=2_222)
    waiting.join()
    assert place.ask("SELECT timeout_ms FROM imp.functions") == [(2_222,)]


def test_an_older_version_is_never_told_after_a_newer_one(place: Place) -> None:
    """However many tell it at once: each reads what is wanted while nobody else can tell."""
    function = place.make()
    failures: list[BaseException] = []

    def tell() -> None:
        try:
            for _ in range(10):
                push(place.gateway.pk, [function.pk])
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    seen: list[tuple[int, int]] = []
    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(12):
        place.save(function, str(number))
        seen += place.ask("SELECT revision, version FROM imp.functions")
    for thread in threads:
        thread.join()
    assert not failures
    assert seen == sorted(seen)
    assert place.there() == {"dev/hello": (13, False)}
    found = fresh(function)
    assert (found.published_version, found.published_revision) == (13, place.revisions()["dev/hello"])


# --- What was lost ---------------------------------------------------------------------------------


def test_a_database_that_was_brought_back_older_says_what_is_wanted_again(place: Place) -> None:
    kept, gone, renamed = place.make("dev/kept"), place.make("dev/gone"), place.make("dev/renamed")
    backup = {table: place.ask(f"SELECT * FROM imp.{table}") for table in ("functions", "counter")}
    place.save(kept, "newer")
    delete_function(actor=place.actor, function=fresh(gone))
    rename_function(actor=place.actor, function=fresh(renamed), name="other")
    new = place.make("dev/new")
    told = max(place.revisions().values())
    with store.connect(place.gateway.pk) as there:
        there.execute("DELETE FROM imp.functions")
        for row in backup["functions"]:
            there.execute(f"INSERT INTO imp.functions VALUES ({', '.join(['%s'] * len(row))})", row)
        there.execute("UPDATE imp.counter SET revision = %s", [backup["counter"][0][1]])
        there.execute("DELETE FROM imp.artifacts WHERE digest NOT IN (SELECT artifact FROM imp.functions)")
    publish_all(place.gateway)
    assert place.there() == {
        "dev/kept": (2, False), "dev/gone": (1, True), "dev/renamed": (1, True), "dev/other": (2, False),
        "dev/new": (1, False),
    }  # fmt: skip
    # Runtimes have read up to there, and would never look at less
    assert min(place.revisions().values()) > told
    for function in (kept, new, renamed):
        assert fresh(function).published_revision == place.revisions()[fresh(function).name]
    # A second time there's nothing to do
    before = place.revisions()
    publish_all(place.gateway)
    assert place.revisions() == before


def test_what_nobody_wants_goes(place: Place) -> None:
    place.make()
    with store.connect(place.gateway.pk) as there:
        there.execute(
            "INSERT INTO imp.functions (name, function_id, revision, version, artifact)"
            " VALUES ('dev/forged', 'fn_x', 99, 1, 'x'), ('dev/~drf_1', 'drf_1', 100, 0, 'x')"
        )
        there.execute("UPDATE imp.functions SET expires_at = now() + interval '1 hour' WHERE name LIKE '%~%'")
    publish_all(place.gateway)
    assert place.there() == {"dev/hello": (1, False), "dev/forged": (1, True)}
    assert place.ask("SELECT is_deleted FROM imp.functions WHERE name = 'dev/~drf_1'") == [(False,)]


def test_gateways_are_compared_in_turn(place: Place) -> None:
    place.make()
    place.ask("DELETE FROM imp.functions")
    compare_some()
    assert place.there() == {}
    GatewayDatabase.objects.update(compared_at=clock.now() - comparing.COMPARE_EVERY)
    compare_some()
    assert place.there() == {"dev/hello": (1, False)}
    assert GatewayDatabase.objects.filter(compared_at__gt=clock.now() - timedelta(minutes=1)).exists()


def test_one_whose_processes_have_news_is_compared_at_once(place: Place) -> None:
    """Its database may have been brought back from a backup while they ran: what begins now reads older code."""
    place.make()
    place.ask("DELETE FROM imp.functions")
    hear_of_bundles([f"gateway/{place.gateway.pk}/routes"])
    compare_some()
    assert place.there() == {}
    hear_of_bundles([f"gateway/{place.gateway.pk}/main"])
    compare_some()
    assert place.there() == {"dev/hello": (1, False)}
    assert not GatewayDatabase.objects.filter(compared_at=None).exists()


def test_one_that_is_lost_keeps_no_other_from_its_turn(place: Place) -> None:
    store.pool.close()
    drop_for_good(place.name)
    GatewayDatabase.objects.update(compared_at=None)
    compare_some()
    assert not GatewayDatabase.objects.filter(compared_at=None).exists()


def test_what_is_not_needed_any_more_is_removed(place: Place) -> None:
    function = place.make(answer="old")
    place.save(function, "new")
    other = place.make("dev/other")
    delete_function(actor=place.actor, function=fresh(other))
    with store.connect(place.gateway.pk) as there:
        there.execute("INSERT INTO imp.vendors (digest, code, packages) VALUES ('unused', '', '{}')")
        there.execute(
            "INSERT INTO imp.instances (id, process, stages, backend_pid, backend_start)"
            " VALUES ('long ago', 'main', '{dev}', 1, now())"
        )
        there.execute("INSERT INTO imp.acks (instance, name, revision) VALUES ('long ago', 'dev/hello', 1)")
    comparing.prune(place.gateway.pk)
    assert place.ask("SELECT count(*) FROM imp.artifacts") == [(3,)]
    for table, column in (("artifacts", "made_at"), ("vendors", "made_at"), ("instances", "started_at"),
                          ("acks", "acked_at"), ("functions", "published_at")):  # fmt: skip
        place.ask(f"UPDATE imp.{table} SET {column} = {column} - interval '2 days'")
    comparing.prune(place.gateway.pk)
    assert place.there() == {"dev/hello": (2, False)}
    left = [place.ask(f"SELECT count(*) FROM imp.{table}")[0][0] for table in ("artifacts", "vendors", "acks")]
    assert left == [1, 0, 0]
    assert place.ask("SELECT * FROM imp.instances") == []


# --- What runtimes make of it ----------------------------------------------------------------------


def test_a_save_is_live_once_its_runtime_says_so(place: Place, start: Start) -> None:
    function = place.make(answer="first")
    assert await_live(function, within=0).state == "publishing"
    process = start()
    assert answer_of(process) == "first"
    Event.objects.all().delete()
    function = place.save(function, "second")
    live = await_live(function, within=10)
    assert answer_of(process) == "second"
    assert live.state == "live"
    assert live.load_ms is not None
    assert (live.ms or 0) > (live.store_ms or 0) > 0
    assert (live.compile_ms or 0) > 0
    found = fresh(function)
    assert (found.live_version, found.live_ms, found.load_error) == (2, live.ms, None)
    assert standing_of(found) == Live("live", ms=live.ms)
    assert Event.objects.filter(topic=f"gateway:{place.gateway.pk}", kind="functions", ref=function.pk).exists()


def test_whoever_was_overtaken_says_nothing_of_the_newer_one(place: Place, start: Start) -> None:
    start()
    function = place.make(answer="first")
    assert await_live(function, within=10).state == "live"
    mine = place.save(function, "second")
    theirs = place.save(function, "third")
    # It hears what the processes say of both
    assert await_live(mine, within=10).state == "live"
    assert (mine.version, mine.live_version, fresh(function).live_version) == (2, 2, 1)
    assert await_live(theirs, within=10).state == "live"
    assert fresh(function).live_version == 3


def test_all_that_serve_its_stage_have_to_have_it(place: Place, start: Start) -> None:
    start("one")
    other = start("other")
    start("prod", stages=("prod",))
    function = place.make()
    assert await_live(function, within=10).state == "live"
    other.process.send_signal(19)
    try:
        function = place.save(function, "2")
        assert await_live(function, within=0.3).state == "publishing"
        prod = place.make("prod/hello")
        assert await_live(prod, within=10).state == "live"
    finally:
        other.process.send_signal(18)
    assert await_live(function, within=10).state == "live"


def test_what_cannot_be_loaded_says_why_and_leaves_what_runs(place: Place, start: Start) -> None:
    process = start()
    function = place.make(answer="good")
    await_live(function, within=10)
    bad = {"index.ts": "const a: any = undefined;\nexport default a.b.c;"}
    function = _save_files(place, function, bad)
    live = await_live(function, within=10)
    assert live.state == "failed"
    assert "undefined" in live.error
    assert answer_of(process) == "good"
    found = fresh(function)
    assert (found.live_version, found.load_error["version"]) == (1, 2)
    assert standing_of(found) == Live("failed", error=live.error)
    function = place.save(function, "mended")
    assert await_live(function, within=10).state == "live"
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
    await_live(function, within=10)
    role = databases.runtime_role_of(place.name)
    place.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])
    function = place.save(function, "after")
    wait_until(lambda: answer_of(process) == "after", what="it to catch up")
    wait_until(lambda: await_live(fresh(function), within=1).state == "live", what="it to say so")


# --- Drafts ----------------------------------------------------------------------------------------


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
    await_live(function, within=10)
    draft, compiled = draft_of(place, function, "export default () => ({ answer: 'draft' });")
    name = publish_draft(draft, compiled)
    assert name == f"dev/~{draft.pk}"
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


# --- The doctor ------------------------------------------------------------------------------------


def test_the_doctor_says_what_stays_unpublished(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [each.level for each in check_functions()] == [Level.OK]
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", _unreachable)
        place.make()
        for _ in range(2):
            push_due_now()
    ok, late = check_functions()
    assert (ok.level, late.level) == (Level.OK, Level.WARNING)
    assert "parcel-tracking: the server is away" in late.what
    monkeypatch.setattr(doctor, "compile_files", _without_compiler)
    assert [each.level for each in check_functions()] == [Level.ERROR, Level.WARNING]


def _without_compiler(**_: object) -> None:
    raise FileNotFoundError("There is no esbuild.")
