"""What a gateway's database has lost, or holds that nobody wants, is put right."""

from datetime import timedelta

import pytest

from apps.core import clock
from apps.functions.publishing import compare_some, comparing, publish_all
from apps.functions.services import delete_function, rename_function
from apps.gateways import store
from apps.gateways.lifecycle.machines import hear_of_bundles
from apps.gateways.models import GatewayDatabase
from tests.functions.world import Place, fresh
from tests.gateways.world import drop_for_good

pytestmark = pytest.mark.django_db(transaction=True)


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
