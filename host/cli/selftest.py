"""``allspin selftest``: whether a board is right, a line for each of its parts."""

import json
import textwrap

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.options import (
    FAILED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    read_options,
)
from allspin.host.cli.parser import WIDTH
from allspin.host.data.catalogue import open_network
from allspin.host.data.files import check_writable
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.opening import AUTO, VIRTUAL
from allspin.host.machines.programmer import SUM_CHIPS
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.host.selftest.board_report import measure_rates, reporting
from allspin.host.selftest.checks import Finding, selftest
from allspin.host.selftest.known_network import known_network
from allspin.host.selftest.opening import open_for_selftest
from allspin.host.show.display import BuildWatch
from allspin.host.show.say import say
from allspin.sim.errors import UserError

HELP = """\
Test a board: write two patterns to each memory and read them back, run 100
images, read the counters, run resident images, make a chip, and compare the
results with the golden model.

It takes seconds at 3 Mbaud, and a minute at 115,200. The board loses the
network that it was programmed with."""
EPILOG = """\
a line for each check: ok, WRONG, or - if the board has no such part

exit status 1 if something is wrong

examples:
  allspin selftest
  allspin selftest --on /dev/ttyUSB1 --baud 115200
  allspin selftest mine.safetensors --on auto
  allspin selftest --on virtual --chip-maker --resident
  allspin selftest --report board.json
"""

MARKS = {True: "ok", False: "WRONG", None: "-"}
MARK_WIDTH = 6
NAME_WIDTH = 25


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "network",
        metavar="NET",
        nargs="?",
        help="network to test with (a random one; mnist-10 on virtual)",
    )
    parser.add_argument(
        "--on", metavar="MACHINE", default=AUTO, help=f"serial port, {AUTO} or {VIRTUAL} ({AUTO})"
    )
    add_options(parser, UartOptions, "baud")
    add_shared(parser, "--seed", metavar="S", help="seed of patterns and images (0)")
    parser.add_argument(
        "--report",
        metavar="FILE.json",
        type="file",
        help="write all that was found, rates and versions into one file, to be sent",
    )
    add_shared(parser, "--json")
    add_shared(parser, "--rows-per-clock", help=f"with --on {VIRTUAL}, rows driven in a cycle (1)")
    add_shared(parser, "--chip-maker", help=f"with --on {VIRTUAL}, the gateware that makes chips")
    parser.add_argument(
        "--resident", action="store_true", help=f"with --on {VIRTUAL}, a memory for images"
    )


def run(arguments: Arguments) -> int:
    """Test, and say what is right as soon as it is known."""
    baud = read_options(arguments, UartOptions).baud
    profile = read_options(
        arguments,
        HardwareProfile,
        variation=SUM_CHIPS if arguments.chip_maker else None,
        resident=VIRTUAL_RESIDENT if arguments.resident else None,
    )
    if arguments.seed < 0:
        raise UserError(f"`seed` must be 0 or more, not {arguments.seed}")
    network = None if arguments.network is None else open_network(arguments.network)
    if arguments.report is not None:
        check_writable(arguments.report)
    findings: list[Finding] = []
    steps = arguments.steps
    steps.start(f"opening {arguments.on}")
    watch = BuildWatch(steps)
    with open_for_selftest(arguments.on, network, profile, baud, progress=watch) as machine:
        steps.finish(machine.name)
        with reporting(arguments.report, machine, findings, arguments.seed) as rates:
            known = network or known_network(machine.name, machine.identity, arguments.seed)
            for finding in selftest(machine, known, seed=arguments.seed, progress=steps):
                findings.append(finding)
                if not arguments.json:
                    head = f"{MARKS[finding.right]:{MARK_WIDTH}}{finding.name:{NAME_WIDTH}}"
                    indent = " " * (MARK_WIDTH + NAME_WIDTH)
                    say(textwrap.fill(head + finding.text, WIDTH, subsequent_indent=indent))
            if arguments.report is not None:
                rates.update(measure_rates(machine, known, arguments.seed))
    wrong = [finding for finding in findings if finding.right is False]
    if arguments.json:
        found = [finding.to_dict() for finding in findings]
        say(json.dumps({"on": machine.name, "right": not wrong, "checks": found}))
    else:
        say(f"{machine.name}: " + (f"{len(wrong)} checks failed" if wrong else "all right"))
    return FAILED if wrong else 0
