"""Makes the Python code of the agents' protocol from its .proto file, or says that it's out of date."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.console import Trouble, run_quietly, tell
from tools.places import PYTHON, ROOT, environment

SOURCE = "agent/protocol/v1.proto"
MADE = ("agent/protocol/v1_pb2.py", "agent/protocol/v1_pb2.pyi", "agent/protocol/v1_pb2_grpc.py")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        run_quietly(
            (
                PYTHON, "-m", "grpc_tools.protoc", "-I", ROOT / "proto",
                f"--python_out={folder}", f"--pyi_out={folder}", f"--grpc_python_out={folder}", SOURCE,
            ),
            trouble="The protocol could not be compiled.",
            environment=environment(),
            folder=ROOT,
        )  # fmt: skip
        old = [name for name in MADE if not _is_current(Path(folder) / name, ROOT / name)]
        if "--check" in sys.argv[1:]:
            if old:
                tell(Trouble("The protocol's code is out of date: run tools/protocol.py.", "\n".join(old)))
            return 1 if old else 0
        for name in old:
            (ROOT / name).write_bytes((Path(folder) / name).read_bytes())
    return 0


def _is_current(made: Path, kept: Path) -> bool:
    return kept.is_file() and kept.read_bytes() == made.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
