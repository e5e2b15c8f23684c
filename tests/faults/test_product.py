"""The short form of `make chaos`, and what only the whole product can show."""

import json

import pytest

from tests.chaos.gateways import GatewayTrial
from tests.chaos.saves import KILLED, SavesTrial
from tests.chaos.trial import Trial
from tests.faults.product import LATER_START_WITHIN, PATIENCE, Product, stretched, wait_until

pytestmark = pytest.mark.faults


def test_after_kills_everything_heals_and_nothing_promised_is_lost(product: Product) -> None:
    told: list[str] = []
    result = Trial(product, seed=7, say=told.append).run(rounds=5)
    assert len(result.heal_seconds) == len(told) == 5
    assert result.done >= result.acknowledged > 20


def test_gateways_become_what_is_wanted_whatever_dies_meanwhile(product: Product) -> None:
    told: list[str] = []
    outcome = GatewayTrial(product, seed=7, count=5, say=told.append).run()
    assert outcome.seconds.keys() == {"create", "stop", "start", "delete"}
    assert sum(outcome.killed.values()) >= 3


def test_what_was_saved_is_live_and_nothing_else_whatever_dies_meanwhile(product: Product) -> None:
    told: list[str] = []
    outcome = SavesTrial(product, seed=7, say=told.append, saves=60).run()
    assert outcome.acknowledged >= 60
    assert outcome.killed.keys() >= set(KILLED)


def test_after_dropped_connections_every_part_works_on_without_a_restart(product: Product) -> None:
    before = {part.name: part.restarts for part in product.run.parts}
    assert product.drop_connections() > 3
    product.wait_until_healthy()
    assert {part.name: part.restarts for part in product.run.parts} == before


def test_while_the_database_is_away_the_web_process_lives_and_says_so(product: Product) -> None:
    product.kill_part("postgres")
    status, body = product.get("/readyz", timeout=PATIENCE)
    # It may be back already: nobody waits for this test
    assert status == 200 or json.loads(body)["not_ready"][0] == "database"
    assert product.get("/healthz")[0] == 200
    product.wait_until_healthy()


def test_a_later_start_is_quick_and_has_the_same_data(product: Product) -> None:
    with product.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")
    wait_until(lambda: answers(product), within=stretched(30), what="the demo's gateway")
    assert product.stop() == 0
    product.assert_nothing_left()
    again = Product(product.state, settings="tests.chaos.settings")
    again.start()
    try:
        assert again.wait_started() < stretched(LATER_START_WITHIN)
        with again.connect() as connection:
            assert connection.execute("SELECT word FROM kept").fetchall() == [("still here",)]
        wait_until(lambda: answers(again), within=stretched(30), what="the same gateway")
        assert again.stop() == 0
        again.assert_nothing_left()
    finally:
        again.end()


def answers(product: Product) -> bool:
    """The demo's gateway, by its own runtime, under its own name."""
    status, body = product.get("/", port=product.gateway_port, host="parcel-tracking.dev.localhost")
    return status == 404 and json.loads(body).get("gateway") == "parcel-tracking"
