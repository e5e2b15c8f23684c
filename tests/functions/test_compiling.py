"""What becomes of sources: code, errors where they are, and a compiler that is no worse for what others give it."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.errors import Unavailable
from apps.functions.compiling import Compiled, CompilerFailed, compile_files, service
from apps.functions.compiling import compiler as compilers
from apps.functions.compiling.packets import pack, unpack
from apps.functions.compiling.service import Service
from tests.queue.cluster import wait_until

GOOD = "export default async (req, res) => ({ a: 1 });"
# So deep that no stack holds it
DEEP = "export default " + "[...(" * 200_000 + "1" + ")]" * 200_000


@pytest.fixture(autouse=True)
def own_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(compilers, "_shared", None)
    yield
    if compilers._shared:
        compilers._shared.end()


def compiled(source: str, **files: str) -> Compiled:
    named = {path.replace("__", "/") + ".ts": text for path, text in files.items()}
    return compile_files(files={"index.ts": source, **named}, entrypoint="index.ts", packages=["zod", "@a/b"])


def error_of(source: str, **files: str) -> tuple[str, int, int]:
    found = compiled(source, **files)
    assert found.code == ""
    [error] = found.errors
    return error.text, error.line, error.column


def test_it_is_started_before_it_is_needed() -> None:
    compilers.warm_up()
    wait_until(lambda: compilers._shared is not None, what="the compiler")
    there = compilers._shared
    assert compiled(GOOD).errors == ()
    assert compilers._shared is there


# --- What comes out --------------------------------------------------------------------------------


def test_files_become_one_script_and_a_map_to_them() -> None:
    found = compile_files(
        files={
            "src/index.ts": "import { b } from '../lib/b.js';\nimport d from './d.json';\nexport default () => b + d;",
            "lib/b.ts": "import text from './t.txt';\nexport const b: string = text;",
            "lib/t.txt": "hé",
            "src/d.json": '{"n": 2}',
        },
        entrypoint="src/index.ts",
    )
    assert found.errors == ()
    assert "hé" in found.code
    assert "module.exports = " in found.code
    assert "string" not in found.code.replace("typeof from", "")
    source_map = json.loads(found.source_map)
    assert set(source_map["sources"]) == {"src/index.ts", "lib/b.ts", "lib/t.txt", "src/d.json"}
    assert "sourcesContent" not in source_map
    assert found.ms > 0


def test_the_same_sources_are_the_same_artifact() -> None:
    one, again, other = compiled(GOOD), compiled(GOOD), compiled(GOOD.replace("1", "2"))
    assert one.digest_with("") == again.digest_with("")
    assert len({one.digest_with(""), other.digest_with(""), one.digest_with("a lock")}) == 3


def test_packages_are_left_for_the_runtime() -> None:
    found = compiled("import { z } from 'zod/v4';\nimport b from '@a/b/c';\nexport default () => [z, b];")
    assert 'require("zod/v4")' in found.code
    assert 'require("@a/b/c")' in found.code


def test_an_import_while_it_runs_is_one_of_what_is_there() -> None:
    code = compiled("export default async () => (await import('zod')).z;").code
    assert "import(" not in code
    assert 'require("zod")' in code
    assert error_of("export default () => import('left-pad');")[1:] == (1, 29)


@pytest.mark.parametrize(
    "source",
    [
        "export default { fetch: () => new Response() };",
        "export const fetch = () => new Response();",
        "const handler = () => 1;\nexport { handler as default };",
        "export * from './other'; export { default } from './other';",
        "module.exports = async () => 1;",
        "exports.default = () => 1;",
        "@sealed class A {}\nfunction sealed(a: unknown) {}\nexport default () => new A();",
    ],
)
def test_handlers_of_every_form_are_found(source: str) -> None:
    assert compiled(source, other="export default () => 1;").errors == ()


# --- What is wrong with it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said", "line", "column"),
    [
        ("export default () => {\n  const é = 'é'; cnst x = 1;\n};", 'Expected ";" but found "x"', 2, 23),
        ("const a = await fetch('x');\nexport default () => a;", "await can't stand outside of functions", 1, 11),
        ("import a from 'left-pad';\nexport default a;", '"left-pad" is no dependency of this gateway', 1, 15),
        ("import a from '@x/y/z';\nexport default a;", '"@x/y" is no dependency of this gateway', 1, 15),
        ("import a from 'node:fs';\nexport default a;", "functions run without Node's own modules", 1, 15),
        ("import a from 'crypto';\nexport default a;", "functions run without Node's own modules", 1, 15),
        ("import a from 'https://deno.land/x';\nexport default a;", "nothing is fetched", 1, 15),
        ("import a from 'npm:zod';\nexport default a;", "nothing is fetched", 1, 15),
        ("import a from './gone';\nexport default a;", "The function has no file gone", 1, 15),
        ("import a from '../../../etc/passwd';\nexport default a;", "The function has no file etc/passwd", 1, 15),
        ("import a from '/etc/passwd';\nexport default a;", "can't be imported", 1, 15),
        ("import a from './key.pem';\nexport default a;", "no file key.pem", 1, 15),
        ("const a = 1;", "There is no handler", 1, 1),
        ("export const helper = () => 1;", "There is no handler", 1, 1),
        ("", "There is no handler", 1, 1),
    ],
)
def test_what_is_wrong_is_said_where_it_is(source: str, said: str, line: int, column: int) -> None:
    text, *place = error_of(source)
    assert said in text
    assert place == [line, column]


def test_who_lacks_a_package_is_told_where_to_add_it() -> None:
    [error] = compiled("import a from 'left-pad';\nexport default a;").errors
    assert "Dependencies" in error.notes[0]
    [error] = compiled("import a from 'other';\nexport default a;", other="export default 1;").errors
    assert "./" in error.notes[0]


def test_it_stands_in_the_file_that_it_is_in() -> None:
    found = compiled("import a from './lib/a';\nexport default a;", lib__a="export default 1 +;")
    [error] = found.errors
    assert (error.file, error.line, error.column, error.line_text) == ("lib/a.ts", 1, 19, "export default 1 +;")


def test_columns_count_as_editors_do() -> None:
    before = "export default () => '😀é' +"
    assert error_of(f"{before};")[2] == len(before.encode("utf-16-le")) // 2 + 1


def test_an_entrypoint_that_is_missing_is_said() -> None:
    found = compile_files(files={"a.ts": GOOD}, entrypoint="index.ts")
    assert "no file index.ts" in found.errors[0].text


def test_what_becomes_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilers, "LARGEST_CODE", 1024)
    [error] = compiled(f"export default () => '{'x' * 2000}';").errors
    assert "may be" in error.text


def test_warnings_hinder_nothing() -> None:
    found = compiled("export default (a) => a === -0;")
    assert (len(found.warnings), found.errors) == (1, ())


# --- What becomes of the compiler ------------------------------------------------------------------


def test_one_process_serves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(GOOD)
    assert compilers._shared
    pid = compilers._shared.pid
    found: list[Compiled] = []

    def compile_some(number: int) -> None:
        for turn in range(20):
            source = f"import a from './other'; export default () => a + '{number}-{turn}';"
            result = compiled(source, other=f"export default 'of {number}';")
            assert f"{number}-{turn}" in result.code
            assert f"of {number}" in result.code
            found.append(result)

    threads = [threading.Thread(target=compile_some, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert compilers._shared.pid == pid


def test_a_source_that_it_dies_of_is_told_and_harms_no_other() -> None:
    compiled(GOOD)
    failed: list[BaseException] = []
    done: list[Compiled] = []

    def die() -> None:
        try:
            compiled(DEEP)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=die)
    thread.start()
    while thread.is_alive():
        done.append(compiled(GOOD))
    thread.join()
    assert [type(error) for error in failed] == [CompilerFailed]
    assert done
    assert all(each.errors == () for each in done)
    assert compiled(GOOD).errors == ()


def test_one_that_hangs_is_given_up_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(GOOD)
    first = compilers._shared
    assert first
    os.kill(first.pid, signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(compilers, "COMPILE_WITHIN", 0.5)
        with pytest.raises(CompilerFailed, match="wasn't done"):
            compiled(GOOD)
    assert compiled(GOOD).errors == ()
    assert compilers._shared is not first
    wait_until(lambda: first.has_ended, what="its end")


def test_one_that_was_killed_is_replaced_without_a_word() -> None:
    compiled(GOOD)
    assert compilers._shared
    os.kill(compilers._shared.pid, signal.SIGKILL)
    assert compiled(GOOD).errors == ()


@pytest.mark.parametrize("how", ["nothing there", "exit 3", "exec sleep 60"])
def test_one_that_can_not_be_started_is_no_fault_of_the_code(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "esbuild"
    if how != "nothing there":
        program.write_text(f"#!/bin/sh\n{how}\n")
        program.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setattr(service, "program", lambda: program)
        patched.setattr(service, "START_WITHIN", 0.5)
        with pytest.raises(compilers.CompilerAway) as refusal:
            compiled(GOOD)
    assert isinstance(refusal.value, Unavailable)
    assert compiled(GOOD).errors == ()


def test_one_that_ends_and_can_not_be_started_again_is_told_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(GOOD)
    assert compilers._shared
    monkeypatch.setattr(service, "program", lambda: tmp_path / "esbuild")
    with pytest.raises(compilers.CompilerAway):
        compiled(DEEP)


def test_a_forked_process_has_its_own() -> None:
    compiled(GOOD)
    parent = compilers._shared
    assert parent
    child = os.fork()
    if child == 0:
        is_own = compilers._shared is None and compiled(GOOD).errors == () and compilers._shared.pid != parent.pid
        os._exit(0 if is_own else 1)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not parent.has_ended
    assert compiled(GOOD).errors == ()
    assert compilers._shared is parent


def test_it_ends_with_the_process_that_it_serves() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        service = Service()
        os.write(writing, str(service.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    pid = int(os.read(reading, 20))
    for each in (reading, writing):
        os.close(each)
    wait_until(lambda: not _runs(pid), what="the compiler's end")


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_may_take_so_much_memory_and_no_more() -> None:
    compiled(GOOD)
    assert compilers._shared
    with open(f"/proc/{compilers._shared.pid}/limits") as limits:
        [line] = [each for each in limits if each.startswith("Max data size")]
    assert str(768 * 1024 * 1024) in line


def test_packets_come_out_as_they_went_in() -> None:
    value = {"a": [None, True, False, -3, "é", b"\0\xff", {"b": {}}], "c": []}
    packet = pack(7, value, is_answer=True)
    assert unpack(packet[4:]) == (7, True, value)
    with pytest.raises(ValueError, match="unknown kind"):
        unpack(b"\0\0\0\0\x09\0\0\0\0")
