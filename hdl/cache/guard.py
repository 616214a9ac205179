"""Run a command, and end it with all that it started when whoever asked for it is gone.

Standard input is a pipe whose other end only that process has. However the process ends, killed at
once included, the system closes that end, and then all of this process group is killed. This is a
program of its own, since what is killed at once can do nothing about its children; it imports
nothing of this project, to be there soon.
"""

import os
import signal
import subprocess
import sys
import threading

CANNOT_RUN = 127
"""Exit status where the command cannot be run, as a shell's."""
SIGNALLED = 128
"""Added to the number of the signal that ended the command, as a shell does."""


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Run the command that the arguments are."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"cannot run {sys.argv[1]}: {error.strerror}", flush=True)
        return CANNOT_RUN
    return status if status >= 0 else SIGNALLED - status


if __name__ == "__main__":
    # Not sys.exit: the thread that waits would keep the interpreter.
    os._exit(main())
