"""What `make` calls: `python tools/start.py run|test|check|fmt|bench|chaos|clean`.

This file has to be readable for Python 2.7 and 3.6 too, so that they can say that they are too old.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWER = ["python3.%d" % minor for minor in range(14, 10, -1)]
PROBE = "import sys; sys.exit(sys.version_info < (%d, %d))" % OLDEST


def main():
    # type: () -> None
    if sys.version_info < OLDEST:
        newer = find_newer()
        if newer is None:
            sys.exit(
                "Python %d.%d or newer is needed and this is %d.%d: install one and name it, "
                "as in `make run PYTHON=python%d.%d`." % (OLDEST + sys.version_info[:2] + OLDEST)
            )
        os.execv(newer, [newer] + sys.argv)  # noqa: RUF005, S606
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    from tools.commands import main

    sys.exit(main(sys.argv[1:]))


def find_newer():
    # type: () -> str | None
    """One that is installed beside the one we were started with, and runs."""
    for name in NEWER:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                with open(os.devnull, "w") as nowhere:
                    if subprocess.call([path, "-c", PROBE], stdout=nowhere, stderr=nowhere) == 0:
                        return path
    return None


if __name__ == "__main__":
    main()
