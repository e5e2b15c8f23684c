"""A gateway's database says what the rows want, as soon as that is committed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from apps.functions.models import Artifact, Dependencies, Function, Lock
from apps.functions.publishing import want_published_all, wanting
from apps.functions.publishing.pushing import push
from apps.functions.publishing.relaxed import found_again
from apps.functions.services import copy_function, create_function, delete_function, rename_function, restore_function
from apps.gateways import databases
from tests.functions.world import Place, fresh, push_due_now, unreachable

pytestmark = pytest.mark.django_db(transaction=True)


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
        away.setattr(wanting, "push", unreachable)
        delete_function(actor=place.actor, function=fresh(first))
    second = place.make(answer="of the second")
    assert push_due_now() == 1
    assert place.ask("SELECT function_id, is_deleted FROM imp.functions") == [(second.pk, False)]


def test_two_that_change_names_are_right_whoever_is_told_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = place.make("dev/one", "1"), place.make("dev/other", "2")
    with monkeypatch.context() as away:
        away.setattr(wanting, "push", unreachable)
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
