"""What can be in the way of a set-up: each time one sentence that says what to do, and nothing half made."""

import ast
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.boot.clone import PATIENCE, ROOT, Clone
from tools.console import DISK_FULL, Trouble, run_quietly

START = ROOT / "tools" / "start.py"
PROGRAMS = ("deno", "envoy", "postgres")


def works(path: Path) -> None:
    path.write_text("#!/bin/sh\necho works 1.0\n")
    path.chmod(0o755)


# --- Python ---


def test_the_first_file_is_readable_for_old_pythons() -> None:
    tree = ast.parse(START.read_text(), feature_version=(3, 6))
    newer_than_2 = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Nonlocal)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer_than_2)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        assert function.returns is None
        assert not function.args.kwonlyargs


def test_an_old_python_says_what_to_do(clone: Clone) -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 6, 15); runpy.run_path('tools/start.py', run_name='__main__')"

    ending = clone.execute(sys.executable, "-c", pretend, PATH="/nowhere")

    assert ending.code == 1
    [sentence] = ending.sentences()
    assert "Python 3.11 or newer is needed and this is 3.6" in sentence
    assert "make run PYTHON=python3.11" in sentence
    assert not (clone.folder / ".venv").exists()


def test_an_old_python_hands_over_to_a_newer_one_beside_it(clone: Clone) -> None:
    binaries = clone.folder / "binaries"
    binaries.mkdir()
    for name, script in (("python3.12", "exit 1"), ("python3.11", f'exec "{sys.executable}" "$@"')):
        (binaries / name).write_text(f"#!/bin/sh\n{script}\n")
        (binaries / name).chmod(0o755)
    pretend = (
        "import runpy, sys; sys.version_info = (3, 6, 15); sys.argv = ['tools/start.py', 'nonsense']; "
        "runpy.run_path('tools/start.py', run_name='__main__')"
    )

    ending = clone.execute(sys.executable, "-c", pretend, PATH=str(binaries))

    assert ending.code == 2
    assert ending.sentences() == ["Say what: make run | test | check | fmt | bench | chaos | clean."]


def test_no_python_at_all_is_said_by_make(clone: Clone) -> None:
    ending = clone.execute("make", "run", "PYTHON=python-nowhere")

    assert ending.code != 0
    assert "There is no python-nowhere: install Python 3.11 or newer, then start again." in ending.complaint


def test_a_python_without_venv_names_the_package_to_install(clone: Clone) -> None:
    blind = clone.folder / "blind"
    blind.mkdir()
    (blind / "sitecustomize.py").write_text("import sys; sys.modules['ensurepip'] = None\n")

    ending = clone.start("run", PYTHONPATH=str(blind))

    assert ending.code == 1
    [sentence] = ending.sentences()
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv" in sentence
    assert not (clone.folder / ".venv").exists()


# --- Disk and folder ---


def test_a_folder_that_cannot_be_changed(clone: Clone) -> None:
    # Nobody can make a folder there, not even root
    ending = clone.start("run", IMP_STATE_DIR="/sys/kernel/imp")

    assert ending.code == 1
    [sentence] = ending.sentences()
    assert sentence.startswith("/sys/kernel/imp can't be changed")
    assert "clone into a folder of your own" in sentence
    assert not (clone.folder / ".venv").exists()


def test_a_disk_that_is_nearly_full_is_noticed_before_anything_is_made(clone: Clone) -> None:
    with_little_room = (
        "import collections, shutil, sys; sys.path.insert(0, '.'); sys.argv = ['tools/start.py', 'run'];"
        "shutil.disk_usage = lambda path: collections.namedtuple('Usage', 'total used free')(1, 1, 50_000_000);"
        "from tools.commands import main; sys.exit(main(['run']))"
    )

    ending = clone.execute(sys.executable, "-c", with_little_room)

    assert ending.code == 1
    [sentence] = ending.sentences()
    assert sentence.startswith("The disk has 50 MB left and the set-up needs 700 MB")
    assert not (clone.folder / ".venv").exists()


def test_a_disk_that_fills_up_midway_is_told_from_other_failures() -> None:
    script = "with open('/dev/full', 'w') as file:\n    file.write('x')"

    with pytest.raises(Trouble) as caught:
        run_quietly([sys.executable, "-c", script], trouble="Something else.", environment=os.environ, folder=ROOT)

    assert caught.value.sentence == DISK_FULL
    assert caught.value.output == ""


# --- Network and packages ---


def test_without_a_network_nothing_half_made_is_left(clone: Clone) -> None:
    ending = clone.start("run")

    assert ending.code == 1
    assert ending.sentences()[-1] == "The packages could not be downloaded: check the network, then start again."
    assert "127.0.0.1" in ending.complaint, "pip's last lines are there to find the cause"
    assert "failed" in ending.output
    assert not (clone.folder / ".venv").exists()
    assert not list(clone.home.iterdir())


def test_a_package_that_does_not_exist_is_no_network_failure(clone: Clone) -> None:
    (clone.folder / "requirements" / "base.txt").write_text("no-such-package-of-ours==1.0\n")

    ending = clone.start("run", PIP_NO_INDEX="1")

    assert ending.code == 1
    assert ending.sentences()[-1].startswith("The packages could not be installed")
    assert "no-such-package-of-ours" in ending.complaint


def test_a_half_finished_set_up_is_done_again_from_its_start(clone: Clone) -> None:
    clone.with_environment()
    (clone.folder / ".venv" / "imp.json").write_text('{"made_for": null, "base": null, "test": null}')
    (clone.folder / ".venv" / "left-over").touch()

    ending = clone.start("run")

    assert "Making the virtual environment" in ending.output
    assert not (clone.folder / ".venv" / "left-over").exists()


def test_a_folder_that_was_moved_gets_a_new_environment(clone: Clone) -> None:
    clone.with_environment()
    for name in PROGRAMS:
        works(clone.program(name))
    assert "Making the virtual environment" not in clone.start("run").output
    moved = clone.folder.with_name("moved")
    clone.folder.rename(moved)
    clone.folder = moved

    assert "Making the virtual environment" in clone.start("run").output


def test_a_refused_upgrade_leaves_the_environment_as_it_was(clone: Clone) -> None:
    subprocess.run([sys.executable, "-m", "venv", clone.folder / ".venv"], check=True)
    clone.with_mark({"base": "'of older requirements'", "test": "None"})

    ending = clone.start("run")

    assert ending.code == 1
    assert "Making the virtual environment" not in ending.output
    kept = json.loads((clone.folder / ".venv" / "imp.json").read_text())
    assert kept["base"] == "of older requirements"


# --- Programs that packages bring ---


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_missing_program_is_named(clone: Clone, name: str) -> None:
    clone.with_environment()
    for other in {*PROGRAMS} - {name}:
        works(clone.program(other))

    ending = clone.start("run")

    assert ending.code == 1
    assert ending.sentences() == [
        f"{clone.program(name)} doesn't run on this machine (No such file or directory): "
        "remove the folder .venv, then start again."
    ]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_for_another_kind_of_machine_is_named(clone: Clone, name: str) -> None:
    clone.with_environment()
    for other in {*PROGRAMS} - {name}:
        works(clone.program(other))
    foreign = clone.program(name)
    foreign.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(200))
    foreign.chmod(0o755)

    ending = clone.start("run")

    assert ending.code == 1
    assert ending.sentences() == [
        f"{foreign} doesn't run on this machine (Exec format error): remove the folder .venv, then start again."
    ]


def test_postgres_is_not_asked_for_where_another_database_is_used(clone: Clone) -> None:
    clone.with_environment()
    works(clone.program("deno"))
    works(clone.program("envoy"))

    ending = clone.start("run", DATABASE_URL="postgres://somewhere/else")

    assert "postgres" not in ending.complaint


# --- Two at once ---


def hold_the_lock(clone: Clone) -> "subprocess.Popen[str]":
    state = clone.folder / ".imp"
    state.mkdir()
    script = (
        f"import fcntl, time; lock = open({str(state / 'setup.lock')!r}, 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_set_up_waits_and_a_killed_one_leaves_no_lock(clone: Clone) -> None:
    clone.with_environment()
    with hold_the_lock(clone) as holder:
        second = subprocess.Popen(
            [sys.executable, "tools/start.py", "run"], cwd=clone.folder, env=clone.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(1)
        assert second.poll() is None
        holder.kill()
        output, complaint = second.communicate(timeout=PATIENCE)

    assert output.startswith("Waiting for another set-up in this folder")
    assert "deno doesn't run" in complaint, "it went on"


def test_packages_are_not_changed_below_a_running_product(clone: Clone) -> None:
    lock = clone.folder / ".imp" / "up" / "lock"
    lock.parent.mkdir(parents=True)
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ending = clone.start("test")

    assert ending.code == 1
    assert ending.sentences() == [
        "The product is running in this folder: stop it with Ctrl-C, then its packages can be changed."
    ]
    assert not (clone.folder / ".venv").exists()


# --- Around it ---


def test_make_lists_what_there_is(clone: Clone) -> None:
    ending = clone.execute("make")

    assert ending.code == 0
    for command in ("run", "test", "check", "fmt", "bench", "chaos", "clean"):
        assert f"make {command} " in ending.output


def test_clean_removes_what_the_others_made(clone: Clone) -> None:
    before = sorted(path for path in clone.folder.rglob("*") if "__pycache__" not in path.parts)
    clone.with_environment()
    for made in (
        ".imp/keys",
        "node_modules/x",
        "static/dist/x",
        "static/monaco/dist/x",
        "runtime/dist/x",
        "benchmarks/results/x",
        ".mypy_cache/x",
    ):
        (clone.folder / made).mkdir(parents=True)
    shutil.copytree(ROOT / "apps" / "core" / "postgres", clone.folder / "apps" / "core" / "postgres")

    ending = clone.start("clean")

    assert ending.code == 0, ending.complaint
    shutil.rmtree(clone.folder / "apps")
    left = sorted(path for path in clone.folder.rglob("*") if "__pycache__" not in path.parts)
    # In a real clone both have sources
    parents = [clone.folder / "benchmarks", clone.folder / "static" / "monaco"]
    assert [path for path in left if path not in before] == parents


def test_clean_leaves_a_running_product_alone(clone: Clone) -> None:
    lock = clone.folder / ".imp" / "up" / "lock"
    lock.parent.mkdir(parents=True)
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ending = clone.start("clean")

    assert ending.code == 1
    assert ending.sentences() == ["The product is running in this folder: stop it with Ctrl-C, then `make clean`."]
    assert lock.exists()


def test_the_pins_are_those_of_the_requirements() -> None:
    """Every package that base.txt and test.txt name is pinned in locked.txt to the same version."""
    pins = dict(line.split("==") for line in _entries("locked.txt"))
    for name in ("base.txt", "test.txt"):
        for line in _entries(name):
            if "==" in line:
                package, version = line.split("==")
                assert pins[package.split("[")[0]] == version


def _entries(name: str) -> list[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    entries = [line.split("#")[0].strip() for line in lines]
    return [entry for entry in entries if entry and not entry.startswith("-")]
