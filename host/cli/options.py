"""What the commands share: options by the classes that they fill, which go together, answers."""

import argparse
import contextlib
import dataclasses
import json
import re
import signal
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar

from allspin.host.chips.chip_options import PAPER
from allspin.host.cli.parser import Parser
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.show.table import Table
from allspin.host.show.terminal import print_tables
from allspin.host.train.training_options import AUGMENTATIONS
from allspin.sim.errors import UserError
from allspin.sim.parameters import make
from allspin.sim.programming.device_levels import LEVEL_CHOICES
from allspin.sim.programming.schemes import POLARITIES

Options = TypeVar("Options")

NEEDS: dict[str, dict[str, str]] = {
    "run": {
        "missing": "measured",
        "device at calibrate": "chip measured",
        "scheme polarity tries band": "chip",
        "uart latency": "on=virtual",
        "sdram": "resident",
        "clock_error frequency": "uart",
        "framing": "image",
        "picture": "samples",
        "style": "picture",
    },
    "train": {
        "at level_choice polarity robust": "device",
        "update rounding threshold momentum reference pair out": "in_array",
        "threshold": "update=sign",
        "neuron_per": "conv",
        "style": "out",
    },
    "live": {
        "states hidden neuron noise epochs rate batch seed update rounding threshold momentum "
        "reference pair": "in_array",
        "threshold": "update=sign",
    },
    "import": {"at level_choice polarity": "device", "style": "pictures"},
    "report": {"style": "figures"},
    "fit": {"at": "base", "style": "output"},
    "sweep": {"ca_file certificate key": "address", "style": "pictures"},
    "export": {
        "lanes profile": "verilog",
        "layer rows columns reading": "spice",
        "chip": "cells profile",
        "cells scheme polarity tries band": "chip",
        "device at": "spice chip",
    },
    "info": {"write": "devices", "network chips images": "write"},
    "selftest": {"rows_per_clock chip_maker resident": "on=virtual"},
}
"""By command: options, and those of which they need one; ``on=virtual`` is one with a value."""
EXCLUDES: dict[str, dict[str, str]] = {
    "run": {
        "measured": "scheme polarity tries band",
        "image": "images resident samples",
        "samples": "resident",
        "latency": "uart chip measured image logits check resident samples",
    },
    "train": {
        "in_array": "robust tile_rows adc_bits straight_through conv neuron_per",
        "pair": "reference",
        "update=sign": "rounding",
    },
    "live": {"in_array": "network", "pair": "reference", "update=sign": "rounding"},
    "sweep": {"address": "workers"},
    "report": {"figures": "output"},
    "boards": {
        "fits": "network write collect",
        "collect": "network write",
    },
}
"""By command: an option, perhaps with a value, and those that it cannot be given with."""


FAILED = 1
"""Exit status of what a command's help names: logits that differ, a model that does not fit."""
INTERRUPTED = 130
"""Exit status where Ctrl-C ended a training."""


class Arguments(argparse.Namespace):
    """What was typed.

    Attributes
    ----------
    steps : Steps
        Shows how far the command is, until it ends.
    """

    steps: Steps


def perform(arguments: Arguments) -> int:
    """Run a command, whose exit status is returned.

    Raises
    ------
    UserError
        If its options do not go together, or it refuses something; options stand for parameters
        between backticks, such as ```rows_per_clock` must be ...``.
    """
    try:
        # A recipe may name what an option needs: `train` checks again when it has read it.
        if getattr(arguments, "recipe", None) is None:
            check_together(arguments)
        if any(getattr(arguments, name, None) for name in ("picture", "pictures", "out")):
            # What draws may not be installed, and what is drawn may take hours.
            import_module("matplotlib")
        with Steps() as arguments.steps:
            return arguments.run(arguments)
    except UserError as error:
        options: dict[str, str] = arguments.options
        said = re.sub(r"`(\w+)`", lambda match: options.get(match[1], match[1]), str(error))
        raise UserError(said) from error


@contextlib.contextmanager
def naming_options() -> Iterator[None]:
    """Turn an error of an options' class into a line on the option that it names.

    Raises
    ------
    UserError
        In place of a `ValueError` or `TypeError`; a parameter that it begins with is put between
        backticks, by which `perform` knows it.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        raise UserError(
            re.sub(r"^(\w+) (must|takes|is for|[\w.]+:|\w+ is no) ", r"`\1` \2 ", str(error))
        ) from error


def check_together(arguments: Arguments) -> None:
    """Raise unless the options of a command go together.

    Raises
    ------
    UserError
        If one lacks what it needs, or there is one that it excludes.
    """

    def given(name: str) -> bool:
        option, _, value = name.partition("=")
        found = getattr(arguments, option)
        return found == value if value else found is not None and found is not False

    for options, needed in NEEDS.get(arguments.command, {}).items():
        wanting = [name for name in options.split() if given(name)]
        if wanting and not any(map(given, needed.split())):
            shown = (each.partition("=") for each in needed.split())
            what = " or ".join(f"`{option}` {value}".strip() for option, _, value in shown)
            raise UserError(f"`{wanting[0]}` needs {what}")
    for name, others in EXCLUDES.get(arguments.command, {}).items():
        wrong = [other for other in others.split() if given(other)]
        if given(name) and wrong:
            option, _, value = name.partition("=")
            shown = f"`{option}` {value}".strip()
            raise UserError(f"`{wrong[0]}` does not go with {shown}: leave one of them out")


def add_options(parser: Parser, kind: type, *names: str, **helps: str) -> None:
    """Declare the options that fields of a dataclass are; see `allspin.sim.errors`.

    Parameters
    ----------
    parser : Parser
        The command's.
    kind : type
        The dataclass.
    *names : str
        Which fields; without any, all that are options.
    **helps : str
        Help of those for which another one is right here.
    """
    for field in dataclasses.fields(kind):
        if "how" not in field.metadata or (names and field.name not in names):
            continue
        how = field.metadata["how"] | {"help": helps.get(field.name, field.metadata["how"]["help"])}
        if field.type is bool:
            del how["metavar"]
            how["action"] = "store_true"
        elif "choices" not in how:
            # Of a union the first, which is what a word on the command line can be.
            how.setdefault("type", next(iter(typing.get_args(field.type)), field.type))
        flag = field.metadata["flag"] or f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, dest=field.name, default=None, **how)


def read_options(arguments: Arguments, kind: Callable[..., Options], **more: Any) -> Options:
    """An object of a class, with what was given of its fields.

    Parameters
    ----------
    arguments : Arguments
        Of the command line; None is what was not given.
    kind : callable
        A dataclass, or a function: see `allspin.sim.parameters.make`.
    **more
        Fields that are no options.

    Raises
    ------
    UserError
        If the class refuses a value.
    """
    given = {
        name: value
        for name, value in vars(arguments).items()
        if value is not None and value is not False
    }
    with naming_options():
        return make(kind, given | more)


SHARED: dict[str, dict[str, Any]] = {
    "-o --output": {"metavar": "FILE", "type": "file"},
    "-o --out": {"metavar": "DIR", "type": "file"},
    "network": {
        "metavar": "NET",
        "help": "network file, or the name of one that ships",
    },
    "--network": {
        "metavar": "NET",
        "help": "network file, or the name of one that ships (%(default)s)",
    },
    "--data": {
        "metavar": "DATA",
        "type": "file",
        "help": "folder of IDX files, or .npz with x_train, y_train, x_test, y_test (MNIST, which "
        "ships)",
    },
    "--augment": {
        "metavar": "NAME",
        "help": f"how training images are bent: {', '.join(AUGMENTATIONS)} (shifts and mirror "
        "images), with amounts as in objects,shift=2, in pixels of an image of 28 x 28 (digits of "
        "MNIST, quick gentle; none of other data)",
    },
    "--images": {"metavar": "N", "type": int, "help": "first N test images (all)"},
    "--device": {
        "metavar": "DEVICE",
        "default": PAPER,
        "help": f"device file, or the name of one that ships ({PAPER})",
    },
    "--at": {
        "metavar": "POINT",
        "help": "operating point of the device, such as current=9mA,temperature=350 (its file's "
        "own)",
    },
    "--lanes": {
        "metavar": "L",
        "type": int,
        "help": "columns that are computed in a cycle (all)",
    },
    "--rows-per-clock": {
        "metavar": "R",
        "type": int,
        "help": "rows that are driven in a cycle, 1, 2, 4, 8 or 16 (1)",
    },
    "--keep-states": {
        "action": "store_true",
        "dest": "states",
        "help": "keep states in place of R_AH words",
    },
    "--chip-maker": {"action": "store_true", "help": "with the gateware that makes chips"},
    "--profile": {"metavar": "NAME", "help": "which of the board's machines (the first)"},
    "--seed": {"metavar": "N", "type": int, "default": 0, "help": "seed of all random draws (0)"},
    "--style": {
        "metavar": "STYLE",
        "help": "picture style: screen, paper (for a journal; paper-1 and paper-2 are one and two "
        "columns wide), or a TOML file (screen)",
    },
    "--wide": {
        "action": "store_true",
        "help": "show all columns; where stdout is no terminal they always are, as TSV",
    },
    "--json": {"action": "store_true", "help": "print the result as one JSON object"},
}
"""Options of several commands, as `argparse` takes them."""


def add_shared(parser: Parser, *names: str, **changes: Any) -> None:
    """Declare some of `SHARED`, with changes."""
    for name in names:
        parser.add_argument(*name.split(), **SHARED[name] | changes)


def add_tile_arguments(parser: Parser, own: str = "the network's own") -> None:
    """Declare ``--tile-rows`` and ``--adc-bits``.

    Parameters
    ----------
    parser : Parser
        The command's.
    own : str
        What there is without them.
    """
    words = f"with columns cut into tiles of N rows, a power of two ({own})"
    parser.add_argument("--tile-rows", metavar="N", type=int, help=words)
    parser.add_argument(
        "--adc-bits",
        metavar="N",
        type=int,
        help="with --tile-rows, bits of a tile's converters, 2 to 24",
    )


def add_target_arguments(parser: Parser) -> None:
    """Declare the device to train for, what its states are, and how it is written."""
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="train for this device, a file or the name of one that ships: its levels, its "
        "neuron, the noise of its writes",
    )
    add_shared(parser, "--at", help=f"with --device, {SHARED['--at']['help']}")
    parser.add_argument(
        "--level-choice",
        metavar="NAME",
        help=f"with --device, what its states are: {', '.join(LEVEL_CHOICES)} (nearest)",
    )
    parser.add_argument(
        "--polarity",
        metavar="NAME",
        help=f"with --device, polarity of the writes: {', '.join(POLARITIES)} (quieter)",
    )


@contextlib.contextmanager
def ended_by_clusters() -> Iterator[None]:
    """Let SIGTERM, by which a cluster ends a job, be as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def answer(
    arguments: Arguments,
    record: Mapping[str, Any],
    tables: Table | Sequence[Table],
    notes: Iterable[str] = (),
) -> None:
    """Print what came of a command: as JSON if that was asked for, else as tables and notes."""
    arguments.steps.stop()
    if arguments.json:
        say(json.dumps(record))
    else:
        tables = [tables] if isinstance(tables, Table) else tables
        print_tables(tables, notes, wide=getattr(arguments, "wide", False))
