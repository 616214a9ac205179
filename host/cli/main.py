"""The console script ``allspin``: it runs one command, and answers for whatever goes wrong."""

import contextlib
import errno
import io
import os
import platform
import select
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import TextIO

from allspin.host.cli.commands import UsageError, answer_without_command, load_command
from allspin.host.data.extensions import fault_of_extension, load_extensions
from allspin.host.show.beat import Beat
from allspin.host.show.say import one_line, printable, tell, warn
from allspin.host.show.version import commit, version
from allspin.sim.errors import VARIABLE, UserError
from allspin.sim.systems import naming_extras


def prepare_streams() -> None:
    """Let nothing that is printed fail for its characters, nor for a stream that is closed.

    Where a stream's encoding lacks a character, its escape is written.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Else the next file that is opened would be printed into. It gets this number, as
            # the lowest that is free.
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_streams(*streams: TextIO) -> None:
    """Let nothing that is left in their buffers fail again when Python exits."""
    with open(os.devnull, "w") as nowhere, contextlib.suppress(OSError):
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())


def reader_has_gone() -> bool:
    """Whether it is stdout or stderr that lost its reader, and no other pipe."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            poll.register(stream.fileno(), 0)
    return bool(poll.poll(0))


DEBUG = "ALLSPIN_DEBUG"
"""Environment variable that has the traceback of a fault printed too."""
USAGE_ERROR = 2
"""Exit status for wrong input."""
FAULT = 70
"""As sysexits.h has it: an error in the program itself."""
INTERRUPTED = 130
BROKEN_PIPE = 141
FULL = {errno.EDQUOT, errno.EFBIG, errno.ENOSPC}
FORESEEABLE = {
    *FULL,
    errno.EACCES,
    errno.EIO,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EPERM,
    errno.EROFS,
}
"""Operating system errors that tell of the machine, not of a fault in this program."""


def report_fault(error: Exception, argv: Sequence[str]) -> int:
    """Say that there is a bug, and in which file its traceback is.

    Parameters
    ----------
    error : Exception
        What was raised.
    argv : sequence of str
        The command line.

    Returns
    -------
    int
        The exit status.
    """
    trace = "".join(traceback.format_exception(error))
    text = (
        f"allspin {shlex.join(argv)}\n"
        f"version {version()}, commit {commit()}, Python {platform.python_version()}, "
        f"{platform.platform()}\n\n{trace}"
    )
    place = "above"
    # Whatever is broken, the fault itself is what is to be told.
    with contextlib.suppress(Exception):
        number, name = tempfile.mkstemp(".txt", "allspin-fault-")
        with open(number, "w", encoding="utf-8") as file:
            file.write(printable(text))
        place = f"in {name}"
    if os.environ.get(DEBUG) or place == "above":
        tell(trace.rstrip())
    said = one_line(f"{type(error).__name__}: {error}".removesuffix(": "))
    warn(f"this is a bug in allspin, not in what you gave it ({said}); its traceback is {place}")
    return FAULT


def _perform(argv: Sequence[str]) -> int:
    """Answer a command line; whatever goes wrong is raised."""
    load_extensions()
    status = 0
    if not answer_without_command(argv):
        name, *words = argv
        with contextlib.ExitStack() as stack:
            if {"-h", "--help"}.isdisjoint(words):
                # The imports of a command may take seconds on a busy machine.
                stack.callback(Beat(lambda: "", "starting ...").stop)
            load_command(name)
            from allspin.host.cli.command import perform  # cyclopts, which help does without
        status = perform(name, words)
    # What the buffers still hold may not fit the disk: the time to find out is now.
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _status(argv: Sequence[str]) -> int:
    """Perform; whatever goes wrong becomes a line on stderr and an exit status."""
    try:
        with naming_extras():
            return _perform(argv)
    except UsageError as error:
        tell(str(error))
        return USAGE_ERROR
    except UserError as error:
        said = error
    except KeyboardInterrupt:
        warn("interrupted")
        return INTERRUPTED
    except MemoryError as error:
        said = f"not enough memory: {str(error) or 'fewer images may fit'}"
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FORESEEABLE:
            silence_streams(sys.stdout)
            # What a command writes is named by whoever writes it; this is what is left.
            left = "stdout, or a temporary file" if error.errno in FULL else ""
            said = ": ".join(filter(None, (error.strerror, error.filename or left)))
        elif (theirs := fault_of_extension(error)) is not None:
            said = f"{theirs} (a file that {VARIABLE} names)"
        else:
            return report_fault(error, argv)
    warn(said)
    return USAGE_ERROR


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Foreseeable trouble is one line on stderr, and so is a fault of this program, whose
    traceback goes to a file.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit status: 0, what the command says, 2 for what the user can mend, 70 for a fault of
        this program, 130 for Ctrl-C, 141 where nobody reads on.
    """
    argv = sys.argv[1:] if argv is None else argv
    prepare_streams()
    try:
        return _status(argv)
    except BrokenPipeError as error:
        if reader_has_gone():
            # Whoever read our output has seen enough: `allspin info | head -1`.
            silence_streams(sys.stdout, sys.stderr)
            return BROKEN_PIPE
        return report_fault(error, argv)
    except OSError:
        # Of the line that was to tell what is wrong: there is no stderr to tell it.
        silence_streams(sys.stdout, sys.stderr)
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
