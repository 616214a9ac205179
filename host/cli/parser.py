"""The commands, and the parser of a command line.

A command is a module here with `HELP`, `EPILOG`, ``add_arguments(parser)`` and
``run(arguments)``, which returns the exit status. It is imported when it is called for, so that
help is there at once.
"""

import argparse
import contextlib
import functools
import importlib
import keyword
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from allspin.host.show.say import one_line, printable, say, warn
from allspin.host.show.version import version
from allspin.sim.errors import meant
from allspin.sim.systems import MissingPackage, naming_extras

GROUPS = {
    "start": {
        "demo": "train, simulate, compare and plot, in one go",
        "live": "draw digits on a page, and watch the machine at work",
        "run": "run a network on a machine and measure its accuracy",
        "train": "train a network, offline",
        "import": "convert a network of another tool for the machine",
        "report": "write one HTML page about a network",
        "info": "show versions, tools, networks and boards",
    },
    "devices": {
        "fit": "make a device file from measured curves",
        "chips": "measure the accuracy of networks over many chips of a device",
        "sweep": "measure chips over a grid of networks, devices and variations",
        "compare": "compare spin neurons with CMOS neurons: area, energy and time",
        "paper": "draw the figures of the paper, with a verdict on each claim",
    },
    "hardware": {
        "virtual": "open the virtual board as a serial port",
        "sim": "run a network's gateware in an HDL simulator",
        "export": "write Verilog, ONNX, a deck for SPICE, or a table of cells",
        "boards": "list the boards, and what was built for them",
        "build": "build a board's bitstream",
        "gates": "simulate boards' netlists against the golden model",
        "flash": "program a board",
        "selftest": "test a board: memories, images, counters, a chip",
    },
}
"""Each command by the group of the list that it is in, with its line."""
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}
"""The same without groups. A command's module here is called the same, with an underscore behind it
if Python has the word."""

RENAMED = {
    "run": {"--states": ["--keep-states"], "--frequency": ["--clock-hz"]},
    "sim": {"--states": ["--keep-states"]},
    "virtual": {
        "--states": ["--keep-states"],
        "--chips": ["--chip-maker"],
        "--port": ["--link"],
    },
    "flash": {"--port": ["--on"]},
    "selftest": {"--chips": ["--chip-maker"]},
    "chips": {"--first": ["--chip"]},
    "sweep": {"--first": ["--chip"]},
    "import": {"--bits": ["--pixel-bits", "--hidden-bits"]},
}
"""Old spellings of options by command, and what they are now: one option, or several that take the
same value."""

DESCRIPTION = "allspin emulates an all-spin neural network in gateware, bit for bit."
EPILOG = """\
examples:
  allspin run mnist-10 --on virtual --check
  allspin train --states 10 -o mine.safetensors
  allspin COMMAND --help

completion of commands, options and names:
  bash   source <(allspin --completion bash)      in ~/.bashrc
  zsh    allspin --completion zsh > ~/.zfunc/_allspin     a folder of fpath
  fish   allspin --completion fish > ~/.config/fish/completions/allspin.fish

tables fit the terminal; if stdout is not a terminal, they are TSV:
  allspin boards | cut -f 1,9     titles and notes are lines that begin with #

exit status: 0, or 1 where a command's help says so; 2 for wrong input, with one
line that says what to change; 70 for a bug in allspin, whose traceback goes to
a file (ALLSPIN_DEBUG=1 prints it); 130 for Ctrl-C; 141 for a closed pipe
"""

SHELLS = ("bash", "zsh", "fish")
"""Those that `--completion` knows."""
WIDTH = 79
"""Columns of prose."""
HELP_AT = 14
"""Where the lines of the commands begin, so that each has room in 80 columns."""
USAGE_ERROR = 2
"""Exit status for what the user can mend."""


def renewed(argv: Sequence[str]) -> list[str]:
    """A command line with today's spelling of old options, each of which is said."""
    old = RENAMED.get(next((word for word in argv if not word.startswith("-")), ""), {})
    words = []
    for place, word in enumerate(argv):
        name, sign, value = word.partition("=")
        *others, last = old.get(name, [name])
        if name in old:
            warn(f"{name} is now {' and '.join(old[name])}")
        for other in others:
            words += [other, value] if sign else [other, *argv[place + 1 : place + 2]]
        words.append(f"{last}{sign}{value}")
    return words


def load_command(name: str) -> ModuleType:
    """The module of a command of `COMMANDS`."""
    module = f"{name}_" if keyword.iskeyword(name) else name
    return importlib.import_module(f"allspin.host.cli.{module}")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Lists commands in groups."""

    def _format_action(self, action: argparse.Action) -> str:
        listed = isinstance(action, argparse._SubParsersAction._ChoicesPseudoAction)
        heads = {next(iter(names)): f"  {group}:\n" for group, names in GROUPS.items()}
        return (heads.get(action.dest, "") if listed else "") + super()._format_action(action)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and which takes no abbreviated options.

    ``type="file"`` is a path.

    Parameters
    ----------
    help_at : int
        Column at which the help of each option begins, at most.
    **options
        Of `argparse.ArgumentParser`.

    Attributes
    ----------
    options : dict of str to str
        By the name of what each sets, and by its own as a keyword, its options, such as
        ``--rows-per-clock``, those of groups among them.
    """

    def __init__(self, help_at: int = 24, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False,
            formatter_class=functools.partial(_Formatter, max_help_position=help_at),
            **options,
        )
        self.register("type", "file", Path)

    @property
    def options(self) -> dict[str, str]:
        """See the class."""
        return {
            name: action.option_strings[-1]
            for action in self._actions
            if action.option_strings
            for name in (action.dest, action.option_strings[-1].strip("-").replace("-", "_"))
        }

    def parse_args(  # pyright: ignore[reportIncompatibleMethodOverride]  # the stubs overload it
        self, args: Any = None, namespace: Any = None
    ) -> Any:
        """Parse; an option that there is not is told with the one that is like it."""
        found, left = self.parse_known_args(args, namespace)
        if left:
            known = {"--help", *self.options.values(), *getattr(found, "options", {}).values()}
            wrong = next((word for word in left if word.startswith("--")), "").partition("=")[0]
            self.error(f"unrecognized arguments: {' '.join(left)}{meant(wrong or None, known)}")
        return found

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is no choice, with the one that is like it."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += meant(value, action.choices or ())
            raise

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, and leave with status 2."""
        words = printable(one_line(message))
        self.exit(USAGE_ERROR, f"{self.prog}: {words} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print; unlike `argparse`, with no word swallowed that cannot be written."""
        stream = sys.stderr if file is None else file
        stream.write(message)


class Completion(argparse.Action):
    """``--completion``; what it takes is imported only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, _: Any, shell: Any, *__: object) -> None:
        """Print the script of a shell and leave."""
        from allspin.host.cli.completion import completion_script

        known = []
        for name in COMMANDS:
            # Of a command that cannot run here, the name is completed.
            with contextlib.suppress(MissingPackage), naming_extras():
                load_command(name)
                known.append(name)
        say(completion_script(build_parser(known), shell))
        parser.exit()


def build_parser(commands: Sequence[str]) -> Parser:
    """The parser of a command line.

    Parameters
    ----------
    commands : sequence of str
        The commands whose modules are to be imported and whose options are to be known; the
        others are known by name only.
    """
    parser = Parser(prog="allspin", description=DESCRIPTION, epilog=EPILOG, help_at=HELP_AT)
    known = f"allspin {version() or '(not installed: run from its folder)'}"
    parser.add_argument(
        "--version", action="version", version=known, help="show the version and exit"
    )
    parser.add_argument(
        "--completion",
        action=Completion,
        choices=SHELLS,
        metavar="SHELL",
        help=f"print the script that completes commands, options and names in {', '.join(SHELLS)}",
    )
    places = parser.add_subparsers(metavar="COMMAND", dest="command", parser_class=Parser)
    width = min(WIDTH, shutil.get_terminal_size().columns - 2)
    for name, summary in COMMANDS.items():
        place = places.add_parser(name, help=summary)
        if name in commands:
            command = load_command(name)
            paragraphs = command.HELP.split("\n\n")
            place.description = "\n\n".join(textwrap.fill(each, width) for each in paragraphs)
            place.epilog = command.EPILOG
            command.add_arguments(place)
            place.set_defaults(run=command.run, options=place.options)
    return parser
