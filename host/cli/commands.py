"""Commands by group, and the first word of a command line.

A command is a module here with a function ``run``, whose signature and numpydoc text declare its
options, and with ``EXAMPLES``. It is imported when it is performed, so that help is fast.
"""

import importlib
import keyword
from collections.abc import Sequence
from types import ModuleType

from allspin.host.show.say import one_line, printable, say
from allspin.host.show.version import version
from allspin.sim.errors import meant

GROUPS = {
    "start": {
        "demo": "train, simulate, compare and plot, in one go",
        "live": "draw digits on a page, and watch the machine at work",
        "run": "run a network on a machine and measure its accuracy",
        "train": "train a network, offline",
        "learn": "train a network by pulses on its devices, as the paper does",
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
"""Commands of each group, with their lines in the help."""
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}
"""Commands with their lines. A command's module has its name, with an underscore behind it if the
name is a keyword of Python."""

SHELLS = ("bash", "zsh", "fish")
"""Shells that `--completion` knows."""
COMPLETE = "__complete"
"""First word of the command lines with which a shell's script asks for completions."""
HEAD = """\
usage: allspin [-h] [--version] [--completion SHELL] COMMAND ...

allspin emulates an all-spin neural network in gateware, bit for bit.

options:
  -h, --help  show this help and exit
  --version   show the version and exit
  --completion SHELL
              print the script that completes commands, options and names in
              bash, zsh or fish

commands:
"""
TAIL = """\

examples:
  allspin run mnist-10 --on virtual --check
  allspin train --states 10 -o mine.safetensors
  allspin COMMAND --help

completion of commands, options and names:
  bash: source <(allspin --completion bash)      in ~/.bashrc
  zsh:  allspin --completion zsh > ~/.zfunc/_allspin     a folder of fpath
  fish: allspin --completion fish > ~/.config/fish/completions/allspin.fish

tables fit the terminal; if stdout is not a terminal, they are TSV:
  allspin boards | cut -f 1,9     titles and notes are lines that begin with #

exit status: 0, or 1 where a command's help says so; 2 for wrong input, with one
line that says what to change; 70 for a bug in allspin, whose traceback goes to
a file (ALLSPIN_DEBUG=1 prints it); 130 for Ctrl-C; 141 for a closed pipe
"""


class UsageError(Exception):
    """Error in a command line.

    Parameters
    ----------
    program : str
        Program and command, such as ``allspin run``; the message refers to its help.
    message : str
        Description of the error.
    """

    def __init__(self, program: str, message: object) -> None:
        words = printable(one_line(message))
        super().__init__(f"{program}: {words} (see {program} --help)")


def help_text() -> str:
    """Return the help of `allspin` itself, with a line for each command."""
    lines = []
    for group, commands in GROUPS.items():
        lines.append(f"  {group}:")
        lines += [f"    {name:10}{line}" for name, line in commands.items()]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def load_command(name: str) -> ModuleType:
    """Import the module of a command of `COMMANDS`."""
    module = f"{name}_" if keyword.iskeyword(name) else name
    return importlib.import_module(f"allspin.host.cli.{module}")


def answer_without_command(words: Sequence[str]) -> bool:
    """Answer a command line without a command, such as ``--version``.

    Returns
    -------
    bool
        True if the line was answered; False if it has a command.

    Raises
    ------
    UsageError
        If the command is missing or unknown.
    """
    first = words[0] if words else ""
    option, sign, value = first.partition("=")
    if first in ("-h", "--help"):
        say(help_text().rstrip("\n"))
    elif first == "--version":
        say(f"allspin {version() or '(not installed: run from its folder)'}")
    elif option == "--completion":
        shell = value if sign else next(iter(words[1:]), "")
        if shell not in SHELLS:
            known = ", ".join(SHELLS)
            wrong = f"--completion takes one of {known}, not {shell!r}{meant(shell, SHELLS)}"
            raise UsageError("allspin", wrong)
        from allspin.host.cli.completion import completion_script  # imports all commands

        say(completion_script(shell))
    elif first == COMPLETE:
        from allspin.host.cli.completion import complete  # imports the command that is typed

        complete(words)
    elif first.startswith("-"):
        known = ("--help", "--version", "--completion")
        raise UsageError("allspin", f"unknown option: {first}{meant(option, known)}")
    elif first not in COMMANDS:
        known = ", ".join(COMMANDS)
        if not first:
            raise UsageError("allspin", f"a command is needed: {known}")
        mistake = f"there is no command {first!r}{meant(first, COMMANDS)}"
        raise UsageError("allspin", f"{mistake}; commands are {known}")
    else:
        return False
    return True
