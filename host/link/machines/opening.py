"""The machines that a network can run on, by the names that ``--on`` takes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allspin.hdl.parameters import HardwareProfile
from allspin.host.link.machines.golden import GoldenMachine
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.machines.machine import Machine
from allspin.host.link.virtual.board import VirtualTransport
from allspin.host.link.wire.serial_port import DEFAULT_BAUD, SerialTransport, serial_ports
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

if TYPE_CHECKING:
    from allspin.hdl.link.uart import UartParameters

GOLDEN = "golden"
VIRTUAL = "virtual"
AUTO = "auto"
VIRTUAL_FREQUENCY = 12_000_000
"""Clock in Hz of the virtual board's UART unless another is named: four clocks a bit at most."""
MAX_CLOCK_ERROR = 10.0
"""Percent. UARTs are lost well before."""

BuildProgress = Callable[[str, float], None]
"""Called several times a second with what is being built and for how many seconds now."""


def no_progress(what: str, seconds: float) -> None:
    """Show nothing."""


def open_machine(
    on: str,
    network: Network,
    profile: HardwareProfile | None = None,
    *,
    uart: bool = False,
    baud: int = DEFAULT_BAUD,
    clock_error: float = 0.0,
    frequency: int = VIRTUAL_FREQUENCY,
    trace: tuple[Path, int] | None = None,
    mutate: Callable[[str], str] | None = None,
    progress: BuildProgress = no_progress,
) -> Machine:
    """Open a machine for a network; it is not programmed yet.

    Parameters
    ----------
    on : str
        ``golden``, ``virtual``, ``auto`` or a serial port.
    network : Network
        What it shall run; the virtual board is built for it, a real one must fit it.
    profile : HardwareProfile, optional
        The virtual board's lanes and widths.
    uart : bool
        Speak to the virtual board through its UART's pins, bit by bit.
    baud : int
        Bits a second of a serial port, or of the virtual board's UART.
    clock_error : float
        Percent by which the host's bits are longer than the virtual board's.
    frequency : int
        Clock in Hz that the virtual board's UART divides.
    trace : tuple of Path and int, optional
        See `allspin.host.link.virtual.board.VirtualTransport`.
    mutate : callable, optional
        See `allspin.boards.virtual.build.build`.
    progress : callable
        Told what is being built, and for how many seconds now.

    Raises
    ------
    UserError
        If there is no such machine, or the network does not fit it.
    """
    if on == GOLDEN:
        return GoldenMachine()
    if on == VIRTUAL:
        return _open_virtual(
            network,
            profile,
            _pins(uart, baud, clock_error, frequency),
            trace=trace,
            mutate=mutate,
            progress=progress,
        )
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
    transport = SerialTransport(port, baud)
    try:
        return LinkedMachine(transport)
    except BaseException:
        transport.close()
        raise


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
    fitting = [board for board in boards if board.identity.mismatch(network) is None]
    for board in boards:
        if board not in fitting[:1]:
            board.close()
    if fitting:
        return fitting[0]
    if boards:
        found = "; ".join(f"{board.name} has {board.description}" for board in boards)
        raise UserError(f"no board was built for this network: {found}")
    asked = f"asked {', '.join(answers)}" if answers else "there is no serial port"
    raise UserError(f"no board answers ({asked}); connect one, or run with --on virtual")


@dataclass(frozen=True)
class _Pins:
    """A virtual board's UART: the board's side and, as clocks a bit, the host's."""

    frequency: int
    uart: "UartParameters"
    bit_clocks: float


def _pins(uart: bool, baud: int, clock_error: float, frequency: int) -> _Pins | None:
    if not uart:
        return None
    from allspin.hdl.link.uart import UartParameters

    if not abs(clock_error) <= MAX_CLOCK_ERROR:
        raise UserError(
            f"the clock error must be from {-MAX_CLOCK_ERROR:g} to {MAX_CLOCK_ERROR:g} "
            f"percent, not {clock_error:g}"
        )
    try:
        parameters = UartParameters.from_rates(frequency, baud)
    except ValueError as error:
        raise UserError(str(error)) from error
    return _Pins(frequency, parameters, frequency / baud * (1 + clock_error / 100))


def _open_virtual(
    network: Network,
    profile: HardwareProfile | None,
    pins: _Pins | None,
    *,
    trace: tuple[Path, int] | None,
    mutate: Callable[[str], str] | None,
    progress: BuildProgress,
) -> LinkedMachine:
    program = _virtual_program(network, profile, pins, mutate=mutate, progress=progress)
    transport = VirtualTransport(program, bit_clocks=pins.bit_clocks if pins else None, trace=trace)
    try:
        return LinkedMachine(transport)
    except BaseException:
        transport.close()
        raise


def virtual_program(
    network: Network,
    profile: HardwareProfile | None = None,
    *,
    progress: BuildProgress = no_progress,
) -> Path:
    """The program of a network's virtual board, for `VirtualTransport`.

    Parameters
    ----------
    network, profile, progress
        As of `open_machine`.

    Raises
    ------
    UserError
        If the gateware cannot run the network, or it cannot be compiled.
    """
    return _virtual_program(network, profile, None, mutate=None, progress=progress)


def _virtual_program(
    network: Network,
    profile: HardwareProfile | None,
    pins: _Pins | None,
    *,
    mutate: Callable[[str], str] | None,
    progress: BuildProgress,
) -> Path:
    # Amaranth takes a second to import, which the other machines need not wait for.
    from allspin.boards.top import TopParameters
    from allspin.boards.virtual.build import build

    try:
        parameters = TopParameters.from_network(
            network,
            profile,
            frequency=pins.frequency if pins else 0,
            uart=pins.uart if pins else None,
        )
    except ValueError as error:
        raise UserError(f"the gateware cannot run this network: {error}") from error
    return build(parameters, mutate=mutate, progress=progress)
