"""The routes that bundles bring: whose they are, and whether calls to their hosts get where they should."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agent.engine.calls import Unanswered, call
from agent.engine.last_good import LastGood, Owner, Rendered
from agent.engine.listeners import MAIN, PROBE
from agent.engine.resources import LISTENER, ROUTES, SCOPE, Key, Refused, Resources

# Nobody's function is asked for this; what comes back says that it would have been
PROBE_PATH = "/_imp/reached"
PROBE_WITHIN = 5.0


class NotReached(Exception):
    """A host doesn't lead to its gateway yet; the message says which, and what answers."""


@dataclass
class Owned:
    rendered: Rendered = ()
    keys: set[Key] = field(default_factory=set)
    # The hosts, and the gateway that has to answer there; empty where Envoy itself does
    hosts: dict[str, str] = field(default_factory=dict)


class RouteBook:
    def __init__(self, resources: Resources, last_good: LastGood, host: str, port: int) -> None:
        self.probe = secrets.token_hex(16)
        self._resources = resources
        self._last_good = last_good
        self._door = ("127.0.0.1" if host in ("0.0.0.0", "::") else host, port)  # noqa: S104
        self._owned: dict[Owner, Owned] = {}
        self._owners: dict[Key, Owner] = {}

    def put(self, owner: Owner, rendered: Rendered) -> None:
        """All of them or, where one can't be, none: then what was there before goes on, also before a start."""
        before = () if owner in self._owned else self._last_good.read(owner)
        try:
            self._place(owner, rendered)
        except Refused:
            if before:
                with suppress(Refused):
                    self._place(owner, before)
            raise
        for each in before:
            if (each["type_url"], each["name"]) in self._owned[owner].keys:
                with suppress(Refused):
                    self._resources.trust(each["type_url"], each["name"], each["resource"])

    def _place(self, owner: Owner, rendered: Rendered) -> None:
        now = {(each["type_url"], each["name"]): each["resource"] for each in rendered}
        for type_url, name in now:
            if type_url not in (ROUTES, SCOPE):
                raise Refused(f"{name}: routes can't bring a {type_url.rpartition('.')[2]}.")
            holder = self._owners.get((type_url, name), owner)
            if holder != owner:
                what = "host" if type_url == SCOPE else "route table"
                raise Refused(f"The {what} {name} is {holder[0]}'s already: change one of the two.")
        for (type_url, _), content in now.items():
            self._resources.check(type_url, content)
        before = self._owned.get(owner, Owned())
        for key, content in now.items():
            self._owners[key] = owner
            self._resources.put(*key, content)
        self._owned[owner] = Owned(rendered, set(now), _hosts(now))
        self._drop(before.keys - now.keys())

    async def settle(self, owner: Owner) -> None:
        """Until Envoy has taken them, and each host leads where it should."""
        owned = self._owned[owner]
        try:
            await self._resources.settle([(LISTENER, MAIN)])
        except Refused as refused:
            raise Refused(f"No call can come in. Envoy says: {refused}") from None
        await self._resources.settle(sorted(owned.keys))
        if self._owned.get(owner) is owned:
            self._last_good.keep(owner, owned.rendered)
        for host, gateway in owned.hosts.items():
            await self._reach(host, gateway)

    async def remove(self, owner: Owner) -> None:
        keys = self._owned.pop(owner, Owned()).keys
        self._drop(keys)
        self._last_good.forget(owner)
        await self._resources.settle(keys)

    def _drop(self, keys: set[Key]) -> None:
        for key in keys:
            self._owners.pop(key, None)
            self._resources.remove(*key)

    async def _reach(self, host: str, gateway: str) -> None:
        try:
            answer = await call(self._door, PROBE_PATH, headers={"host": host, PROBE: self.probe}, within=PROBE_WITHIN)
        except Unanswered as error:
            raise NotReached(f"{host} doesn't answer: {error}") from None
        if gateway and answer.headers.get("x-imp-gateway") != gateway:
            raise NotReached(f"{host} doesn't lead to its process yet; it answers with {answer.status}.")
        if b"/no-such-host" in answer.body:
            raise NotReached(f"{host} isn't known yet.")


def _hosts(routes: dict[Key, Any]) -> dict[str, str]:
    found = {}
    for (type_url, name), table in routes.items():
        if type_url == ROUTES:
            for each in table.get("virtual_hosts", []):
                forwards = all("route" in route for route in each.get("routes", []))
                found.update(dict.fromkeys(each.get("domains", []), name if forwards else ""))
    return {name: found.get(name, "") for type_url, name in routes if type_url == SCOPE}
