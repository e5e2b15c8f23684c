"""Wherever it's thrown, the log names the line of the TypeScript that its author wrote."""

import pytest

from apps.functions.compiling import compile_files
from tests.runtime.house import House
from tests.runtime.processes import Process

# What is thrown, and the place that the log has to name; `line` 1 is the first of the file
THROWN = {
    "at-once": (
        "interface A { a: string }\nexport default () => {\n  throw new Error('at-once');\n};",
        "handler.ts:3:9",
    ),
    "awaited": (
        "type A = string;\nconst wait = () => new Promise((resolve) => setTimeout(resolve, 1));\n"
        "export default async () => {\n  await wait();\n  throw new Error('awaited');\n};",
        "handler.ts:5:9",
    ),
    "iterated": (
        "async function* parts(): AsyncGenerator<number> {\n  yield 1;\n  throw new Error('iterated');\n}\n"
        "export default async () => {\n  for await (const _ of parts());\n};",
        "handler.ts:3:9",
    ),
    "timer": (
        "export default () => {\n  setTimeout(() => {\n    throw new Error('timer');\n  }, 1);\n  return 1;\n};",
        "handler.ts:3:11",
    ),
    "forgotten": (
        "async function later(): Promise<void> {\n  await null;\n  throw new Error('forgotten');\n}\n"
        "export default () => {\n  void later();\n  return 1;\n};",
        "handler.ts:3:9",
    ),
    "class": (
        "class Box<T> {\n  constructor(readonly value: T) {}\n"
        "  open(): T {\n    throw new TypeError('class');\n  }\n}\n"
        "export default () => new Box(1).open();",
        "handler.ts:4:11",
    ),
    "engine": (
        "export default (req: ImpRequest) => {\n  return (req.params as any).engine.size;\n};",
        "handler.ts:2:37",
    ),
    "fetched": (
        "export const fetch = async (request: Request): Promise<Response> => {\n  await request.text();\n"
        "  throw new Error('fetched');\n};",
        "handler.ts:3:9",
    ),
    "cause": (
        "export default () => {\n  try {\n    JSON.parse('{');\n  } catch (cause) {\n"
        "    throw new Error('cause', { cause });\n  }\n};",
        "handler.ts:3:10",
    ),
}


@pytest.mark.parametrize("name", THROWN)
def test_a_stack_names_the_line_that_was_written(house: House, inhabited: Process, name: str) -> None:
    source, place = THROWN[name]
    house.live(f"dev/{name}", source)
    inhabited.ask(f"/dev/{name}", X_Request_Id="id-1")
    line = house.await_line("size" if name == "engine" else name)
    assert place in line["fields"]["stack"], line["fields"]["stack"]
    assert (line["function"], line["request_id"], line["level"]) == (name, "id-1", "error")


def test_a_throw_in_another_file_names_that_one(house: House, inhabited: Process) -> None:
    files = {
        "handler.ts": 'import { check } from "./lib/deep/check";\nexport default async () => {\n  await check(1);\n};',
        "lib/deep/check.ts": "export async function check(n: number): Promise<void> {\n  await null;\n"
        "  throw new Error(`elsewhere ${n}`);\n}",
    }
    house.live("dev/files", files)
    inhabited.ask("/dev/files")
    stack = house.await_line("elsewhere")["fields"]["stack"]
    assert "lib/deep/check.ts:3:9" in stack
    assert "handler.ts:3:3" in stack


def test_a_throw_in_a_package_says_so_and_who_called_it(house: House, inhabited: Process) -> None:
    house.put_vendor("d1", "module.exports = () => ({ fails() { throw new Error('of the package'); } });")
    source = 'import { fails } from "fails";\n\nexport default () => {\n  fails();\n};'
    house.live("dev/uses", source, packages=("fails",), vendor="d1")
    inhabited.ask("/dev/uses")
    stack = house.await_line("of the package")["fields"]["stack"]
    assert "packages:" in stack
    assert "handler.ts:4:3" in stack


def test_what_fails_at_its_top_level_names_the_line_to_its_author(house: House, inhabited: Process) -> None:
    source = (
        "const settings: { size?: number[] } = {};\n\nexport const first = settings.size!.length;\n"
        "export default () => 1;"
    )
    revision = house.publish("dev/top", source)
    error = house.await_ack("dev/top", revision)
    assert "handler.ts:3:37" in error["stack"]
    assert "handler.ts:3:37" in house.await_line("It can't be loaded")["fields"]["stack"]


def test_a_file_that_cannot_be_read_names_its_line_before_it_is_published() -> None:
    found = compile_files(files={"handler.ts": "export default () => {\n  return 1 +;\n};"}, entrypoint="handler.ts")
    assert [(each.file, each.line) for each in found.errors] == [("handler.ts", 2)]
