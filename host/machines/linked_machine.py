"""A machine behind the link: a board, or one that is simulated."""

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
        body = self.session.open()
        self.running = None
        self.loaded = ()
        self.forget_states()
        with refused(f"{self.name} cannot be used: "):
            self.identity = Identity.parse(body)
        self.session.line.window = self.identity.window
        self.frequency = self.identity.frequency or None
        if self.frequency is None:
            self.session.slowness = self._transport.simulation
        self.description = str(self.identity)

    @property
    def fitted_network(self) -> Network | None:
        """Network that runs, in the sizes of the machine; None before one is loaded."""
        return None if self.running is None else self.identity.fitted(self.running)

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
