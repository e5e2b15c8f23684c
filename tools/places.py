"""Where everything is, and the environment that programs get."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("IMP_STATE_DIR") or ROOT / ".imp").resolve()
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would lead Python or pip out of the virtual environment, and with nothing left at home."""
    misleading = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET")
    inherited = {name: value for name, value in os.environ.items() if name not in misleading}
    return {
        **inherited,
        "VIRTUAL_ENV": str(VENV),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "DENO_DIR": str(STATE / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        **more,
    }
