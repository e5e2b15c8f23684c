"""The types that editors know: samples and the templates of new functions are checked against them."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from agent.engine.instances import deno_program
from apps.functions.templates import TEMPLATES

TYPES: Path = settings.BASE_DIR / "runtime" / "types"
GOOD = """
export default async (req: ImpRequest, res: ImpResponse) => {
  const id: string | undefined = req.params.id;
  res.status(201).set("a", "b").cookie("c", id ?? "", { sameSite: "lax" });
  await res.write(new Uint8Array(1));
  imp.log.info("text", { id, stage: imp.stage, key: imp.env.KEY?.length });
  const found = await imp.fetch("https://example.com", { signal: req.signal });
  return { status: found.status, body: req.body.anything, first: req.query.name };
};
"""
WRONG = {
    "res.status('201')": "TS2345",
    "req.method = 'GET'": "TS2540",
    "res.cookie('a', 'b', { sameSite: 'no' })": "TS2322",
    "imp.stage = 'prod'": "TS2540",
    "res.jsn({})": "TS2551",
}


def check(folder: Path, files: dict[str, str]) -> str:
    (folder / "deno.json").write_text('{"compilerOptions": {"lib": ["esnext", "dom", "dom.iterable"]}}')
    names = ", ".join(f'"{path}"' for path in map(str, sorted(TYPES.glob("*.d.ts"))))
    (folder / "deno.json").write_text(
        f'{{"compilerOptions": {{"lib": ["esnext", "dom", "dom.iterable", "dom.asynciterable"], "types": [{names}]}},'
        ' "unstable": ["sloppy-imports"]}'
    )
    for name, text in files.items():
        (folder / name).write_text(text)
    done = subprocess.run(
        [deno_program(), "check", "--quiet", "--no-remote", *files],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"DENO_DIR": str(folder / "deno"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stderr


def test_what_functions_have_is_typed(tmp_path: Path) -> None:
    assert check(tmp_path, {"handler.ts": GOOD}) == ""


@pytest.mark.parametrize("wrong", WRONG)
def test_what_they_do_not_have_is_an_error(tmp_path: Path, wrong: str) -> None:
    said = check(tmp_path, {"handler.ts": f"export default (req: ImpRequest, res: ImpResponse) => {{ {wrong} }};"})
    assert WRONG[wrong] in said


@pytest.mark.parametrize("slug", TEMPLATES)
def test_templates_of_new_functions_fit(tmp_path: Path, slug: str) -> None:
    assert check(tmp_path, dict(TEMPLATES[slug].files)) == ""
