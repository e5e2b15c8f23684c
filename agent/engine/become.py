"""`python -IS become.py PARENT MEMORY NICENESS CGROUP PROGRAM …`: dies with the parent, takes limits, becomes it.

A process of its own, as code between fork and exec isn't safe in a parent that has threads.
"""

import ctypes
import os
import resource
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1


def main(parent: int, memory_bytes: int, niceness: int, cgroup: str, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    # It may have died before that was set
    if os.getppid() != parent:
        sys.exit(1)
    if cgroup:
        with open(os.path.join(cgroup, "cgroup.procs"), "w") as members:
            members.write("0")
    if memory_bytes:
        # Unlike the heap's own limit, this one counts array buffers too
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    if niceness:
        os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        os.execv(command[0], command)  # noqa: S606 (a shell is what it must not be)
    except OSError as error:
        sys.exit(f"{command[0]} can't be started: {error.strerror}.")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
