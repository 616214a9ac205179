"""The machines that a network can run on, by name, and those behind the link."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.hdl.cache.process import Progress as BuildProgress, no_progress
from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import COUNTERS, ENGINE, WEIGHTS
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.link.answers import Answers, Counters, parse_answers
from allspin.host.link.identity import Identity
from allspin.host.link.image_requests import encode_pixels
from allspin.host.link.memories import COUNTER_BYTES, Memories, crossbar_memories, other_memories
from allspin.host.link.serial_port import DEFAULT_BAUD, SerialTransport, serial_ports, usb_devices
from allspin.host.link.session import NO_PROGRESS, Progress, Session
from allspin.host.link.transport import Transport
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.gateware_chips import ChipMaker
from allspin.host.machines.machine import GoldenMachine, Machine
from allspin.host.machines.resident import ResidentImages
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError, meant, refused
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import in_line
from allspin.sim.programming.schemes import Programming
from allspin.sim.systems import naming_extras

BATCH = 4096
"""Images coded at a time; it bounds the memory that intermediate arrays take."""


class LinkedMachine(Memories, Machine):
    """A machine that speaks the link protocol: a board, or one that is simulated.

    Parameters
    ----------
    transport : Transport
        The stream to it; `close` closes it, and so does what is raised here.

    Attributes
    ----------
    name : str
        What messages call the machine.
    identity : Identity
        What it said of itself.

    Raises
    ------
    UserError
        If nothing that speaks the protocol answers.
    """

    reads_words = True

    def __init__(self, transport: Transport) -> None:
        self.name = transport.name
        self._transport = transport
        self.session = Session(transport)
        try:
            self.reopen()
        except BaseException:
            transport.close()
            raise

    def reopen(self) -> None:
        """Open the session, and read what the machine is; see `Machine.reopen`."""
        body, self.running, self.loaded = self.session.open(), None, ()
        with refused(f"{self.name} cannot be used: "):
            self.identity = Identity.parse(body)
        self.session.line.window = self.identity.window
        self.frequency = self.identity.frequency or None
        if self.frequency is None:
            self.session.slowness = self._transport.simulation
        self.description = str(self.identity)

    def held(self, network: Network) -> Network:
        """A network that fits, as it lies in the machine."""
        return self.identity.fitted(network)

    @property
    def profile(self) -> HardwareProfile:
        """The most lanes of its layers, the rows that it drives in a clock, and what it keeps."""
        return HardwareProfile(
            states=Feature.STATES in self.identity.features,
            lanes=max(layer.lanes for layer in self.identity.layers),
            rows_per_clock=self.identity.layers[0].rows_per_clock,
        )

    @property
    def baud(self) -> int | None:
        """Bits a second of the serial port that it is on."""
        return self._transport.baud

    @property
    def resent(self) -> int:
        """Requests that had to be sent again so far."""
        return self.session.line.resent

    @property
    def damaged(self) -> int:
        """Frames that came damaged so far, here or there."""
        return self.session.line.damaged

    def close(self) -> None:
        """Let go of the machine."""
        self._transport.close()

    def program(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Write a network's weights, tables and converters, and clear the counters.

        Parameters
        ----------
        network : Network
            It must fit the machine.
        progress : callable
            Called with the number of frames answered.

        Raises
        ------
        UserError
            If the network does not fit, or the machine does not answer.
        """
        self.check(network)
        self.session.line.forget_lost()
        self.write_memories(
            [
                *crossbar_memories(network, self.identity),
                *other_memories(network, self.identity),
            ],
            progress,
        )
        self.running = network
        self.clear_counters()

    def read_words(self, layer: int) -> npt.NDArray[np.int8]:
        """Read the R_AH words of a crossbar back.

        Returns
        -------
        ndarray of int8, shape (rows, columns)
        """
        layers = (self.running or self.identity).layers
        return self.read_rows(layer, 0, layers[layer].rows)

    def read_rows(self, layer: int, first: int, count: int) -> npt.NDArray[np.int8]:
        """Read the R_AH words of some rows of a crossbar back.

        Parameters
        ----------
        layer : int
            The crossbar; of the network that was programmed, if one was.
        first, count : int
            The first row, and how many.

        Returns
        -------
        ndarray of int8, shape (count, columns)
        """
        place = layer if self.running is None else self.identity.places(self.running)[layer]
        columns = self.identity.layers[place].columns
        content = self.read_back(place << 4 | WEIGHTS, first, count, columns)
        words = np.frombuffer(content, np.int8).reshape(count, columns)
        return words[:, : (self.running or self.identity).layers[layer].columns]

    def chip_maker(
        self, network: Network, made_of: Device, programming: Programming | None
    ) -> ChipMaker:
        """What makes chips on it; see `allspin.host.machines.machine.Machine.chip_maker`."""
        return ChipMaker(self, network, made_of, programming)

    def resident_images(self) -> ResidentImages:
        """The images that it keeps; raises a `UserError` if it was built without a memory."""
        return ResidentImages(self)

    def start_stopwatch(self) -> None:
        """Let the next request's first byte start the count of `elapsed_clocks`."""
        self._transport.start_stopwatch()

    def elapsed_clocks(self) -> int | None:
        """Clocks from the stopwatch's start to the last answer's end, in simulated time."""
        return self._transport.elapsed_clocks()

    def counters(self) -> Counters:
        """Read all counters."""
        running, identity = self.running, self.identity
        every = range(len(identity.layers))
        places = every if running is None else identity.places(running)
        (cycles, images), *layers = (
            np.frombuffer(
                self.read_back(space << 4 | COUNTERS, 0, 2, COUNTER_BYTES), dtype="<u8"
            ).tolist()
            for space in (ENGINE, *places)
        )
        rows, neurons = zip(*layers, strict=True)
        return Counters(cycles, images, rows, neurons)

    def stream(
        self,
        images: npt.NDArray[np.uint8],
        progress: Progress = NO_PROGRESS,
        first: int = 0,
    ) -> Answers:
        """Run images, several under way at a time.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        progress : callable
            Called with the number of images answered.
        first : int
            Number of the first image, where neurons or sums have noise at each use.

        Raises
        ------
        UserError
            If the machine dies, falls silent or refuses an image.
        ValueError
            If the images have not the first layer's pixels, or channels elsewhere.
        """
        shape, pixel_bits, classes = self.shown
        images = in_line(images, shape)
        self.start_stopwatch()
        numbered = bool(self.identity.features & (Feature.USE_NOISE | Feature.SUM_NOISE))
        widths = pixel_bits, self.identity.pixel_bits
        bodies = _image_bodies(images, widths, first if numbered else None)
        kind = Request.NUMBERED if numbered else Request.IMAGE
        answers = self.session.ask(kind, bodies, progress)
        size = self.identity.answer_bytes
        if any(len(answer) != size for answer in answers):
            raise UserError(f"{self.name} answered an image with other than {size} bytes")
        answer = parse_answers(b"".join(answers), self.identity, classes)
        return replace(answer, clocks=self.elapsed_clocks())


def _image_bodies(
    images: npt.NDArray[np.uint8], widths: tuple[int, int], number: int | None
) -> Iterator[bytes]:
    """Bodies of IMAGE requests, coded a batch at a time; `number` is the first image's."""
    for start in range(0, len(images), BATCH):
        bodies = encode_pixels(images[start : start + BATCH], *widths)
        for place, body in enumerate(bodies, start):
            yield body if number is None else (number + place).to_bytes(4, "little") + body


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
