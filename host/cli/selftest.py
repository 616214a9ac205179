"""``allspin selftest``: test of a board, with a line for each of its parts."""

import textwrap
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.answers import FAILED
from allspin.host.cli.help import WIDTH
from allspin.host.cli.shared import NETWORK, Json, Steps
from allspin.host.data.catalogue import open_network
from allspin.host.data.files import check_writable
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.opening import AUTO, VIRTUAL
from allspin.host.machines.programmer import SUM_CHIPS
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.host.options import BOARD_MACHINE
from allspin.host.selftest.board_report import measure_rates, reporting
from allspin.host.selftest.checks import Finding, selftest
from allspin.host.selftest.known_network import known_network
from allspin.host.selftest.opening import open_for_selftest
from allspin.host.show.display import BuildWatch
from allspin.host.show.say import say
from allspin.sim.errors import UserError, refused

EXAMPLES = """\
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


def run(
    network: Annotated[str | None, NETWORK] = None,
    /,
    *,
    on: Annotated[str, BOARD_MACHINE] = AUTO,
    baud: int | None = None,
    seed: int = 0,
    report: Annotated[Path | None, Parameter(metavar="FILE.json")] = None,
    json: Json = False,
    rows_per_clock: int | None = None,
    chip_maker: bool = False,
    resident: bool = False,
    steps: Steps,
) -> int:
    """Test a board.

    Write two patterns to each memory and read them back, run 100 images, read the counters, run
    resident images, make a chip, and compare the results with the golden model. It takes seconds
    at 3 Mbaud, and a minute at 115,200. The board loses the network that it was programmed with.

    Parameters
    ----------
    network : str, optional
        Network to test with: a random one, on virtual mnist-10, unless given.
    on : str
        Machine: a serial port, auto or virtual.
    baud : int, optional
        Bits a second of a UART, 9600 to 12,000,000: the board's unless given.
    seed : int
        Seed of patterns and images.
    report : Path, optional
        File for all findings, rates and versions, to be sent.
    rows_per_clock : int, optional
        On virtual, rows that are driven in a cycle: 1 unless given.
    chip_maker : bool
        On virtual, with the gateware that makes chips.
    resident : bool
        On virtual, with a memory for images.
    """
    built = {"rows_per_clock": rows_per_clock, "chip_maker": chip_maker, "resident": resident}
    for name, value in built.items():
        if value and on != VIRTUAL:
            raise UserError(f"`{name}` needs `on` {VIRTUAL}")
    with refused(kinds=(ValueError, TypeError)):
        uart = UartOptions(baud)
        profile = HardwareProfile(
            rows_per_clock=1 if rows_per_clock is None else rows_per_clock,
            variation=SUM_CHIPS if chip_maker else None,
            resident=VIRTUAL_RESIDENT if resident else None,
        )
    if seed < 0:
        raise UserError(f"`seed` must be 0 or more, not {seed}")
    opened = None if network is None else open_network(network)
    if report is not None:
        check_writable(report)
    findings: list[Finding] = []
    steps.start(f"opening {on}")
    watch = BuildWatch(steps)
    with open_for_selftest(on, opened, profile, uart.baud, progress=watch) as machine:
        steps.finish(machine.name)
        with reporting(report, machine, findings, seed) as rates:
            known = opened or known_network(machine.name, machine.identity, seed)
            for finding in selftest(machine, known, seed=seed, progress=steps):
                findings.append(finding)
                if not json:
                    _print_finding(finding)
            if report is not None:
                rates.update(measure_rates(machine, known, seed))
    wrong = sum(finding.right is False for finding in findings)
    if json:
        checks = [finding.to_dict() for finding in findings]
        say(dumps({"on": machine.name, "right": wrong == 0, "checks": checks}))
    elif wrong:
        say(f"{machine.name}: {wrong} checks failed")
    else:
        say(f"{machine.name}: all right")
    return FAILED if wrong else 0


def _print_finding(finding: Finding) -> None:
    """Print a finding as a line, wrapped to the width of the help."""
    head = f"{MARKS[finding.right]:{MARK_WIDTH}}{finding.name:{NAME_WIDTH}}"
    indent = " " * (MARK_WIDTH + NAME_WIDTH)
    say(textwrap.fill(head + finding.text, WIDTH, subsequent_indent=indent))
