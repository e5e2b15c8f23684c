"""The built-in engine's applier: its manifests become folders, processes and routes of this machine."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial

import structlog

from agent.appliers.base import ObjectStatus, Phase, Report, Status, Wanted
from agent.appliers.manifests import Manifest, Unreadable, in_waves, read_manifests
from agent.engine.instances import PROBLEM_TYPES, Spec
from agent.engine.machine import Engine
from agent.engine.patience import Backoff
from agent.engine.resources import Refused
from agent.engine.routes import NotReached

log = structlog.get_logger(__name__)

# Without news; what fails for a reason that nobody knows is tried less and less often
AGAIN_AFTER, CALM_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0), 3600.0
# Of a configuration that was kept before there was any
NO_EGRESS = {"mode": "none", "hosts": []}
UNFORESEEN = "Something went wrong in the engine that nobody foresaw. It tries again; the agent's log says more."


class NotYet(Exception):
    """It waits for something else; the message says for what."""


class Failing(Exception):
    """It's tried again and again; the message says what comes of it."""


class LocalApplier:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._report: Report = lambda key, digest, status: None
        self._wanted: dict[str, Wanted] = {}
        # What may be there of each bundle, in the order in which it was made
        self._made: dict[str, list[Manifest]] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last: dict[str, tuple[str, Status]] = {}

    async def start(self, report: Report, bundles: Iterable[Wanted]) -> None:
        self._report = report
        readable: list[tuple[int, str, Wanted, set[str]]] = []
        for bundle in bundles:
            manifests = []
            with contextlib.suppress(Unreadable):
                manifests = read_manifests(bundle)
            wave = manifests[0].wave if manifests else 0
            for each in manifests:
                self._hear_problem_types(each)
            readable.append((wave, bundle.key, bundle, {each.namespace for each in manifests}))
        await self.engine.start(self._look_again, {name for *_, names in readable for name in names})
        # What others wait for first; and always in the same order, as of two that want the same host the first gets it
        for _, _, bundle, _ in sorted(readable, key=lambda each: each[:2]):
            self.apply(bundle)

    async def stop(self) -> None:
        for task in self._work.values():
            task.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)
        await self.engine.stop()

    def renew(self) -> None:
        self.engine.renew()

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
        """One thing at a time for each bundle: what is newer ends what is older, and begins once that has ended."""
        if before := self._work.get(key):
            before.cancel()

        async def go() -> None:
            async with self._locks[key]:
                await work()

        self._work[key] = task = asyncio.create_task(go())
        task.add_done_callback(partial(self._done, key))

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("bundle", key=key, error=f"{type(error).__name__}: {error}")
        if self._work.get(key) is task and key not in self._wanted:
            del self._work[key], self._locks[key]

    def _look_again(self, namespace: str) -> None:
        """A process of the namespace came or went. Who is still at it hears of it by the engine's news."""
        for key, bundle in list(self._wanted.items()):
            if self._work[key].done() and any(
                each.kind == "Runtime" and each.namespace == namespace for each in self._made.get(key, ())
            ):
                self._go(key, partial(self._bring_about, bundle))

    async def _bring_about(self, bundle: Wanted) -> None:
        try:
            manifests = read_manifests(bundle)
        except Unreadable as error:
            self._say(bundle, Status(Phase.FAILED, str(error)))
            return
        objects = tuple(each.status for each in manifests)
        backoff = Backoff(AGAIN_AFTER, calm=CALM_SECONDS)
        while True:
            seen = self.engine.news.count
            try:
                await self._apply_all(bundle.key, manifests)
            except (NotYet, NotReached) as wait:
                self._say(bundle, Status(Phase.APPLYING, str(wait), objects=objects))
            except TimeoutError:
                problem = self.engine.proxy.problem or "Envoy hasn't taken the routes yet."
                self._say(bundle, Status(Phase.APPLYING, problem, objects=objects))
            except (Failing, Refused) as error:
                self._say(bundle, Status(Phase.FAILED, str(error), objects=objects))
            # A bundle that nobody brings about any more would say "applying" for ever
            except Exception:
                # Tenants read what is said, and the details are about this machine
                if self._say(bundle, Status(Phase.FAILED, UNFORESEEN, objects=objects)):
                    log.exception("bundle", key=bundle.key)
            else:
                self._say(bundle, Status(Phase.READY, objects=tuple(map(self._status_of, manifests))))
                return
            await self.engine.news.since(seen, backoff.after(0))

    async def _apply_all(self, key: str, manifests: list[Manifest]) -> None:
        made = self._made.setdefault(key, [])
        for wave in in_waves(manifests):
            for manifest in wave:
                made[:] = [*(each for each in made if each.identity != manifest.identity), manifest]
                self._make(manifest)
            await self._wait_for(wave)
        # Last, as what takes its place is there by now
        stay = {each.identity for each in manifests}
        for gone in [each for each in reversed(made) if each.identity not in stay]:
            await self._unmake(gone)
            made.remove(gone)

    async def _take_away(self, key: str, digest: str) -> None:
        backoff = Backoff(AGAIN_AFTER, calm=CALM_SECONDS)
        made = self._made.get(key, [])
        while made:
            try:
                await self._unmake(made[-1])
                made.pop()
            # Nothing of it may stay, so it's tried until it goes
            except Exception:
                log.exception("bundle", key=key)
                await asyncio.sleep(backoff.after(0))
        self._made.pop(key, None)
        self._last.pop(key, None)
        self._report(key, digest, Status(Phase.PRUNED))

    def _make(self, manifest: Manifest) -> None:
        namespace, name, spec = manifest.namespace, manifest.name, manifest.spec
        match manifest.kind:
            case "Namespace":
                self.engine.make_namespace(namespace)
            case "Configuration":
                self.engine.put_configuration(namespace, name, spec)
            case "Runtime":
                self._hear_problem_types(manifest)
                self.engine.want_runtime(namespace, name, self._spec_of(manifest))
            case "Routes":
                self.engine.put_routes(namespace, name, spec["resources"])

    def _hear_problem_types(self, manifest: Manifest) -> None:
        """The portal's, and so the same in all of them."""
        if types := manifest.spec.get("problem_types"):
            self.engine.answer_with(types)

    async def _wait_for(self, wave: list[Manifest]) -> None:
        runtimes = [each for each in wave if each.kind == "Runtime"]
        missing = [each for each in runtimes if not self._is_ready(each)]
        if missing:
            problems = [self.engine.problem_of(each.namespace, each.name) for each in missing]
            text = f"{len(runtimes) - len(missing)} of {len(runtimes)} processes ready"
            kind = Failing if any(self.engine.is_failing(each.namespace, each.name) for each in missing) else NotYet
            raise kind(". ".join(dict.fromkeys([text, *filter(None, problems)])))
        for each in wave:
            if each.kind == "Routes":
                await self.engine.settle_routes(each.namespace, each.name)

    def _status_of(self, manifest: Manifest) -> ObjectStatus:
        """Each time that another database was found, it's another one: whoever keeps that database hears of it."""
        if manifest.kind == "Runtime" and (times := self.engine.replacements_of(manifest.namespace, manifest.name)):
            return replace(
                manifest.status, message=f"Its database was replaced, or brought back: {times} times so far."
            )
        return manifest.status

    def _is_ready(self, manifest: Manifest) -> bool:
        return self.engine.serves(manifest.namespace, manifest.name, self._spec_of(manifest))

    async def _unmake(self, manifest: Manifest) -> None:
        namespace, name = manifest.namespace, manifest.name
        match manifest.kind:
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
        content = manifest.spec
        wanted = content["configuration"]
        found = self.engine.configuration(manifest.namespace, wanted["name"], wanted["digest"])
        if found is None:
            raise NotYet("Waits for its configuration")
        return Spec(
            gateway=content["gateway"],
            process=manifest.name,
            stages=tuple(content["stages"]),
            milli_cpu=content["milli_cpu"],
            memory_mb=content["memory_mb"],
            restarts=content["restarts"],
            variables=found["variables"],
            secrets=found["secrets"],
            database_url=found["database_url"],
            problem_types=content.get("problem_types", PROBLEM_TYPES),
            runtime_url=found.get("runtime_url", ""),
            run_key=found.get("run_key", ""),
            egress_mode=found.get("egress", NO_EGRESS)["mode"],
            egress_hosts=tuple(found.get("egress", NO_EGRESS)["hosts"]),
            logs=found.get("logs", "database"),
        )

    def _say(self, bundle: Wanted, status: Status) -> bool:
        """False: it's as it was, and that is no news."""
        if self._last.get(bundle.key) == (bundle.digest, status):
            return False
        self._last[bundle.key] = (bundle.digest, status)
        self._report(bundle.key, bundle.digest, status)
        return True
