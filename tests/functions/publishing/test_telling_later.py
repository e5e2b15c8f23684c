"""What can't be told at once is due until it is, whoever comes first, and never older than what is there."""

import threading
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from apps.core import clock
from apps.core.doctor.findings import Level
from apps.functions import doctor
from apps.functions.compiling import CompilerFailed
from apps.functions.doctor import check_functions
from apps.functions.models import Function
from apps.functions.publishing import publish_all, push_due, standing_of, wanting
from apps.functions.publishing.pushing import push
from apps.functions.services import delete_function
from apps.gateways import store
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from tests.functions.world import Place, fresh, push_due_now, unreachable
from tests.gateways.world import drop_for_good
from tests.queue.cluster import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_save_that_cannot_be_told_is_kept_and_told_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    function = place.make()
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", unreachable)
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


def test_without_a_database_yet_nothing_is_tried_and_its_start_tells_it(place: Place) -> None:
    drop_for_good(place.name)
    FunctionGateway.objects.update(phase=Phase.CREATING)
    function = place.make()
    delete_function(actor=place.actor, function=place.make("dev/gone"))
    Function.objects.update(publish_due_at=clock.now() - timedelta(minutes=1))
    assert push_due() == 0
    found = fresh(function)
    # It can't have failed
    assert (found.publish_attempts, found.publish_error) == (0, "")
    assert standing_of(found).state == "waiting"
    place.make_database()
    FunctionGateway.objects.update(phase=Phase.STARTING)
    publish_all(fresh(function).gateway)
    assert place.there() == {"dev/hello": (1, False)}
    assert not Function.objects.exclude(publish_due_at=None).exists()


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


def test_the_doctor_says_what_stays_unpublished(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [each.level for each in check_functions()] == [Level.OK]
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", unreachable)
        place.make()
        for _ in range(2):
            push_due_now()
    ok, late = check_functions()
    assert (ok.level, late.level) == (Level.OK, Level.WARNING)
    assert "parcel-tracking: the server is away" in late.what
    monkeypatch.setattr(doctor, "compile_files", _without_compiler)
    without, late = check_functions()
    assert (without.level, late.level) == (Level.ERROR, Level.WARNING)
    assert without.what == "nothing can be compiled: There is no esbuild."


def _without_compiler(**_: object) -> None:
    raise CompilerFailed from FileNotFoundError("There is no esbuild.")
