"""Run a command, and kill it with all its children when the process that started this has gone.

Standard input is a pipe whose other end only that process holds. However that process ends, the
system closes its end of the pipe, and this program then kills its whole process group. It is a
program of its own because a process that is killed with SIGKILL cannot end its children. It imports
no module of this project, so that it starts quickly.
"""

import os
import signal
import subprocess
import sys
import threading

CANNOT_RUN = 127
"""Exit status for a command that cannot be run, as a shell's."""
SIGNALLED = 128
"""Offset of the exit status after a signal, as a shell's."""


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Run the command in the arguments."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"cannot run {sys.argv[1]}: {error.strerror}", flush=True)
        return CANNOT_RUN
    return status if status >= 0 else SIGNALLED - status


if __name__ == "__main__":
    # Not sys.exit: the waiting thread would keep the interpreter alive.
    os._exit(main())
