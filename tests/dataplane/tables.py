"""Route tables as JSON says them, and as hypothesis makes them up."""

from typing import Any

from hypothesis import strategies as st

from apps.dataplane.ir import Answer, Forward, InvalidRoutes, Route, RouteTable, VirtualHost


def table_of(content: Any) -> RouteTable:
    return RouteTable(content["name"], tuple(_virtual_host(each) for each in content["virtual_hosts"]))


def _virtual_host(content: Any) -> VirtualHost:
    routes = tuple(
        Route(each["name"], _action(each["action"]), **{key: each[key] for key in each.keys() & {"prefix"}})
        for each in content["routes"]
    )
    return VirtualHost(content["name"], tuple(content["hosts"]), routes)


def _action(content: Any) -> Forward | Answer:
    return Forward(**content) if "destination" in content else Answer(**content)


TEXT = st.text(max_size=40)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.builds("{}.{}".format, LABELS, st.sampled_from(["dev.localhost", "xn--bcher-kva.example", "b"]))
NAMES = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())
PATHS = st.from_regex(r"/([a-z~%:@]{1,6}/){0,2}[a-z-]{0,4}", fullmatch=True)
PREFIXES = st.one_of(st.just(""), st.from_regex(r"(/[a-z]{1,6}){1,2}", fullmatch=True))
ANSWERS = st.builds(Answer, st.integers(400, 599), st.just("stage-inactive"), TEXT, TEXT)
ACTIONS = st.one_of(st.builds(Forward, NAMES, PREFIXES), ANSWERS)
# Now and then something that can't be
ODD_HOSTS = st.one_of(HOSTS, st.sampled_from(["A.b", "ü.de", "localhost", "a.b", ""]))
ODD_ACTIONS = st.one_of(ACTIONS, st.builds(Forward, TEXT, TEXT), st.builds(Answer, st.integers(), TEXT, TEXT, TEXT))


@st.composite
def good_tables(draw: st.DrawFn) -> RouteTable:
    hosts = draw(st.lists(HOSTS, unique=True, max_size=6))
    virtual_hosts = []
    for name in draw(st.lists(NAMES, unique=True, min_size=len(hosts) // 2, max_size=len(hosts) // 2)):
        prefixes = sorted(draw(st.lists(PATHS, unique=True, min_size=1, max_size=3)), key=len, reverse=True)
        routes = tuple(Route(f"{name[:9]} {prefix}", draw(ACTIONS), prefix) for prefix in prefixes)
        virtual_hosts.append(VirtualHost(name, (hosts.pop(), hosts.pop()), routes))
    return RouteTable(draw(NAMES), tuple(virtual_hosts))


@st.composite
def odd_tables(draw: st.DrawFn) -> RouteTable | InvalidRoutes:
    """One, or why it can't be."""
    routes = st.lists(st.builds(Route, NAMES, ODD_ACTIONS, st.one_of(PATHS, TEXT)), max_size=2)
    hosts = st.lists(ODD_HOSTS, max_size=2)
    virtual_hosts = st.builds(VirtualHost, NAMES, hosts.map(tuple), routes.map(tuple))
    try:
        return RouteTable(draw(TEXT), tuple(draw(st.lists(virtual_hosts, max_size=2))))
    except InvalidRoutes as error:
        return error
