"""What Envoys are to have, and have: the books of it, without any Envoy."""

import asyncio

import pytest

from agent.engine.resources import ROUTES, Refused, Resource, Resources

KEY = (ROUTES, "parcels")


def put(resources: Resources, host: str) -> Resource:
    resources.put(*KEY, {"name": "parcels", "virtual_hosts": [{"name": "dev", "domains": [host]}]})
    return resources.of(ROUTES)["parcels"]


async def is_settled(resources: Resources) -> bool:
    try:
        async with asyncio.timeout(0.01):
            await resources.settle([KEY])
    except TimeoutError:
        return False
    return True


def test_routes_are_settled_once_each_envoy_that_takes_calls_has_them() -> None:
    async def trial() -> None:
        resources = Resources()
        one = put(resources, "one")
        assert not await is_settled(resources)
        resources.join("old")
        resources.acked("old", ROUTES, [("parcels", one)], [])
        assert await is_settled(resources)
        resources.join("new")
        assert not await is_settled(resources)
        resources.acked("new", ROUTES, [("parcels", one)], [])
        assert await is_settled(resources)
        two = put(resources, "two")
        resources.acked("new", ROUTES, [("parcels", two)], [])
        assert not await is_settled(resources)
        # Its stream broke; it may still take calls, by what nobody knows
        resources.lose_sight("new")
        resources.acked("old", ROUTES, [("parcels", two)], [])
        assert not await is_settled(resources)
        resources.leave("new")
        assert await is_settled(resources)
        # What it said last comes after it has ended
        resources.acked("new", ROUTES, [("parcels", one)], [])
        assert await is_settled(resources)

    asyncio.run(trial())


def test_what_is_taken_away_is_gone_once_each_has_let_go() -> None:
    async def trial() -> None:
        resources = Resources()
        one = put(resources, "one")
        for node in ("old", "new"):
            resources.join(node)
            resources.acked(node, ROUTES, [("parcels", one)], [])
        resources.remove(*KEY)
        resources.acked("new", ROUTES, [], ["parcels"])
        assert not await is_settled(resources)
        resources.acked("old", ROUTES, [], ["parcels"])
        assert await is_settled(resources)

    asyncio.run(trial())


def test_what_one_of_them_refuses_is_refused_until_that_one_takes_it_or_ends() -> None:
    async def trial() -> None:
        resources = Resources()
        for node in ("old", "new"):
            resources.join(node)
        good = put(resources, "good")
        for node in ("old", "new"):
            resources.acked(node, ROUTES, [("parcels", good)], [])
        bad = put(resources, "bad")
        resources.refused("old", ROUTES, "parcels", bad.version, "no such thing")
        # The newer one knows what the older one doesn't
        resources.acked("new", ROUTES, [("parcels", bad)], [])
        with pytest.raises(Refused, match="no such thing"):
            await resources.settle([KEY])
        resources.leave("old")
        resources.acked("new", ROUTES, [("parcels", bad)], [])
        assert await is_settled(resources)

    asyncio.run(trial())


def test_whoever_waits_while_everything_ends_neednt() -> None:
    async def trial() -> None:
        resources = Resources()
        put(resources, "one")
        waiting = asyncio.create_task(resources.settle([KEY]))
        await asyncio.sleep(0)
        resources.close()
        async with asyncio.timeout(1):
            await waiting

    asyncio.run(trial())
