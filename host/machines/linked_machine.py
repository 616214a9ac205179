"""A machine behind the link: a board, or a simulated one."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import COUNTERS, ENGINE, WEIGHTS
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.answers import (
    Answers,
    Counters,
    parse_answers,
)
from allspin.host.link.identity import Identity
from allspin.host.link.image_requests import (
    encode_pixels,
)
from allspin.host.link.memories import (
    COUNTER_BYTES,
)
from allspin.host.link.session import NO_PROGRESS, Progress, Session
from allspin.host.link.transport import Transport
from allspin.host.machines.chip_memories import ChipMemories
from allspin.host.machines.machine import Machine
from allspin.host.machines.resident import ResidentImages
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import in_line
from allspin.sim.programming.program import ProgrammedChip

BATCH = 4096
"""Images coded at a time; it bounds the memory that intermediate arrays take."""


class LinkedMachine(ChipMemories, Machine):
    """A machine that speaks the link protocol: a board, or a simulated one.

    Parameters
    ----------
    transport : Transport
        Stream to the machine; closed by `close`, and if the constructor raises.

    Attributes
    ----------
    name : str
        Name of the machine in messages.
    identity : Identity
        Identity that the machine answered.

    Raises
    ------
    UserError
        If no machine answers in the protocol.
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
        """Open the session, and read the machine's identity; see `Machine.reopen`."""
        body = self.session.open()
        self.running = None
        self.loaded = None
        self.forget_states()
        with refused(f"{self.name} cannot be used: "):
            self.identity = Identity.parse(body)
        self.session.line.window = self.identity.window
        self.frequency = self.identity.frequency or None
        if self.frequency is None:
            self.session.slowness = self._transport.simulation
        self.description = str(self.identity)

    def fitted(self, network: Network) -> Network:
        """Pad a network to the machine's sizes."""
        return self.identity.fitted(network)

    @property
    def fitted_network(self) -> Network | None:
        """Network that is loaded, in the machine's sizes; None before the first."""
        return None if self.running is None else self.fitted(self.running)

    @property
    def profile(self) -> HardwareProfile:
        """Most lanes of a layer, rows per clock, and whether the memories keep states."""
        return HardwareProfile(
            states=Feature.STATES in self.identity.features,
            lanes=max(layer.lanes for layer in self.identity.layers),
            rows_per_clock=self.identity.layers[0].rows_per_clock,
        )

    @property
    def baud(self) -> int | None:
        """Bits a second of the machine's serial port."""
        return self._transport.baud

    @property
    def resent(self) -> int:
        """Number of requests sent again so far."""
        return self.session.line.resent

    @property
    def damaged(self) -> int:
        """Number of damaged frames so far, received by host or machine."""
        return self.session.line.damaged

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def read_words(self, layer: int) -> npt.NDArray[np.int8]:
        """Read back the R_AH words of a crossbar.

        Returns
        -------
        ndarray of int8, shape (rows, columns)
        """
        layers = (self.running or self.identity).layers
        return self.read_rows(layer, 0, layers[layer].rows)

    def read_rows(self, layer: int, first: int, count: int) -> npt.NDArray[np.int8]:
        """Read back the R_AH words of some rows of a crossbar.

        Parameters
        ----------
        layer : int
            Number of the crossbar in the loaded network; in the machine if no network is loaded.
        first, count : int
            Number of the first row, and count of rows.

        Returns
        -------
        ndarray of int8, shape (count, columns)
        """
        place = layer if self.running is None else self.identity.places(self.running)[layer]
        columns = self.identity.layers[place].columns
        content = self.read_back(place << 4 | WEIGHTS, first, count, columns)
        words = np.frombuffer(content, np.int8).reshape(count, columns)
        return words[:, : (self.running or self.identity).layers[layer].columns]

    def score_chips(
        self,
        chips: Iterable[ProgrammedChip],
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = NO_PROGRESS,
    ) -> Iterator[int]:
        """Show all images to each of several chips; see `Machine.score_chips`."""
        chips = iter(chips)
        ahead = list(itertools.islice(chips, 2))
        chips = itertools.chain(ahead, chips)
        if len(ahead) == 2 and self.classifies_together(ahead[0]):
            for counts in self.classify_together(chips, images, labels, progress):
                yield counts.correct
        else:
            yield from super().score_chips(chips, images, labels, progress)

    def resident_images(self) -> ResidentImages:
        """Return the resident images; raise a `UserError` if the machine cannot keep any."""
        return ResidentImages(self)

    def start_stopwatch(self) -> None:
        """Start the count of `elapsed_clocks` at the first byte of the next request."""
        self._transport.start_stopwatch()

    def elapsed_clocks(self) -> int | None:
        """Return the simulated clocks from the stopwatch's start to the last answer's end."""
        return self._transport.elapsed_clocks()

    def counters(self) -> Counters:
        """Read all counters."""
        if self.running is None:
            places = [*range(len(self.identity.layers))]
        else:
            places = [*self.identity.places(self.running)]
        cycles, images = self._read_counters(ENGINE)
        layers = [self._read_counters(place) for place in places]
        rows, neurons = zip(*layers, strict=True)
        return Counters(cycles, images, rows, neurons)

    def _read_counters(self, part: int) -> tuple[int, int]:
        """Read the two counters of the engine or of a layer."""
        content = self.read_back(part << 4 | COUNTERS, 0, 2, COUNTER_BYTES)
        first, second = np.frombuffer(content, dtype="<u8").tolist()
        return first, second

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
            Number of the first image, which names its noise if neurons or sums have noise at each
            use.

        Raises
        ------
        UserError
            If the machine stops, does not answer or refuses an image.
        ValueError
            If the shape of the images is not that of the first layer.
        """
        shape, pixel_bits, classes = self.shown
        images = in_line(images, shape)
        self.start_stopwatch()
        numbered = bool(self.identity.features & (Feature.USE_NOISE | Feature.SUM_NOISE))
        widths = (pixel_bits, self.identity.pixel_bits)
        bodies = _image_bodies(images, widths, first if numbered else None)
        kind = Request.NUMBERED if numbered else Request.IMAGE
        answers = self.session.ask(kind, bodies, progress)
        size = self.identity.answer_bytes
        if any(len(answer) != size for answer in answers):
            raise UserError(f"{self.name} did not answer each image with {size} bytes")
        answer = parse_answers(b"".join(answers), self.identity, classes)
        return replace(answer, clocks=self.elapsed_clocks())


def _image_bodies(
    images: npt.NDArray[np.uint8], widths: tuple[int, int], number: int | None
) -> Iterator[bytes]:
    """Yield bodies of IMAGE requests, coded a batch at a time; `number` is the first image's."""
    for start in range(0, len(images), BATCH):
        bodies = encode_pixels(images[start : start + BATCH], *widths)
        for place, body in enumerate(bodies, start):
            yield body if number is None else (number + place).to_bytes(4, "little") + body
