"""What dies or hangs is started again, and what keeps dying is told, and tried now and then."""

from tests.faults.product import PATIENCE, wait_until
from tests.up.conftest import Scenario


def test_a_killed_part_comes_back_and_its_orphans_are_gone(scenario: Scenario) -> None:
    product = scenario("family")
    product.start()
    product.wait_started()
    for part in ("web", "live"):
        before = product.processes_of(part)
        assert len(before) == 2
        product.kill_part(part)
        wait_until(lambda part=part, before=before: _is_back(product, part, before), what=f"{part} again")
        wait_until(lambda before=before: not product.everything() & before, what="no orphan")
    assert {part.name: part.restarts for part in product.run.parts} == {"web": 1, "live": 1}
    assert product.event("was ended by SIGKILL; starting it again", "web")


def _is_back(product, part: str, before: set[int]) -> bool:  # type: ignore[no-untyped-def]
    state = next(each for each in product.run.parts if each.name == part)
    return state.state == "healthy" and state.pid not in before


def test_a_part_that_dies_five_times_in_a_minute_is_told_and_left(scenario: Scenario) -> None:
    product = scenario("dying")
    product.start()
    wait_until(lambda: product.event("started"), what="the start")
    told = product.event("ended with exit code 3, 5 times within a minute", "live")
    assert told is not None
    assert told["level"] == "error"
    assert told["lines"] == ["the file settings.toml is missing"]
    assert "manage.py doctor" in told["event"]
    summary = product.event("started")
    assert summary is not None
    assert summary["given_up"] == ["live"]
    assert [part.state for part in product.run.parts] == ["healthy", "given up"]
    assert product.get("/")[0] == 200
    assert product.stop() == 0
    product.assert_nothing_left()


def test_a_part_that_was_given_up_comes_back_once_it_can(scenario: Scenario) -> None:
    product = scenario("waiting for a file")
    product.start()
    wait_until(lambda: product.event("ended with exit code 3, 5 times", "live"), what="that it's given up")
    (product.state / "there").touch()
    wait_until(lambda: product.run.parts[1].state == "healthy", what="it again")


def test_a_part_that_no_longer_answers_is_started_again(scenario: Scenario) -> None:
    product = scenario("freezing")
    product.start()
    product.wait_started()
    before = product.processes_of("web")
    (product.state / "freeze").touch()
    wait_until(lambda: product.event("didn't work for 3 s", "web"), what="that it hangs")
    (product.state / "freeze").unlink()
    wait_until(lambda: _is_back(product, "web", before), what="web again")


def test_a_failing_step_ends_the_start_and_tells_why(scenario: Scenario) -> None:
    product = scenario("failing step")
    product.start()
    assert product.wait_ended(PATIENCE) == 1
    told = product.event("ended with exit code 7", "prepare")
    assert told is not None
    assert "no such table: people" in told["event"]
    assert not product.event("ready", "live")
    product.assert_nothing_left()
