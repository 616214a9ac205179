"""The options that say which machine ``allspin run`` runs on, and how it is spoken to."""

import argparse

from allspin.host.cli.options.names import naming_options
from allspin.host.link.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.host.link.wire.serial_port import DEFAULT_BAUD
from allspin.host.link.wire.uart import VIRTUAL_FREQUENCY, UartOptions
from allspin.host.study.running.machine_options import MachineOptions
from allspin.sim.errors import UserError


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
