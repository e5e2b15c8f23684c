"""What a runtime takes of its database's server, and what it does when there is none of it, or another one."""

from urllib.parse import urlsplit

from tests.runtime.conftest import Start
from tests.runtime.house import House
from tests.runtime.processes import Process, wait_until

SAY = "export default (req, res) => res.json({ says: %d });"
LOG = "export default (req, res) => { console.log('here'); res.json({}); };"


def role_of(house: House) -> str:
    return str(urlsplit(house.spec["runtime_url"]).username)


def connections_of(house: House) -> int:
    [(count,)] = house.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE usename IN (%s, %s)", role_of(house), house.name
    )
    return int(count)


def test_at_rest_it_holds_one_connection(house: House, start: Start) -> None:
    house.publish("dev/hello", SAY % 1)
    process = start(**house.spec)
    process.until("ready")
    assert connections_of(house) == 1
    revision = house.publish("dev/hello", LOG)
    house.await_ack("dev/hello", revision)
    assert connections_of(house) == 1
    # What is written takes another, for as long as somebody writes
    process.ask("/dev/hello")
    house.await_line("here")
    assert connections_of(house) == 2
    wait_until(lambda: connections_of(house) == 1, "the connection for lines stays")


def test_without_a_connection_for_it_it_waits_and_says_what_helps(house: House, start: Start) -> None:
    house.publish("dev/hello", SAY % 1)
    role = role_of(house)
    house.ask_nothing(f"ALTER ROLE {role} CONNECTION LIMIT 0")
    try:
        process = start(**house.spec)
        assert "raise its max_connections" in process.until("database-away")["message"]
        assert not process.events("ready")
    finally:
        house.ask_nothing(f"ALTER ROLE {role} CONNECTION LIMIT 24")
    process.until("ready")
    process.until("database-back")
    assert process.ask("/dev/hello")[1] == b'{"says":1}'


def test_one_that_its_database_forgot_comes_back_into_it(house: House, inhabited: Process) -> None:
    """As one that was brought back from a backup has forgotten those that run."""
    house.live("dev/hello", SAY % 1)
    house.ask_nothing("TRUNCATE imp.instances, imp.acks")
    wait_until(lambda: house.ask("SELECT FROM imp.instances WHERE is_ready") != [], "it isn't registered")
    assert len(inhabited.events("database-replaced")) == 1
    house.live("dev/hello", SAY % 2)


def test_a_database_that_says_less_than_it_said_is_told_of_once(house: House, inhabited: Process) -> None:
    house.live("dev/kept", SAY % 1)
    house.live("dev/lost", SAY % 2)
    house.ask_nothing("DELETE FROM imp.functions WHERE name = 'dev/lost'")
    wait_until(lambda: inhabited.events("database-replaced") != [], inhabited.lines)
    # What was acknowledged goes on
    assert inhabited.ask("/dev/lost")[1] == b'{"says":2}'
    house.live("dev/lost", SAY % 3)
    house.live("dev/kept", SAY % 4)
    assert len(inhabited.events("database-replaced")) == 1


def test_a_stage_of_another_process_is_none_of_its_business(house: House, inhabited: Process) -> None:
    house.live("dev/hello", SAY % 1)
    house.publish("prod/hello", SAY % 2)
    house.live("dev/hello", SAY % 3)
    house.ask_nothing("DELETE FROM imp.functions WHERE name = 'prod/hello'")
    house.live("dev/other", SAY % 4)
    assert not inhabited.events("database-replaced")
