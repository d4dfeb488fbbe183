"""First step of every child: ask to end with the supervisor, then become the program.

    python -m services.cli.mesh.launch <supervisor's pid> <program> <argument>...

A separate step, because code between fork and exec may deadlock in a supervisor that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    supervisor_pid, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor_pid:  # it died before we asked
            raise SystemExit(1)
    os.execv(program[0], program)  # noqa: S606 (the supervisor's own words, no shell)


if __name__ == "__main__":
    main()
