"""The machines that a network can run on, opened by name."""

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
        The virtual board is built for it, a real board must fit it.
    profile : HardwareProfile, optional
        Lanes and widths of the virtual board.
    uart : UartOptions, optional
        Settings of a board's UART. The virtual board has a UART if this is given; else its bytes
        pass through a pipe.
    progress : callable
        Called with the step of a build, and its seconds so far.

    Raises
    ------
    UserError
        If there is no such machine, or the network does not fit it.
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
    """Bits a second of the boards that have such a USB device as is behind a serial port."""
    if (device := usb_devices().get(port)) is None:
        return [DEFAULT_BAUD]
    from allspin.boards.catalogue import find_boards

    return sorted({board.baud for board in find_boards().values() if board.usb == device}) or [
        DEFAULT_BAUD
    ]


def open_port(port: str, baud: int | None = None) -> LinkedMachine:
    """The machine on a serial port; without a baud rate, at each that such a board may have.

    Raises
    ------
    UserError
        If there is no such port, or nothing on it speaks the protocol.
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


def _open_auto(network: Network, baud: int | None) -> LinkedMachine:
    answers = ask_ports(baud)
    boards = [board for board in answers.values() if board is not None]
    boards.sort(key=lambda board: board.identity.topology != network.topology)
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
    with naming_extras():
        from allspin.boards.top import TopParameters
        from allspin.boards.virtual.build import build

    pins = None if uart is None else uart.parameters()
    frequency = 0 if uart is None else uart.frequency
    with refused("the gateware cannot run this network: "):
        parameters = TopParameters.from_network(network, profile, frequency=frequency, uart=pins)
    return build(parameters, mutate=mutate, progress=progress)
