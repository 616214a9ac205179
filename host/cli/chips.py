"""``allspin chips``: what networks reach over many chips of a device."""

from allspin.host.chips.accuracy import CAUSES, COLUMNS
from allspin.host.chips.chip_options import ChipOptions, ProbedChipOptions
from allspin.host.chips.measured import MeasureOptions, chips_table, measure_chips, remarks
from allspin.host.cli.options import (
    SHARED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    add_tile_arguments,
    answer,
    read_options,
    tile_options,
)

HELP = """\
Program many chips with networks, and say what share of the test images they classify rightly:
mean and standard deviation over the chips, by which variations the chips have and by how they
are programmed.

--measured adds two rows of chips whose cells a probe station read back, one
file a chip: with the mean neuron, and with the neurons of as many chips,
calibrated."""
EPILOG = """\
examples:
  allspin chips paper-10 paper-100
  allspin chips paper-10 --causes
  allspin chips paper-10 --tile-rows 128 --adc-bits 5
  allspin chips mine.safetensors --device mine.toml --chips 100 --json
  allspin chips mine.safetensors --device mine.toml --measured a.csv b.csv c.csv
"""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("networks", metavar="NET", nargs="+", help=SHARED["network"]["help"])
    add_shared(parser, "--device", "--at")
    parser.add_argument(
        "--causes", action="store_true", help="each variation alone, and all in open loop"
    )
    add_options(parser, MeasureOptions)
    add_options(parser, ChipOptions, "polarity", "tries", "band")
    add_options(parser, ProbedChipOptions, "missing")
    add_tile_arguments(parser)
    add_shared(parser, "--images", "--data", "--json")


def run(arguments: Arguments) -> int:
    """Measure, and print the table."""
    options = read_options(
        arguments,
        MeasureOptions,
        columns=CAUSES if arguments.causes else COLUMNS,
        tiles=tile_options(arguments),
    )
    measured = measure_chips(
        arguments.networks,
        arguments.device,
        options,
        at=arguments.at,
        images=arguments.images,
        data=arguments.data,
        display=arguments.steps,
    )
    answer(arguments, measured.to_dict(), chips_table(measured), remarks(measured))
    return 0
