"""The console script ``allspin``: it runs one command, and answers for whatever goes wrong."""

import errno
import sys
from collections.abc import Sequence

from allspin.host.cli.fault import report_fault
from allspin.host.cli.options.names import in_options
from allspin.host.cli.parser import COMMANDS, USAGE_ERROR, Parser, build_parser
from allspin.host.cli.streams import prepare_streams, reader_has_gone, silence_streams
from allspin.host.data.extensions import fault_of_extension, load_extensions
from allspin.host.show.beat import Beat
from allspin.host.show.say import warn
from allspin.sim.errors import UserError
from allspin.sim.extensions import VARIABLE

FAULT = 70
"""As sysexits.h has it: an error in the program itself."""
INTERRUPTED = 130
BROKEN_PIPE = 141

FORESEEABLE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
"""Operating system errors that tell of the machine, not of a fault in this program."""


def _complain(message: object) -> int:
    warn(message)
    return USAGE_ERROR


def _parser(commands: Sequence[str]) -> Parser:
    """The parser; what a command needs may take seconds to import on a busy machine."""
    beat = Beat(lambda: "", "starting ...")
    try:
        return build_parser(commands)
    finally:
        beat.stop()


def _perform(argv: Sequence[str]) -> int:
    """Parse and run; whatever goes wrong is raised."""
    load_extensions()
    called = next((word for word in argv if not word.startswith("-")), None)
    try:
        parser = _parser([] if called is None else [called])
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.error(f"a command is needed: {', '.join(COMMANDS)}")
        try:
            status = arguments.run(arguments)
        except UserError as error:
            raise UserError(in_options(str(error), arguments.options)) from error
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            raise
        status = leaving.code or 0
    # What the buffers still hold may not fit the disk: the time to find out is now.
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _status(argv: Sequence[str]) -> int:
    """Perform; whatever goes wrong becomes a line on stderr and an exit status."""
    try:
        return _perform(argv)
    except UserError as error:
        return _complain(error)
    except KeyboardInterrupt:
        warn("interrupted")
        return INTERRUPTED
    except MemoryError as error:
        return _complain(f"not enough memory: {str(error) or 'fewer images may fit'}")
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno not in FORESEEABLE:
            report_fault(error, argv)
            return FAULT
        silence_streams(sys.stdout)
        return _complain(f"{error.strerror}{f': {error.filename}' if error.filename else ''}")
    except Exception as error:
        theirs = fault_of_extension(error)
        if theirs is not None:
            return _complain(f"{theirs} (a file that {VARIABLE} names)")
        report_fault(error, argv)
        return FAULT


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
        report_fault(error, argv)
        return FAULT
    except OSError:
        # Of the line that was to tell what is wrong: there is no stderr to tell it.
        silence_streams(sys.stdout, sys.stderr)
        return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())
