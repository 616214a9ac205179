"""Opening of a machine by name: golden, virtual, a serial port, or the board that answers."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from allspin.hdl.cache.process import Progress as BuildProgress, no_progress
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.serial_port import DEFAULT_BAUD, SerialTransport, serial_ports, usb_devices
from allspin.host.link.uart_options import (
    UartOptions,
)
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.machine import Machine
from allspin.host.machines.programmer import chip_profile
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError, meant, refused
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip
from allspin.sim.systems import naming_extras

GOLDEN = "golden"
VIRTUAL = "virtual"
AUTO = "auto"


def open_machine(
    on: str,
    loaded: Network | ProgrammedChip,
    profile: HardwareProfile | None = None,
    uart: UartOptions | None = None,
    *,
    progress: BuildProgress = no_progress,
) -> Machine:
    """Open a machine for a network or a chip of one, which is not loaded yet.

    Parameters
    ----------
    on : str
        ``golden``, ``virtual``, ``auto`` or a serial port.
    loaded : Network or ProgrammedChip
        Network that the virtual board is built for, and that a real board must fit.
    profile : HardwareProfile, optional
        Lanes and widths of the virtual board.
    uart : UartOptions, optional
        Settings of a board's UART. The virtual board has a UART if this is given; otherwise its
        bytes pass through a pipe.
    progress : callable
        Called with the step of a build, and its seconds so far.

    Raises
    ------
    UserError
        If the machine does not exist, or the network does not fit it.
    """
    network = loaded.network if isinstance(loaded, ProgrammedChip) else loaded
    if on == GOLDEN:
        return GoldenMachine()
    if on == VIRTUAL:
        if isinstance(loaded, ProgrammedChip):
            profile = chip_profile(loaded, profile)
        return open_virtual(network, profile, uart, progress=progress)
    baud = None if uart is None else uart.baud
    if on == AUTO:
        return _open_auto(network, baud)
    machine = open_port(on, baud)
    try:
        machine.check(network)
    except UserError:
        machine.close()
        raise
    return machine


def usual_bauds(port: str) -> list[int]:
    """Return the baud rates of the boards whose USB device is behind a serial port."""
    device = usb_devices().get(port)
    if device is None:
        return [DEFAULT_BAUD]
    from allspin.boards.catalogue import find_boards  # Amaranth

    bauds = {board.baud for board in find_boards().values() if board.usb == device}
    return sorted(bauds) or [DEFAULT_BAUD]


def open_port(port: str, baud: int | None = None) -> LinkedMachine:
    """Open the machine on a serial port.

    Parameters
    ----------
    port : str
        Name of the port.
    baud : int, optional
        Bits a second; by default the rates of all boards with the port's USB device are tried.

    Raises
    ------
    UserError
        If the port does not exist, or no machine on it answers in the protocol.
    """
    wrong = meant(port, (GOLDEN, VIRTUAL, AUTO))
    if wrong and not os.path.exists(port):
        raise UserError(f"there is no machine or serial port {port!r}{wrong}")
    *others, last = usual_bauds(port) if baud is None else [baud]
    for rate in others:
        with suppress(UserError):
            return LinkedMachine(SerialTransport(port, rate))
    return LinkedMachine(SerialTransport(port, last))


def ask_ports(baud: int | None = None) -> dict[str, LinkedMachine | None]:
    """Open the machines on all serial ports at once.

    Returns
    -------
    dict
        For each port its machine, which the caller closes; None if no machine answers.
    """

    def ask(port: str) -> LinkedMachine | None:
        try:
            return open_port(port, baud)
        except UserError:
            return None

    ports = serial_ports()
    with ThreadPoolExecutor(max_workers=max(1, len(ports))) as pool:
        return dict(zip(ports, pool.map(ask, ports), strict=True))


def _open_auto(network: Network, baud: int | None) -> LinkedMachine:
    """Open the first board that a network fits, preferably one of the same topology."""
    answers = ask_ports(baud)
    boards = [board for board in answers.values() if board is not None]
    boards.sort(key=lambda board: board.identity.topology != network.topology)
    fitting = next((board for board in boards if board.identity.mismatch(network) is None), None)
    for board in boards:
        if board is not fitting:
            board.close()
    if fitting is not None:
        return fitting
    if boards:
        described = "; ".join(f"{board.name} has {board.description}" for board in boards)
        raise UserError(f"no board was built for this network: {described}")
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
        Parameters of `open_machine`.
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
    """Build the program of a network's virtual board, for `VirtualTransport`.

    Parameters
    ----------
    network, profile, uart, mutate, progress
        Parameters of `open_virtual`.

    Raises
    ------
    UserError
        If the gateware cannot run the network, or it cannot be compiled.
    """
    # Amaranth takes a second to import, and the other machines do not need it.
    with naming_extras():
        from allspin.boards.top import TopParameters
        from allspin.boards.virtual.build import build

    pins = None if uart is None else uart.parameters()
    frequency = 0 if uart is None else uart.frequency
    with refused("the gateware cannot run this network: "):
        parameters = TopParameters.from_network(network, profile, frequency=frequency, uart=pins)
    return build(parameters, mutate=mutate, progress=progress)
