"""What a table promises: one that exists can be rendered, and one that can't be says all that is wrong."""

from collections import Counter

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from agent.engine.resources import MESSAGES
from apps.dataplane.drivers import Unable, envoy, refuse_what_it_cannot
from apps.dataplane.ir import Ability, Answer, Forward, InvalidRoutes, Route, RouteTable, VirtualHost
from tests.dataplane.tables import good_tables, odd_tables

FORWARD = Forward("runtime/ns/main", "/dev")


def refusals(*hosts: str, routes: tuple[Route, ...] = (Route("dev", FORWARD),), name: str = "gw_1") -> list[str]:
    with pytest.raises(InvalidRoutes) as info:
        RouteTable(name, (VirtualHost("dev", hosts, routes),))
    return [str(each) for each in info.value.found]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(good_tables(), odd_tables()))
def test_each_that_can_be_made_renders_to_what_envoy_reads(table: RouteTable | InvalidRoutes) -> None:
    if isinstance(table, InvalidRoutes):
        event("refused")
        assert table.found
        assert all(each.path and each.message for each in table.found)
        return
    event("rendered")
    resources = envoy.render_routes(table)
    for each in resources:
        message = json_format.ParseDict(each["resource"], MESSAGES[each["type_url"]]())
        message.SerializeToString()
    keys = Counter((each["type_url"], each["name"]) for each in resources)
    assert max(keys.values()) == 1
    assert [each["name"] for each in resources[1:]] == sorted(each["name"] for each in resources[1:])
    assert envoy.render_routes(table) == resources
    hosts = [host for each in table.virtual_hosts for host in each.hosts]
    assert [each["name"] for each in resources[1:]] == sorted(hosts)
    for answer in (route.action for host in table.virtual_hosts for route in host.routes):
        if isinstance(answer, Answer):
            assert 400 <= answer.status <= 599


def test_the_order_of_hosts_makes_no_difference() -> None:
    hosts = ("b.example", "a.example", "c.example")
    first, second = (
        envoy.render_routes(RouteTable("gw", (VirtualHost("dev", each, (Route("dev", FORWARD),)),)))
        for each in (hosts, hosts[::-1])
    )
    assert first == second


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("Parcels.dev.localhost", "'Parcels.dev.localhost' has capital letters: write 'parcels.dev.localhost'."),
        ("bücher.example", "'bücher.example' has letters beyond ASCII: write it as browsers do, with xn--."),
        ("\u212a.example", "'\u212a.example' has letters beyond ASCII: write it as browsers do, with xn--."),
        ("localhost", "'localhost' is no host name."),
        ("127.0.0.1", "'127.0.0.1' is no host name."),
        ("a.b:80", "'a.b:80' is no host name."),
        ("*.example", "'*.example' is no host name."),
        ("a..b", "'a..b' is no host name."),
        ("-a.b", "'-a.b' is no host name."),
        ("a_b.c", "'a_b.c' is no host name."),
        ("a.b\n", "'a.b\\n' is no host name."),
        ("", "'' is no host name."),
    ],
)
def test_a_host_that_is_none_is_refused_with_the_reason(host: str, why: str) -> None:
    assert refusals(host) == [f"virtual_hosts[0].hosts[0]: {why}"]


def test_hosts_may_be_as_long_as_names_are() -> None:
    label = "a" * 63
    longest = f"{label}.{label}.{label}.{'a' * 61}"
    assert len(longest) == 253
    RouteTable("gw", (VirtualHost("dev", (longest, "xn--bcher-kva.example"), (Route("dev", FORWARD),)),))
    assert "is too long" in refusals(f"{longest}a")[0]
    assert "is too long" in refusals(f"{label}a.example")[0]


@pytest.mark.parametrize(
    "prefix", ["", "user", "/a//b", "/a/../b", "/.", "/a?b", "/a#b", "/a b", "/\u00e9", "/a\n", "//"]
)
def test_a_path_that_no_call_can_have_is_refused(prefix: str) -> None:
    [found] = refusals("a.b", routes=(Route("dev", FORWARD, prefix),))
    assert found.startswith("virtual_hosts[0].routes[0].prefix: ")


def test_a_route_that_no_call_reaches_is_refused() -> None:
    found = refusals("a.b", routes=(Route("all", FORWARD), Route("user", FORWARD, "/user")))
    assert found == ["virtual_hosts[0].routes[1].prefix: No call comes here: 'all' before it takes all of '/'."]


def test_what_one_gateway_has_another_virtual_host_cannot_have() -> None:
    host = VirtualHost("dev", ("a.b", "a.b"), (Route("dev", FORWARD),))
    with pytest.raises(InvalidRoutes) as info:
        RouteTable("gw", (host, host))
    assert [str(each) for each in info.value.found] == [
        "virtual_hosts[0].hosts[1]: 'a.b' is virtual_hosts[0].hosts[0] already.",
        "virtual_hosts[1].name: 'dev' is another virtual host's name.",
        "virtual_hosts[1].hosts[0]: 'a.b' is virtual_hosts[0].hosts[0] already.",
        "virtual_hosts[1].hosts[1]: 'a.b' is virtual_hosts[0].hosts[0] already.",
    ]


def test_the_longest_answer_is_one_that_envoy_gives() -> None:
    """It takes 4,096 bytes."""
    action = Answer(503, "stage-inactive", "😀" * 100, "\x01" * 500)
    [routes, _] = envoy.render_routes(
        RouteTable("gw", (VirtualHost("dev", ("a.b",), (Route("dev", action),)),)),
        problem_types=f"https://{'a' * 200}/errors/",
    )
    body = routes["resource"]["virtual_hosts"][0]["routes"][0]["direct_response"]["body"]["inline_string"]
    assert len(body.encode()) < 4096
    assert "too long" in refusals("a.b", routes=(Route("dev", Answer(503, "x", "", "a" * 501)),))[0]


def test_half_a_character_is_refused() -> None:
    assert "half a character" in refusals("a.b", name="gw\ud800")[0]


def test_a_driver_refuses_by_name_what_its_kind_cannot_do() -> None:
    answer = Route("off", Answer(503, "stage-inactive", "Off", ""), "/off")
    table = RouteTable("gw", (VirtualHost("dev", ("a.b",), (answer, Route("rest", FORWARD))),))
    refuse_what_it_cannot(table, kind="all", can=set(Ability))
    with pytest.raises(Unable) as info:
        refuse_what_it_cannot(table, kind="plain", can={Ability.ADD_PREFIX})
    assert str(info.value) == "plain can't answer calls by itself, as dev/off would need"
    with pytest.raises(Unable) as info:
        refuse_what_it_cannot(table, kind="plain", can=())
    assert info.value.lacking == {Ability.ANSWER: ["dev/off"], Ability.ADD_PREFIX: ["dev/rest"]}
