"""The options that name a device to train for."""

import argparse
from pathlib import Path

from allspin.host.chips.options import PAPER, ChipOptions, ProbedChipOptions
from allspin.host.cli.parser import naming_options
from allspin.host.data.catalogue import open_device
from allspin.host.draw.look import FORMATS, PRINT_POINTS, SCREEN, Look
from allspin.host.link.transport import DEFAULT_BAUD, VIRTUAL_FREQUENCY, UartOptions
from allspin.host.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.host.run.machine_options import MachineOptions
from allspin.host.train.parameters import TrainingTarget
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import Tiles
from allspin.sim.programming.programming import LEVEL_CHOICES
from allspin.sim.programming.schemes import DEFAULT_BAND, POLARITIES, SCHEMES, Programming

# The option that names a data set.


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--data``."""
    parser.add_argument(
        "--data",
        metavar="DATA",
        type=Path,
        help="folder of IDX files, or .npz with x_train, y_train, x_test, y_test (MNIST, which "
        "ships)",
    )


# The option that says at which operating point a device is taken.


def add_point_argument(parser: argparse.ArgumentParser, condition: str = "") -> None:
    """Declare the option.

    Parameters
    ----------
    parser : ArgumentParser
        The command's.
    condition : str
        What it needs, for its help.
    """
    parser.add_argument(
        "--at",
        metavar="POINT",
        help=f"{condition}operating point of the device, such as current=9mA,temperature=350 (its "
        "file's own)",
    )


# The option of commands that print tables with more columns than a terminal has room for.


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how much of a table is shown."""
    parser.add_argument(
        "--wide",
        action="store_true",
        help="show all columns; where stdout is no terminal they always are, as TSV",
    )


# The options of commands that draw pictures: kinds of files, and sizes for print.


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what files pictures become."""
    add = parser.add_argument
    add(
        "--format",
        dest="formats",
        metavar="KIND[,KIND]",
        default=",".join(SCREEN.formats),
        help=f"pictures' files: {', '.join(FORMATS)} ({','.join(SCREEN.formats)})",
    )
    add(
        "--print-width",
        dest="width",
        metavar="MM",
        type=float,
        help="pictures for print, so many millimetres wide (for a screen)",
    )
    add(
        "--font-size",
        dest="points",
        metavar="POINTS",
        type=float,
        help=f"pictures for print, with text of this size ({PRINT_POINTS:g})",
    )


def picture_options(arguments: argparse.Namespace) -> Look:
    """How pictures are written.

    Raises
    ------
    UserError
        If there is no such kind, or a size is out of its range.
    """
    formats = [kind.strip() for kind in arguments.formats.split(",") if kind.strip()]
    with naming_options():
        return Look(tuple(dict.fromkeys(formats)), arguments.width, arguments.points)


# The options that cut a network's columns into tiles.

TILE_ROWS = "with columns cut into tiles of N rows, a power of two (the network's own)"
"""What ``--tile-rows`` says."""
ADC_BITS = "with --tile-rows, bits of a tile's converters, 2 to 24"
"""What ``--adc-bits`` says."""


def add_tile_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--tile-rows`` and ``--adc-bits``."""
    parser.add_argument("--tile-rows", metavar="N", type=int, help=TILE_ROWS)
    parser.add_argument("--adc-bits", metavar="N", type=int, help=ADC_BITS)


def tile_options(arguments: argparse.Namespace) -> Tiles | None:
    """The tiles that were asked for, if any.

    Raises
    ------
    UserError
        If a value is outside its range, or one of the two is missing.
    """
    with naming_options():
        return Tiles.asked(arguments.tile_rows, arguments.adc_bits)


# The options that make ``allspin run`` run on a chip, and ``allspin export`` program one.


def add_programming_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how a chip is programmed."""
    add = parser.add_argument
    add(
        "--polarity",
        metavar="NAME",
        help=f"polarity of the pulse trains: {', '.join(POLARITIES)} (quieter)",
    )
    add(
        "--tries",
        metavar="N",
        type=int,
        help="writes of a cell that write-verify may take (8 up to 16 states, else 32)",
    )
    add(
        "--band",
        metavar="SHARE",
        type=float,
        help="how far from its level write-verify lets a cell be, as a fraction of the range "
        f"({DEFAULT_BAND:g})",
    )


def add_scheme_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the scheme of programming, and what belongs to it."""
    add = parser.add_argument
    add(
        "--program",
        dest="scheme",
        metavar="SCHEME",
        help=f"how the chip is programmed: {', '.join(SCHEMES)} (open-loop)",
    )
    add_programming_arguments(parser)


def add_chip_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a chip."""
    add = parser.add_argument
    add("--chip", metavar="SEED", type=int, help="run on this chip (the ideal one)")
    add(
        "--device",
        metavar="DEVICE",
        help=f"device file of the chip, or the name of one that ships ({PAPER})",
    )
    add_point_argument(parser)
    add_scheme_arguments(parser)
    add("--calibrate", action="store_true", help="calibrate the thresholds of the chip's neurons")
    add(
        "--measured",
        metavar="CELLS",
        type=Path,
        help="cells as a probe station read them, CSV or .npz; neurons are the mean one, or "
        "those of --chip",
    )
    add_missing_argument(parser)


def add_missing_argument(parser: argparse.ArgumentParser) -> None:
    """Declare how many measured cells may be missing."""
    parser.add_argument(
        "--missing",
        metavar="SHARE",
        type=float,
        help="with --measured, share of the cells that may be missing or open; a Hall arm "
        "that is open adds nothing to its column (0)",
    )


def chip_options(arguments: argparse.Namespace) -> ChipOptions | ProbedChipOptions | None:
    """The chip that was asked for, if one was.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others.
    """
    if arguments.measured is not None:
        return _probed(arguments)
    if arguments.missing is not None:
        raise UserError("`missing` needs --measured CELLS")
    if arguments.chip is None:
        for name in ("device", "at", "scheme", "polarity", "tries", "band", "calibrate"):
            if getattr(arguments, name) not in (None, False):
                raise UserError(f"`{name}` needs --chip SEED")
        return None
    return programmed_chip(arguments, calibrate=arguments.calibrate)


def _probed(arguments: argparse.Namespace) -> ProbedChipOptions:
    """A chip whose cells were read back: how it was programmed is the probe station's business."""
    for name in ("scheme", "polarity", "tries", "band"):
        if getattr(arguments, name) is not None:
            raise UserError(f"`{name}` is for a chip that is programmed here, not for --measured")
    if arguments.calibrate and arguments.chip is None:
        raise UserError("`calibrate` needs --chip SEED: the mean neuron needs no calibration")
    return ProbedChipOptions(
        arguments.measured,
        device=arguments.device or PAPER,
        at=arguments.at,
        seed=arguments.chip,
        missing=arguments.missing or 0.0,
        calibrate=arguments.calibrate,
    )


def programmed_chip(arguments: argparse.Namespace, calibrate: bool = False) -> ChipOptions:
    """The chip of some seed and scheme.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others.
    """
    return ChipOptions(
        arguments.chip,
        device=arguments.device or PAPER,
        scheme=arguments.scheme or "open-loop",
        polarity=arguments.polarity or "quieter",
        tries=arguments.tries,
        band=arguments.band,
        calibrate=calibrate,
        at=arguments.at,
    )


# The options that say which machine ``allspin run`` runs on, and how it is spoken to.


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the machine, its shape, and how it is spoken to."""
    add = parser.add_argument
    add(
        "--on",
        metavar="MACHINE",
        default=GOLDEN,
        help=f"{GOLDEN}, {VIRTUAL}, a serial port, or {AUTO} ({GOLDEN})",
    )
    add("--lanes", metavar="L", type=int, help="columns that are computed in a cycle (all)")
    add(
        "--rows-per-clock",
        metavar="R",
        type=int,
        help="rows that are driven in a cycle, 1, 2, 4 or 8 (1)",
    )
    add(
        "--states",
        action="store_true",
        help="keep states in place of R_AH words: memory of the fewest bits, and no chips",
    )
    add("--uart", action="store_true", help="go through the virtual board's UART, bit by bit")
    add("--baud", metavar="B", type=int, help=f"bits a second of a UART ({DEFAULT_BAUD})")
    add(
        "--frequency",
        metavar="HZ",
        type=int,
        help=f"with --uart, the virtual board's clock ({VIRTUAL_FREQUENCY})",
    )
    add(
        "--clock-error",
        metavar="PERCENT",
        type=float,
        help="with --uart, by how many percent the host's bits are too long (0)",
    )


def machine_options(arguments: argparse.Namespace) -> MachineOptions:
    """The machine that was asked for.

    Raises
    ------
    UserError
        If an option is wrong or does not go with the others.
    """
    on, uart = arguments.on, arguments.uart
    if uart and on != VIRTUAL:
        raise UserError(f"--uart is for --on {VIRTUAL}, not {on}")
    for name in ("clock_error", "frequency"):
        if getattr(arguments, name) is not None and not uart:
            raise UserError(f"`{name}` needs --uart")
    if arguments.baud is not None and (on == GOLDEN or (on == VIRTUAL and not uart)):
        raise UserError(f"--baud is for a serial port, or --on {VIRTUAL} --uart")
    given = {name: getattr(arguments, name) for name in ("baud", "clock_error", "frequency")}
    given = {name: value for name, value in given.items() if value is not None}
    with naming_options():
        return MachineOptions(
            on,
            lanes=arguments.lanes,
            rows_per_clock=arguments.rows_per_clock,
            states=arguments.states,
            uart=UartOptions(**given) if uart or given else None,
        )


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the device, what its states are, and how it is written."""
    add = parser.add_argument
    add(
        "--device",
        metavar="DEVICE",
        help="train for this device, a file or the name of one that ships: its levels, its "
        "neuron, the noise of its writes",
    )
    add_point_argument(parser, "with --device, ")
    add(
        "--level-choice",
        metavar="NAME",
        help=f"with --device, what its states are: {', '.join(LEVEL_CHOICES)} (nearest)",
    )
    add(
        "--polarity",
        metavar="NAME",
        help=f"with --device, polarity of the writes: {', '.join(POLARITIES)} (quieter)",
    )


def target_options(arguments: argparse.Namespace) -> TrainingTarget | None:
    """The device to train for, if there is one.

    Raises
    ------
    UserError
        If there is none and an option needs one, or it cannot be read.
    ValueError
        If there is no such choice.
    """
    if arguments.device is None:
        for option in ("at", "level_choice", "polarity"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} needs --device")
        return None
    return TrainingTarget(
        open_device(arguments.device, arguments.at),
        arguments.level_choice or "nearest",
        Programming(polarity=arguments.polarity or "quieter"),
    )
