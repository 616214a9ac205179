"""Resident images: kept on the board, and run there as often as chips change."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature, Request
from allspin.hdl.parameters.memory_map import (
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    RESIDENT_LOGITS,
    RESIDENT_RUN,
)
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES, ResidentParameters
from allspin.hdl.parameters.sdram_parameters import SLOWEST_256M, SdramParameters
from allspin.hdl.resident.packing import pack_words
from allspin.host.link.answers import Answers, parse_answers
from allspin.host.link.identity import Identity
from allspin.host.link.line import Undone
from allspin.host.link.memories import Memories, line_address
from allspin.host.link.session import NO_PROGRESS, Group, Progress
from allspin.host.machines.image_beats import pack_images
from allspin.sim.errors import UserError
from allspin.sim.network.pixels import in_line, quantise_pixels

VIRTUAL_RESIDENT = ResidentParameters(beats=65535, images=16384)
"""Of the virtual board: as many beats as the link can address."""
VIRTUAL_SDRAM = ResidentParameters.of(
    SdramParameters.of(replace(SLOWEST_256M, row_bits=9), 100_000_000)
)
"""The same with its images in a simulated SDRAM: room for 15,000 images of MNIST."""
SLOWEST = 1e5
"""Cycles a second that any machine simulates."""
_ORDER = struct.Struct("<HI10x")
_COUNTS = struct.Struct("<IIQ")
_DIGESTED = struct.Struct("<HHHHII")
"""Counts with a CRC-32 in between, its low half first, of all words of an SDRAM as played; then
cycles, and the CRC-32 of all logits."""


@dataclass(frozen=True)
class ResidentCounts:
    """What a run over resident images came to.

    Attributes
    ----------
    images : int
        Images classified.
    correct : int
        Those whose class is their label.
    cycles : int
        Clocks from the first image's first beat to the last one's result.
    digest : int or None
        CRC-32 of all logits in order, as of `logits_digest`; None where a machine has none, and of
        several batches.
    """

    images: int
    correct: int
    cycles: int
    digest: int | None = None

    @property
    def accuracy(self) -> float:
        """Share of the images that are classified as labelled."""
        return self.correct / self.images

    @property
    def cycles_per_image(self) -> float:
        """Cycles per image, the pipeline's filling included."""
        return self.cycles / self.images

    def __add__(self, other: "ResidentCounts") -> "ResidentCounts":
        return ResidentCounts(
            self.images + other.images,
            self.correct + other.correct,
            self.cycles + other.cycles,
            None if self.images else other.digest,
        )


def logits_digest(logits: npt.NDArray[np.integer], identity: Identity) -> int:
    """CRC-32 of logits as a machine sends them, images in order."""
    wide = np.ascontiguousarray(logits, "<i8").view(np.uint8).reshape(-1, 8)
    return zlib.crc32(wide[:, : identity.logit_bytes].tobytes())


class ResidentImages:
    """The images that a machine keeps.

    Parameters
    ----------
    machine : Memories
        A machine that can keep images.

    Attributes
    ----------
    count : int
        Images that it holds now.

    Raises
    ------
    UserError
        If it cannot.
    """

    def __init__(self, machine: Memories) -> None:
        if not machine.identity.features & Feature.RESIDENT:
            raise UserError(
                f"{machine.name} keeps no images; let them be streamed, or build it with a memory "
                "for them"
            )
        self._machine = machine
        self.count = 0
        self._cycles = 0  # of a run at most
        self._digest: int | None = None  # of the images in an SDRAM

    def load(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = NO_PROGRESS,
    ) -> int:
        """Send as many images as fit, with their labels, unless they lie there already.

        That these very images were sent last is known by their digest, and that they still lie
        there as follows. An SDRAM's words are checked here and by each run. A reset, and another
        program, are told by each answer's session, and the machine is opened anew then. For
        images in block RAMs no frame may have come damaged, late or again since they were sent.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        labels : ndarray of int, shape (images,)
            Their classes.
        progress : callable
            Called with the number of requests answered.

        Returns
        -------
        int
            How many fit; they are the first ones.

        Raises
        ------
        UserError
            If not even one fits, or the machine refuses.
        ValueError
            If the images have not the first layer's pixels, or channels elsewhere, or there are not
            as many labels.
        """
        identity = self._machine.identity
        shape, pixel_bits, _ = self._machine.shown
        images = images[: identity.resident_images]
        if len(labels) < len(images):
            raise ValueError(f"there are {len(images)} images and {len(labels)} labels")
        values = quantise_pixels(in_line(images, shape), pixel_bits)
        classes = np.asarray(labels[: len(images)], dtype="<u2")
        in_sdram = Feature.SDRAM in identity.features
        asked = hashlib.sha256(repr(values.shape).encode() + values.tobytes() + classes.tobytes())
        self.count, line = 0, self._machine.session.line
        if self._machine.loaded[3:] != (asked.digest(), in_sdram or line.mishaps):
            sent = self._send(values, classes, in_sdram, progress)
            self._machine.loaded = (*sent, asked.digest(), in_sdram or line.mishaps)
        self.count, self._cycles, self._digest = self._machine.loaded[:3]
        if in_sdram:
            self._check()
        return self.count

    def _send(
        self,
        values: npt.NDArray[np.uint8],
        classes: npt.NDArray[np.uint16],
        in_sdram: bool,
        progress: Progress,
    ) -> tuple[int, int, int | None]:
        """Send as many as fit: how many, the cycles of a run at most, and the words' CRC-32."""
        identity = self._machine.identity
        first = identity.layers[0]
        if in_sdram:
            room, unit = identity.resident_beats * SDRAM_LINE_BYTES // 2, "words"
            lines, beats = pack_words(values, classes, identity.pixel_bits)
        else:
            room, unit = identity.resident_beats, "beats"
            lines, beats = pack_images(
                values, first.rows_per_clock, identity.pixel_bits, first.tile_rows
            )
        ends = np.cumsum(beats)
        count = int(np.searchsorted(ends, room, side="right"))
        if count == 0:
            raise UserError(
                f"{self._machine.name} has room for {room} {unit} of images, "
                f"and the first image takes {beats[0]}"
                if len(values)
                else "there is no image to keep"
            )
        self._machine.session.line.forget_lost()
        kept = lines[: ends[count - 1]]
        memories = {LABELS: classes[:count, np.newaxis].view(np.uint8)}
        digest = None
        if in_sdram:
            digest, memories = zlib.crc32(kept.tobytes()), {}
            kept = np.pad(kept, (0, -len(kept) % (SDRAM_LINE_BYTES // 2)))
            kept = kept.view(np.uint8).reshape(-1, SDRAM_LINE_BYTES)
        lines_of = {RESIDENT_BEATS: kept, **memories}.items()
        self._machine.write_memories([(ENGINE << 4 | at, own) for at, own in lines_of], progress)
        return count, _cycles_at_most(identity, int(ends[count - 1]), count), digest

    def _check(self) -> None:
        """Have all words read on the board: to answer its last image, it passes over the others."""
        logits = line_address(ENGINE << 4 | RESIDENT_LOGITS, self.count - 1)
        counts = line_address(ENGINE << 4 | RESIDENT_RUN, 0)
        one = (1).to_bytes(2, "little")
        group: Group = [(Request.READ, logits + one), (Request.READ, counts + one)]
        ((_, line),) = self._machine.session.ask_groups([group], seconds=self.seconds)
        self._compared(line)

    def _compared(self, line: bytes) -> ResidentCounts:
        """What was counted, if the words that were played last are those that were sent."""
        images, low, correct, high, cycles, logits = _DIGESTED.unpack(line)
        if self._digest != low | high << 16:
            self._machine.loaded = ()
            raise Undone(
                f"the images in {self._machine.name}'s SDRAM are not those that were sent; "
                "run this again, and if it stays so, its SDRAM is faulty"
            )
        return ResidentCounts(images, correct, cycles, logits)

    def batches(
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]
    ) -> Iterator[range]:
        """Load all images one batch after another, each of as many as fit.

        Parameters
        ----------
        images, labels
            As of `load`.

        Yields
        ------
        range
            Numbers of the images that are held now; whoever takes it runs them.

        Raises
        ------
        UserError, ValueError
            As of `load`.
        """
        first = 0
        while first < len(images):
            held = range(first, first + self.load(images[first:], labels[first:]))
            yield held
            first = held.stop

    def run_all(
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]
    ) -> ResidentCounts:
        """Load and run all images, in batches of as many as fit.

        Parameters
        ----------
        images, labels
            As of `load`.

        Raises
        ------
        UserError, ValueError
            As of `load` and `run`.
        """
        counts = ResidentCounts(0, 0, 0)
        for batch in self.batches(images, labels):
            counts += self.run(first=batch.start)
        return counts

    def run(self, *, first: int = 0) -> ResidentCounts:
        """Run all images that it holds on the board alone.

        Parameters
        ----------
        first : int
            Number of the first one, which the noise of neurons is drawn by, as in
            `allspin.sim.network.golden.GoldenModel.logits`; it holds for `logits` too.

        Raises
        ------
        UserError
            If the machine answered another number of images than it was asked for.
        """
        group = self.requests(first)
        ((_, line),) = self._machine.session.ask_groups([group], seconds=self.seconds)
        return self.counts(line)

    @property
    def seconds(self) -> float:
        """What a run of all images may take."""
        return self._cycles / (self._machine.identity.frequency or SLOWEST)

    def requests(self, first: int) -> Group:
        """A run of all images and the READ of its counts, as requests of a group.

        Parameters
        ----------
        first : int
            As of `run`.
        """
        line = line_address(ENGINE << 4 | RESIDENT_RUN, 0)
        return [
            (Request.WRITE, line + _ORDER.pack(self.count, first)),
            (Request.READ, line + (1).to_bytes(2, "little")),
        ]

    def counts(self, line: bytes) -> ResidentCounts:
        """What a READ of a run's counts has given; raises a `UserError` as `run` does."""
        if len(line) != _COUNTS.size:
            raise UserError(f"{self._machine.name} answered with other than its counts")
        counts = ResidentCounts(*_COUNTS.unpack(line))
        if self._digest is not None:
            counts = self._compared(line)
        if counts.images != self.count:
            raise UserError(
                f"{self._machine.name} ran {counts.images} resident images, not {self.count}; "
                "was it reset?"
            )
        return counts

    def logits(self) -> Answers:
        """What the machine answered to the images that it holds."""
        identity = self._machine.identity
        space = ENGINE << 4 | RESIDENT_LOGITS
        content = self._machine.read_back(space, 0, self.count, identity.answer_bytes)
        return parse_answers(content, identity, self._machine.shown[2])


def _cycles_at_most(identity: Identity, beats: int, images: int) -> int:
    """Cycles that a run takes at most: as if no two layers ever worked at the same time."""
    cycles = beats + images
    for layer in identity.layers:
        pass_clocks = (layer.rows + 1) * -(-layer.columns // layer.lanes) + layer.columns
        cycles += images * (layer.inputs + layer.kind.positions * pass_clocks)
    return cycles
