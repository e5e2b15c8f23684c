"""Takes a bundle as a runtime does, in Deno."""

import json
import subprocess
from pathlib import Path
from typing import Any

from apps.functions.dependencies.installing import deno

PROGRAM = """
const code = await new Response(Deno.stdin.readable).text();
const module = { exports: {} };
new Function("module", "exports", code)(module, module.exports);
const take = module.exports;
console.log(JSON.stringify(await (async () => { EXPRESSION })()));
"""


def run_bundle(bundle: str, expression: str, folder: Path) -> Any:
    program = folder / "program.js"
    program.write_text(PROGRAM.replace("EXPRESSION", f"return {expression}"))
    done = subprocess.run(
        [str(deno()), "run", "--no-config", "--no-lock", "--no-remote", "--no-npm", str(program)],
        input=bundle, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
