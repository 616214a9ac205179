"""The console script ``allspin``.

A command is a module of this package with `HELP`, `EPILOG`, ``add_arguments(parser)`` and
``run(arguments)``, which returns the exit status. It is imported when it is called for and
not before, so that help is there at once.
"""

import argparse
import errno
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol, cast

from allspin.host.cli.fault import report_fault
from allspin.host.cli.streams import prepare_streams, reader_has_gone, silence_streams
from allspin.host.data.extensions import load_extensions
from allspin.host.data.revision import version
from allspin.host.show.say import one_line, printable, say, warn
from allspin.sim.errors import UserError

COMMANDS: dict[str, str] = {
    "train": "train a network, offline",
    "run": "run a network on a machine and score it",
    "fit": "make a device file of measured curves",
    "chips": "say what networks reach over many chips of a device",
    "sweep": "measure chips over a grid of networks, devices and variations",
    "sim": "run a network's gateware in an HDL simulator",
    "export": "write a network's gateware as Verilog",
    "demo": "show the whole machine at work, and leave its pictures",
    "paper": "draw the figures of the paper, with a verdict on each claim",
    "compare": "set spin neurons against CMOS neurons: area, energy and time",
    "report": "write one page of what a network is, does and costs",
    "boards": "list the boards, and what was built for them",
    "build": "build a board's bitstream",
    "flash": "program a board",
    "virtual": "open the virtual board as a serial port",
    "gates": "prove boards' netlists against the golden model",
    "bench": "measure how fast it is, beside targets and beside others",
    "info": "show versions, tools, networks and boards",
}
"""Each command (the name of its module here) and what the list of commands says of it."""

DESCRIPTION = "allspin emulates an all-spin neural network in gateware, bit for bit."
EPILOG = """\
examples:
  allspin run mnist-10 --on virtual --check
  allspin train --states 10 -o mine.safetensors
  allspin COMMAND --help

exit status: 0, or 1 where a command's help says so; 2 for what you can mend, which a line tells;
70 for a bug in allspin, whose traceback goes to a file (ALLSPIN_DEBUG=1 prints it);
130 for Ctrl-C; 141 if whoever read the output has left
"""

USAGE_ERROR = 2
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


class Command(Protocol):
    """What a command's module has."""

    HELP: str
    EPILOG: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def load_command(name: str) -> Command:
    """The module of a command of `COMMANDS`."""
    return cast(Command, importlib.import_module(f"allspin.host.cli.{name}"))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and which takes no abbreviated options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, and leave with status 2."""
        words = printable(one_line(message))
        self.exit(USAGE_ERROR, f"{self.prog}: {words} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print; unlike `argparse`, with no word swallowed that cannot be written."""
        stream = sys.stderr if file is None else file
        stream.write(message)


class Version(argparse.Action):
    """``--version``; the version is looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and leave."""
        say(f"allspin {version() or '(not installed: run from its folder)'}")
        parser.exit()


def build_parser(commands: Sequence[str]) -> Parser:
    """The parser of a command line.

    Parameters
    ----------
    commands : sequence of str
        The commands whose modules are to be imported and whose options are to be known; the
        others are known by name only.
    """
    parser = Parser(prog="allspin", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    places = parser.add_subparsers(metavar="COMMAND", dest="command", parser_class=Parser)
    for name, summary in COMMANDS.items():
        if name in commands:
            command = load_command(name)
            place = places.add_parser(
                name, help=summary, description=command.HELP, epilog=command.EPILOG
            )
            command.add_arguments(place)
            place.set_defaults(run=command.run)
        else:
            places.add_parser(name, help=summary)
    return parser


def _complain(message: object) -> int:
    warn(message)
    return USAGE_ERROR


def _perform(argv: Sequence[str]) -> int:
    """Parse and run; whatever goes wrong is raised."""
    load_extensions()
    called = next((word for word in argv if not word.startswith("-")), None)
    try:
        parser = build_parser([] if called is None else [called])
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.error(f"a command is needed: {', '.join(COMMANDS)}")
        status = arguments.run(arguments)
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
