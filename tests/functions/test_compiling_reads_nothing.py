"""The compiler reads a function's own files, and none of the machine that it runs on."""

import json
from pathlib import Path

import pytest

from apps.functions.compiling import Compiled, compile_files

GOOD = "export default async (req, res) => ({ a: 1 });"


def compiled(source: str) -> Compiled:
    return compile_files(files={"index.ts": source}, entrypoint="index.ts")


@pytest.mark.parametrize("mark", ["//#", "//@", "/*#"])
@pytest.mark.parametrize("written", ["file://{}", "{}", "../../../../../../../../..{}"])
def test_no_source_has_a_file_of_this_machine_read(tmp_path: Path, mark: str, written: str) -> None:
    """As a source map, of which the sources would be told."""
    (tmp_path / "its.map").write_text(
        json.dumps({"version": 3, "sources": ["of-this-machine.ts"], "names": [], "mappings": "AAAA;AAAA"})
    )
    (tmp_path / "no.map").write_text("none")
    plain = compiled(GOOD)
    for name in ("its.map", "no.map", "missing.map"):
        found = compiled(f"{GOOD}\n{mark} sourceMappingURL={written.format(tmp_path / name)}\n//*/")
        assert (found.errors, found.warnings) == ((), ())
        assert found.code == plain.code
        assert json.loads(found.source_map)["sources"] == ["index.ts"]


def test_a_text_that_reads_like_the_name_of_a_map_stays() -> None:
    found = compiled('export default () => "//# sourceMappingURL=x" + `/*@ sourceMappingURL=y*/`;')
    assert "//# sourceMappingURL=x/*@ sourceMappingURL=y*/" in found.code
