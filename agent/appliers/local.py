"""The built-in engine's applier: its manifests become folders, processes and routes of this machine."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import structlog

from agent.appliers.base import Manifest, ObjectStatus, Phase, Report, Status, Wanted
from agent.engine.machine import Engine
from agent.engine.resources import Refused
from agent.engine.runtimes import Spec

log = structlog.get_logger(__name__)

API_VERSION = "local.imp.dev/v1"
AGAIN_AFTER = 2.0


class NotYet(Exception):
    """It waits for something else; the message says for what."""


class LocalApplier:
    api_versions: tuple[str, ...] = (API_VERSION,)

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._report: Report = lambda key, digest, status: None
        self._wanted: dict[str, Wanted] = {}
        self._made: dict[str, list[Manifest]] = defaultdict(list)
        self._work: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, tuple[str, Status]] = {}

    async def start(self, report: Report, bundles: Iterable[Wanted]) -> None:
        self._report = report
        await self.engine.start(self._look_again)
        for bundle in bundles:
            self.apply(bundle)

    async def stop(self) -> None:
        for task in self._work.values():
            task.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)
        await self.engine.stop()

    def facts(self) -> dict[str, str]:
        return self.engine.facts()

    def apply(self, bundle: Wanted) -> None:
        self._wanted[bundle.key] = bundle
        # Whoever says it again wants to hear it again
        self._last.pop(bundle.key, None)
        self._go(bundle.key, partial(self._bring_about, bundle))

    def remove(self, key: str) -> None:
        bundle = self._wanted.pop(key, None)
        self._go(key, partial(self._take_away, key, bundle.digest if bundle else ""))

    def _go(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """One thing at a time for each bundle: what is newer ends what is older."""
        before = self._work.get(key)

        async def go() -> None:
            if before and not before.done():
                before.cancel()
                await asyncio.gather(before, return_exceptions=True)
            await work()

        self._work[key] = asyncio.create_task(go())

    def _look_again(self, namespace: str) -> None:
        """A process of the namespace came or went."""
        for key, bundle in self._wanted.items():
            task = self._work.get(key)
            if (
                task
                and task.done()
                and any(
                    manifest["kind"] == "Runtime" and manifest["namespace"] == namespace for manifest in self._made[key]
                )
            ):
                self._go(key, partial(self._bring_about, bundle))

    async def _bring_about(self, bundle: Wanted) -> None:
        began = time.monotonic()
        manifests = bundle.in_waves()
        while True:
            try:
                await self._apply_all(bundle, manifests)
            except NotYet as wait:
                self._say(bundle, Status(Phase.APPLYING, str(wait), objects=_objects(manifests)))
            except Refused as error:
                self._say(bundle, Status(Phase.FAILED, str(error), objects=_objects(manifests)))
            except Exception as error:
                log.exception("bundle", key=bundle.key)
                message = f"{type(error).__name__}: {error}"
                self._say(bundle, Status(Phase.FAILED, message, objects=_objects(manifests)))
            else:
                ms = round((time.monotonic() - began) * 1000)
                self._say(bundle, Status(Phase.READY, apply_ms=ms, objects=_objects(manifests)))
                return
            await self.engine.changed_within(AGAIN_AFTER)

    async def _apply_all(self, bundle: Wanted, manifests: list[Manifest]) -> None:
        stay = {_identity(manifest) for manifest in manifests}
        for gone in [each for each in reversed(self._made[bundle.key]) if _identity(each) not in stay]:
            await self._unmake(gone, manifests)
            self._made[bundle.key].remove(gone)
        for manifest in manifests:
            self._made[bundle.key] = [
                each for each in self._made[bundle.key] if _identity(each) != _identity(manifest)
            ] + [manifest]
        for manifest in manifests:
            self._make(manifest, manifests)
        for manifest in manifests:
            await self._wait_for(manifest, bundle)

    async def _take_away(self, key: str, digest: str) -> None:
        for manifest in reversed(self._made.pop(key, [])):
            await self._unmake(manifest, [])
        self._last.pop(key, None)
        self._report(key, digest, Status(Phase.PRUNED))

    def _make(self, manifest: Manifest, beside: list[Manifest]) -> None:
        spec, namespace = manifest["spec"], manifest["namespace"]
        match manifest["kind"]:
            case "Namespace":
                self.engine.make_namespace(namespace)
            case "Configuration":
                self.engine.put_configuration(namespace, manifest["name"], spec)
            case "Runtime":
                self.engine.want_runtime(namespace, manifest["name"], self._spec_of(manifest))
            case "Routes":
                self.engine.put_routes(namespace, manifest["name"], spec["resources"])
            case kind:
                raise Refused(f"This engine has no {kind}.")

    async def _wait_for(self, manifest: Manifest, bundle: Wanted) -> None:
        namespace, name = manifest["namespace"], manifest["name"]
        match manifest["kind"]:
            case "Runtime":
                runtimes = [each for each in bundle.in_waves() if each["kind"] == "Runtime"]
                ready = [each for each in runtimes if self._is_ready(each)]
                if len(ready) < len(runtimes):
                    problem = self.engine.problem_of(namespace, name)
                    text = f"{len(ready)} of {len(runtimes)} processes ready"
                    raise NotYet(f"{text}. {problem}" if problem else text)
            case "Routes":
                await self.engine.settle_routes(namespace, name)
            case _:
                pass

    def _is_ready(self, manifest: Manifest) -> bool:
        return self.engine.serves(manifest["namespace"], manifest["name"], self._spec_of(manifest))

    async def _unmake(self, manifest: Manifest, beside: list[Manifest]) -> None:
        namespace, name = manifest["namespace"], manifest["name"]
        match manifest["kind"]:
            case "Namespace":
                self.engine.remove_namespace(namespace)
            case "Configuration":
                self.engine.remove_configuration(namespace, name)
            case "Runtime":
                await self.engine.stop_runtime(namespace, name)
            case "Routes":
                await self.engine.remove_routes(namespace, name)

    def _spec_of(self, manifest: Manifest) -> Spec:
        """The process with its configuration, which is another object and comes first."""
        content: dict[str, Any] = manifest["spec"]
        wanted = content["configuration"]
        found = self.engine.configuration(manifest["namespace"], wanted["name"], wanted["digest"])
        if found is None:
            raise NotYet("Waits for its configuration")
        return Spec(
            gateway=content["gateway"],
            process=manifest["name"],
            stages=tuple(content["stages"]),
            memory_mb=content["memory_mb"],
            restarts=content["restarts"],
            variables=found["variables"],
            secrets=found["secrets"],
            database_url=found["database_url"],
            problem_types=content.get("problem_types", "/errors/"),
        )

    def _say(self, bundle: Wanted, status: Status) -> None:
        # A moment of waiting that is as before is no news
        if self._last.get(bundle.key) != (bundle.digest, status):
            self._last[bundle.key] = (bundle.digest, status)
            self._report(bundle.key, bundle.digest, status)


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["kind"], manifest["namespace"], manifest["name"]


def _objects(manifests: list[Manifest]) -> tuple[ObjectStatus, ...]:
    return tuple(ObjectStatus(each["api_version"], each["kind"], each["namespace"], each["name"]) for each in manifests)
