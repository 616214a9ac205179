"""Console script ``allspin``: it runs one command, and reports every error in one line."""

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
    """Prepare the standard streams, so that printing does not raise.

    A closed stream is replaced by the null device. A character that a stream's encoding lacks is
    written as its escape.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The next file gets the lowest free number: without this it would be printed into.
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_streams(*streams: TextIO) -> None:
    """Redirect streams to the null device: flushing at exit then cannot raise again."""
    with open(os.devnull, "w") as nowhere, contextlib.suppress(OSError):
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())


def reader_has_gone() -> bool:
    """Return True if stdout or stderr lost its reader, rather than another pipe."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            poll.register(stream.fileno(), 0)
    return bool(poll.poll(0))


DEBUG = "ALLSPIN_DEBUG"
"""Environment variable that makes a fault's traceback be printed too."""
USAGE_ERROR = 2
"""Exit status for wrong input."""
FAULT = 70
"""Exit status for an error in the program itself, EX_SOFTWARE of sysexits.h."""
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
"""Operating system errors that are due to the computer, not to a fault of this program."""


def report_fault(error: Exception, argv: Sequence[str]) -> int:
    """Report a bug, and the file of its traceback.

    Parameters
    ----------
    error : Exception
        Exception that was raised.
    argv : sequence of str
        Words of the command line.

    Returns
    -------
    int
        Exit status.
    """
    trace = "".join(traceback.format_exception(error))
    text = (
        f"allspin {shlex.join(argv)}\n"
        f"version {version()}, commit {commit()}, Python {platform.python_version()}, "
        f"{platform.platform()}\n\n{trace}"
    )
    place = "above"
    # An error here must not hide the fault.
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
    """Perform a command line, and return its exit status."""
    load_extensions()
    status = 0
    if not answer_without_command(argv):
        name, *words = argv
        with contextlib.ExitStack() as stack:
            if {"-h", "--help"}.isdisjoint(words):
                # Imports of a command may take seconds on a busy computer.
                stack.callback(Beat(lambda: "", "starting ...").stop)
            load_command(name)
            from allspin.host.cli.command import perform  # cyclopts, not needed for help
        status = perform(name, words)
    # The rest of the buffers may not fit the disk: flush while errors are still reported.
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _status(argv: Sequence[str]) -> int:
    """Perform a command line; an error becomes a line on stderr and an exit status."""
    try:
        with naming_extras():
            return _perform(argv)
    except UsageError as error:
        tell(str(error))
        return USAGE_ERROR
    except UserError as error:
        message = str(error)
    except KeyboardInterrupt:
        warn("interrupted")
        return INTERRUPTED
    except MemoryError as error:
        message = f"not enough memory: {str(error) or 'fewer images may fit'}"
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FORESEEABLE:
            silence_streams(sys.stdout)
            message = _system_error(error)
        elif (fault := fault_of_extension(error)) is not None:
            message = f"{fault} (a file that {VARIABLE} names)"
        else:
            return report_fault(error, argv)
    warn(message)
    return USAGE_ERROR


def _system_error(error: OSError) -> str:
    """Describe an error of the operating system, with its file if it is known."""
    # Commands name the files that they write: only these remain.
    unnamed = "stdout, or a temporary file" if error.errno in FULL else ""
    return ": ".join(filter(None, (error.strerror, error.filename or unnamed)))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    An error of the user is one line on stderr, and so is a fault of this program, whose traceback
    goes to a file.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit status: that of the command, 2 for an error of the user, 70 for a fault of this
        program, 130 for Ctrl-C, 141 if the reader of the output is gone.
    """
    argv = sys.argv[1:] if argv is None else argv
    prepare_streams()
    try:
        return _status(argv)
    except BrokenPipeError as error:
        if reader_has_gone():
            # The reader needs no more output: `allspin info | head -1`.
            silence_streams(sys.stdout, sys.stderr)
            return BROKEN_PIPE
        return report_fault(error, argv)
    except OSError:
        # The error's own line could not be written to stderr.
        silence_streams(sys.stdout, sys.stderr)
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
