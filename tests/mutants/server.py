"""Run Python in a copy of the tree time after time, with what never changes imported already.

Standard input has a request a line, ``{"arguments": [...], "variables": {...}, "output": path}``:
what Python is called with, variables of the environment, and where its output goes. Each is
carried out by a fork of this process, whose status is then printed on a line. When the input ends,
what is running is killed, with all that it started.
"""

import contextlib
import json
import os
import queue
import runpy
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

HEAVY = ("pytest", "hypothesis", "numpy", "amaranth.sim", "amaranth.back.rtlil")
"""No file of the tree; together they take longer to import than most tests need."""


class Server:
    """What reads requests, and kills what runs when there are no more."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        begun = b""
        while data := os.read(0, 1 << 16):
            *whole, begun = (begun + data).split(b"\n")
            for line in whole:
                self._requests.put(line)
        with self._lock:
            if self._running:
                os.killpg(self._running, signal.SIGKILL)
            os._exit(0)

    def serve(self) -> NoReturn:
        """Carry out requests."""
        while True:
            request = json.loads(self._requests.get())
            with self._lock:
                child = _fork()
                if child == 0:
                    carry_out(**request)
                with contextlib.suppress(PermissionError):
                    os.setpgid(child, child)  # by the child too, whoever is first
                self._running = child
            # Until it has been waited for, its group has no other's number.
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
            with self._lock:
                os.killpg(child, signal.SIGKILL)
                self._running = 0
                _, status = os.waitpid(child, 0)
            os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))


def _fork() -> int:
    """Fork, without Python's warning: the other threads read bytes, or wait for work of BLAS.

    Both have no lock here that the child wants; `_lock` is this thread's.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        return os.fork()


def carry_out(arguments: Sequence[str], variables: dict[str, str], output: str) -> NoReturn:
    """Be a Python that was called with ``-c`` and code, or with ``-m``, a module and arguments."""
    status: object = 1
    try:
        os.setpgid(0, 0)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number, target in ((os.open(os.devnull, os.O_RDONLY), 0), (file, 1), (file, 2)):
            os.dup2(number, target)
        os.environ.update(variables)
        option, what, *rest = arguments
        sys.argv = [what, *rest]
        if option == "-c":
            exec(what, {"__name__": "__main__"})
        else:
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if end.code is not None else 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(int(status) if isinstance(status, int) else 1)


if __name__ == "__main__":
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            import_module(name)
    Server().serve()
