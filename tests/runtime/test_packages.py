"""Packages in a runtime as they come to it: fetched from a registry, bundled, taken in an isolate without Node."""

import json

from apps.functions.dependencies.resolving import Resolved, resolve
from tests.dependencies.conftest import real_registry, registry
from tests.dependencies.registry import Registry
from tests.runtime.house import House
from tests.runtime.processes import Process

__all__ = ["real_registry", "registry"]
ESM = {"type": "module", "exports": "./index.js"}


def put(house: House, found: Resolved) -> dict[str, object]:
    """What a function that is built with it is published with."""
    house.put_vendor(found.digest, found.bundle)
    return {"packages": list(found.wanted), "vendor": found.digest}


def said(process: Process, path: str) -> object:
    response, body = process.ask(path)
    assert response.status == 200, body
    return json.loads(body)["said"]


def test_real_packages_work_in_a_real_runtime(real_registry: None, house: House, inhabited: Process) -> None:
    built = put(house, resolve({"zod": "3.23.8", "date-fns": "3.6.0", "lodash": "4.17.21", "nanoid": "5.0.7"}))
    source = """
      import { z } from "zod";
      import zod from "zod";
      import * as dates from "date-fns";
      import { addDays } from "date-fns/addDays";
      import lodash from "lodash";
      import get from "lodash/get";
      import { nanoid } from "nanoid";

      const Parcel = z.object({ id: z.string(), grams: z.number().positive() });

      export default async () => ({ said: [
        Parcel.safeParse({ id: "1", grams: -1 }).success,
        zod === z,
        dates.differenceInHours(addDays(new Date(0), 2), new Date(0)),
        lodash.chunk([1, 2, 3], 2),
        get({ a: { b: 7 } }, "a.b"),
        nanoid().length,
      ] });
    """
    house.live("dev/parcels", source, **built)
    assert said(inhabited, "/dev/parcels") == [False, True, 48, [[1, 2], [3]], 7, 21]


def test_state_of_a_package_is_each_functions_own(registry: Registry, house: House, inhabited: Process) -> None:
    code = "let count = 0; export const next = () => ++count; export const version = '%s'"
    registry.add("counter", {"index.js": code % "1.0.0"}, **ESM)
    registry.add("counter", {"index.js": code % "2.0.0"}, version="2.0.0", **ESM)
    source = 'import { next, version } from "counter"; export default () => ({ said: [version, next()] });'
    first = put(house, resolve({"counter": "1"}))
    house.live("dev/a", source, **first)
    house.live("dev/b", source, **first)
    house.live("staging/a", source, **first)
    assert [said(inhabited, path) for path in ("/dev/a", "/dev/b", "/staging/a")] == [
        ["1.0.0", 1], ["1.0.0", 1], ["1.0.0", 1],
    ]  # fmt: skip
    # One function goes on to the next version; the other stays with what it was built with
    house.live("dev/a", source, **put(house, resolve({"counter": "2"})))
    assert [said(inhabited, path) for path in ("/dev/a", "/dev/b")] == [["2.0.0", 1], ["1.0.0", 2]]


def test_one_that_fails_at_its_start_is_told_and_what_ran_before_goes_on(
    registry: Registry, house: House, inhabited: Process
) -> None:
    registry.add("moody", {"index.js": "throw new Error('not today'); export const x = 1"}, **ESM)
    house.live("dev/calm", "export default () => ({ said: 'calm' })")
    source = 'import { x } from "moody"; export default () => ({ said: x });'
    revision = house.publish("dev/calm", source, **put(house, resolve({"moody": "1"})))
    error = house.await_ack("dev/calm", revision)
    assert "not today" in error["message"]
    assert said(inhabited, "/dev/calm") == "calm"


def test_a_package_reaches_nothing_of_the_machine(registry: Registry, house: House, inhabited: Process) -> None:
    code = """
      const tried = {};
      for (const [name, reach] of Object.entries({
        deno: () => Deno.readTextFileSync("/etc/hostname"),
        process: () => process.env.HOME ?? process.exit(1),
        module: () => Function("return import('node:fs')")(),
      })) { try { tried[name] = String(reach()) } catch (error) { tried[name] = error.name } }
      export { tried };
    """
    registry.add("nosy", {"index.js": code}, **ESM)
    built = put(house, resolve({"nosy": "1"}))
    house.live("dev/nosy", 'import { tried } from "nosy"; export default () => ({ said: tried });', **built)
    tried = said(inhabited, "/dev/nosy")
    assert isinstance(tried, dict)
    assert set(tried) == {"deno", "process", "module"}
    # Each ended in an error, by its name
    assert all(told.endswith("Error") or told == "[object Promise]" for told in tried.values()), tried
    assert not {"deno", "process"} & {name for name, told in tried.items() if told == "[object Promise]"}
