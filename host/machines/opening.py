"""The machines that a network can run on, by name."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from allspin.hdl.cache.process import Progress as BuildProgress, no_progress
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.link.transport import DEFAULT_BAUD, SerialTransport, UartOptions, serial_ports
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.machine import GoldenMachine, Machine
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError, meant, refused
from allspin.sim.network.network import Network

GOLDEN = "golden"
VIRTUAL = "virtual"
AUTO = "auto"


def open_machine(
    on: str,
    network: str | Path | Network,
    profile: HardwareProfile | None = None,
    uart: UartOptions | None = None,
    *,
    progress: BuildProgress = no_progress,
) -> Machine:
    """Open a machine for a network; it is not programmed yet.

    Parameters
    ----------
    on : str
        ``golden``, ``virtual``, ``auto`` or a serial port.
    network : str, Path or Network
        What it shall run: a network, the name of one that ships, or a network file. The virtual
        board is built for it, a real one must fit it.
    profile : HardwareProfile, optional
        The virtual board's lanes and widths.
    uart : UartOptions, optional
        How a board's UART is spoken to. The virtual board has one if this is given; else its
        bytes pass by a pipe.
    progress : callable
        Told what is being built, and for how many seconds now.

    Raises
    ------
    UserError
        If there is no such machine or network, or the network does not fit it.
    """
    network = open_network(network)
    if on == GOLDEN:
        return GoldenMachine()
    if on == VIRTUAL:
        return open_virtual(network, profile, uart, progress=progress)
    baud = DEFAULT_BAUD if uart is None else uart.baud
    if on == AUTO:
        return _open_auto(network, baud)
    machine = open_port(on, baud)
    try:
        machine.check(network)
    except UserError:
        machine.close()
        raise
    return machine


def open_port(port: str, baud: int = DEFAULT_BAUD) -> LinkedMachine:
    """The machine on a serial port.

    Raises
    ------
    UserError
        If there is no such port, or nothing on it speaks the protocol.
    """
    wrong = meant(port, (GOLDEN, VIRTUAL, AUTO))
    if wrong and not os.path.exists(port):
        raise UserError(f"there is no machine or serial port {port!r}{wrong}")
    return LinkedMachine(SerialTransport(port, baud))


def ask_ports(baud: int = DEFAULT_BAUD) -> dict[str, LinkedMachine | None]:
    """Ask every serial port at once what is there.

    Returns
    -------
    dict
        By port, a machine to be closed, or None where none answers.
    """

    def ask(port: str) -> LinkedMachine | None:
        try:
            return open_port(port, baud)
        except UserError:
            return None

    ports = serial_ports()
    with ThreadPoolExecutor(max_workers=max(1, len(ports))) as pool:
        return dict(zip(ports, pool.map(ask, ports), strict=True))


def _open_auto(network: Network, baud: int) -> LinkedMachine:
    answers = ask_ports(baud)
    boards = [board for board in answers.values() if board is not None]
    fitting = next((one for one in boards if one.identity.mismatch(network) is None), None)
    for board in boards:
        if board is not fitting:
            board.close()
    if fitting is not None:
        return fitting
    if boards:
        found = "; ".join(f"{board.name} has {board.description}" for board in boards)
        raise UserError(f"no board was built for this network: {found}")
    asked = f"asked {', '.join(answers)}" if answers else "there is no serial port"
    raise UserError(f"no board answers ({asked}); connect one, or run on virtual")


def open_virtual(
    network: Network,
    profile: HardwareProfile | None = None,
    uart: UartOptions | None = None,
    *,
    trace: tuple[Path, int] | None = None,
    mutate: Callable[[str], str] | None = None,
    progress: BuildProgress = no_progress,
) -> LinkedMachine:
    """Open the virtual board of a network, perhaps with a record of its activity or a fault.

    Parameters
    ----------
    network, profile, uart, progress
        As of `open_machine`.
    trace : tuple of Path and int, optional
        See `allspin.host.virtual.board.VirtualTransport`.
    mutate : callable, optional
        See `allspin.boards.virtual.build.build`.

    Raises
    ------
    UserError
        If the gateware cannot run the network, or it cannot be compiled.
    """
    program = virtual_program(network, profile, uart, mutate=mutate, progress=progress)
    bit_clocks = None if uart is None else uart.bit_clocks
    return LinkedMachine(VirtualTransport(program, bit_clocks=bit_clocks, trace=trace))


def virtual_program(
    network: Network,
    profile: HardwareProfile | None = None,
    uart: UartOptions | None = None,
    *,
    mutate: Callable[[str], str] | None = None,
    progress: BuildProgress = no_progress,
) -> Path:
    """The program of a network's virtual board, for `VirtualTransport`.

    Parameters
    ----------
    network, profile, uart, mutate, progress
        As of `open_virtual`.

    Raises
    ------
    UserError
        If the gateware cannot run the network, or it cannot be compiled.
    """
    # Amaranth takes a second to import, which the other machines need not wait for.
    from allspin.boards.top import TopParameters
    from allspin.boards.virtual.build import build

    pins = None if uart is None else uart.parameters()
    frequency = 0 if uart is None else uart.frequency
    with refused("the gateware cannot run this network: "):
        parameters = TopParameters.from_network(network, profile, frequency=frequency, uart=pins)
    return build(parameters, mutate=mutate, progress=progress)
