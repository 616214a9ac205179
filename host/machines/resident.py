"""Resident images: kept on the board, and run there by one request, for one chip after another."""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

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
from allspin.host.link.memories import Memories, Memory, line_address
from allspin.host.link.session import NO_PROGRESS, Group, Progress
from allspin.host.machines.image_beats import pack_images
from allspin.sim.errors import UserError
from allspin.sim.network.pixels import in_line, quantise_pixels

VIRTUAL_RESIDENT = ResidentParameters(beats=65535, images=16384)
"""Memory of the virtual board, with as many beats as the link can address."""
VIRTUAL_SDRAM = ResidentParameters.of(
    SdramParameters.of(replace(SLOWEST_256M, row_bits=9), 100_000_000)
)
"""Memory of the virtual board in a simulated SDRAM, with room for 15,000 images of MNIST."""
SLOWEST = 1e5
"""Cycles a second that every simulated machine reaches."""
_ORDER = struct.Struct("<HI10x")
"""Request of a run: number of images, and number of the first."""
_COUNTS = struct.Struct("<IIQ")
"""Counts of a run: images, correct classes, cycles."""
_DIGESTED = struct.Struct("<HHHHII")
"""Counts of a run from an SDRAM: images, low half of the words' CRC-32, correct classes, high half,
cycles, and the CRC-32 of all logits."""


@dataclass(frozen=True)
class ResidentCounts:
    """Counts of a run over resident images.

    Attributes
    ----------
    images : int
        Images classified.
    correct : int
        Images whose class is their label.
    cycles : int
        Clocks from the first beat of the first image to the result of the last.
    digest : int or None
        CRC-32 of all logits in order, as `logits_digest` computes it; None for several batches,
        or if the machine computes no digest.
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
        """Cycles per image, including those that fill the pipeline."""
        return self.cycles / self.images

    def __add__(self, other: "ResidentCounts") -> "ResidentCounts":
        return ResidentCounts(
            self.images + other.images,
            self.correct + other.correct,
            self.cycles + other.cycles,
            None if self.images else other.digest,
        )


@dataclass(frozen=True)
class KeptImages:
    """Images in a machine's memory, as they were sent.

    Attributes
    ----------
    count : int
        Number of the images.
    cycles : int
        Upper bound of the cycles of a run.
    digest : int or None
        CRC-32 of the words in an SDRAM; None for block RAMs.
    key : bytes
        SHA-256 of all images and labels that the machine was asked to keep.
    mishaps : tuple of int or None
        Counts of mishaps on the line when the last image was written; None for an SDRAM, whose
        words the board checks itself.
    """

    count: int
    cycles: int
    digest: int | None
    key: bytes
    mishaps: tuple[int, int, int] | None = None


NO_IMAGES = KeptImages(count=0, cycles=0, digest=None, key=b"")
"""Empty memory of images."""


def logits_digest(logits: npt.NDArray[np.integer], identity: Identity) -> int:
    """Compute the CRC-32 of logits as a machine sends them, images in order."""
    wide = np.ascontiguousarray(logits, "<i8").view(np.uint8).reshape(-1, 8)
    return zlib.crc32(wide[:, : identity.logit_bytes].tobytes())


class ResidentImages:
    """Images that a machine keeps in its memory.

    Parameters
    ----------
    machine : Memories
        Machine with a memory of images.

    Raises
    ------
    UserError
        If the machine has no memory of images.
    """

    def __init__(self, machine: Memories) -> None:
        if not machine.identity.features & Feature.RESIDENT:
            raise UserError(
                f"{machine.name} keeps no images; let them be streamed, or build it with a memory "
                "for them"
            )
        self._machine = machine
        self._kept = NO_IMAGES

    @property
    def count(self) -> int:
        """Number of images in the memory."""
        return self._kept.count

    @property
    def _in_sdram(self) -> bool:
        """True if the memory of images is an SDRAM."""
        return Feature.SDRAM in self._machine.identity.features

    def load(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = NO_PROGRESS,
    ) -> int:
        """Send as many images as fit, with their labels, unless the machine has them already.

        A digest tells whether these images were sent last. Three checks tell whether the memory
        still holds them: the board checks an SDRAM's words here and in each run; the session
        number of each answer changes with a reset or another host program, and the machine is
        then opened anew; and images in block RAMs are sent again after any frame that was
        damaged, late or repeated.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        labels : ndarray of int, shape (images,)
            Classes of the images.
        progress : callable
            Called with the number of requests answered.

        Returns
        -------
        int
            Number of images that fit, counted from the first.

        Raises
        ------
        UserError
            If no image fits, or the machine refuses.
        ValueError
            If the shape of the images is not that of the first layer, or labels are missing.
        """
        identity = self._machine.identity
        shape, pixel_bits, _ = self._machine.shown
        images = images[: identity.resident_images]
        if len(labels) < len(images):
            raise ValueError(f"there are {len(images)} images and {len(labels)} labels")
        values = quantise_pixels(in_line(images, shape), pixel_bits)
        classes = np.asarray(labels[: len(images)], dtype="<u2")
        key = hashlib.sha256(repr(values.shape).encode() + values.tobytes() + classes.tobytes())
        self._kept = NO_IMAGES
        kept: KeptImages | None = self._machine.loaded
        if kept is None or kept.key != key.digest() or kept.mishaps != self._mishaps():
            kept = self._send(values, classes, key.digest(), progress)
            self._machine.loaded = kept
        self._kept = kept
        if self._in_sdram:
            self._check_sdram()
        return self.count

    def _mishaps(self) -> tuple[int, int, int] | None:
        """Return the counts of mishaps on the line; None for an SDRAM."""
        return None if self._in_sdram else self._machine.session.line.mishaps

    def _send(
        self,
        values: npt.NDArray[np.uint8],
        classes: npt.NDArray[np.uint16],
        key: bytes,
        progress: Progress,
    ) -> KeptImages:
        """Send as many images as fit."""
        identity = self._machine.identity
        if self._in_sdram:
            room = identity.resident_beats * SDRAM_LINE_BYTES // 2
            unit = "words"
            lines, beats = pack_words(values, classes, identity.pixel_bits)
        else:
            room = identity.resident_beats
            unit = "beats"
            first = identity.layers[0]
            lines, beats = pack_images(
                values, first.rows_per_clock, identity.pixel_bits, first.tile_rows
            )
        if not len(values):
            raise UserError("there is no image to keep")
        ends = np.cumsum(beats)
        count = int(np.searchsorted(ends, room, side="right"))
        if count == 0:
            raise UserError(
                f"{self._machine.name} has room for {room} {unit} of images, "
                f"and the first image takes {beats[0]}"
            )
        self._machine.session.line.forget_lost()
        end = int(ends[count - 1])
        digest = zlib.crc32(lines[:end].tobytes()) if self._in_sdram else None
        self._machine.write_memories(self._memories(lines[:end], classes[:count]), progress)
        cycles = _cycles_at_most(identity, end, count)
        return KeptImages(count, cycles, digest, key, self._mishaps())

    def _memories(self, lines: npt.NDArray[Any], classes: npt.NDArray[np.uint16]) -> list[Memory]:
        """Return the memories of images and labels; an SDRAM has the labels among its words."""
        if self._in_sdram:
            padded = np.pad(lines, (0, -len(lines) % (SDRAM_LINE_BYTES // 2)))
            sdram = padded.view(np.uint8).reshape(-1, SDRAM_LINE_BYTES)
            return [(ENGINE << 4 | RESIDENT_BEATS, sdram)]
        labels = classes[:, np.newaxis].view(np.uint8)
        return [(ENGINE << 4 | RESIDENT_BEATS, lines), (ENGINE << 4 | LABELS, labels)]

    def _check_sdram(self) -> None:
        """Let the board read all words of its SDRAM: logits of the last image need them all."""
        logits = line_address(ENGINE << 4 | RESIDENT_LOGITS, self.count - 1)
        counts = line_address(ENGINE << 4 | RESIDENT_RUN, 0)
        one = (1).to_bytes(2, "little")
        group: Group = [(Request.READ, logits + one), (Request.READ, counts + one)]
        ((_, line),) = self._machine.session.ask_groups([group], seconds=self.seconds)
        self._checked_counts(line)

    def _checked_counts(self, line: bytes) -> ResidentCounts:
        """Return the counts of a run; raise `Undone` if the SDRAM's words are not those sent."""
        images, low, correct, high, cycles, logits = _DIGESTED.unpack(line)
        if self._kept.digest != low | high << 16:
            self._machine.loaded = None
            raise Undone(
                f"the images in {self._machine.name}'s SDRAM are not those that were sent; "
                "run this again, and if it stays so, its SDRAM is faulty"
            )
        return ResidentCounts(images, correct, cycles, logits)

    def batches(
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]
    ) -> Iterator[range]:
        """Load all images in batches of as many as fit; the caller runs each batch.

        Parameters
        ----------
        images, labels
            Images and their classes, as for `load`.

        Yields
        ------
        range
            Numbers of the images in the memory.

        Raises
        ------
        UserError, ValueError
            See `load`.
        """
        first = 0
        while first < len(images):
            batch = range(first, first + self.load(images[first:], labels[first:]))
            yield batch
            first = batch.stop

    def run_all(
        self, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]
    ) -> ResidentCounts:
        """Load and run all images, in batches of as many as fit.

        Parameters
        ----------
        images, labels
            Images and their classes, as for `load`.

        Raises
        ------
        UserError, ValueError
            See `load` and `run`.
        """
        counts = ResidentCounts(0, 0, 0)
        for batch in self.batches(images, labels):
            counts += self.run(first=batch.start)
        return counts

    def run(self, *, first: int = 0) -> ResidentCounts:
        """Run all images in the memory without the host.

        Parameters
        ----------
        first : int
            Number of the first image, which names the noise of its neurons as in
            `allspin.sim.network.golden.GoldenModel.logits`; `logits` uses it too.

        Raises
        ------
        UserError
            If the machine ran another number of images.
        """
        group = self.requests(first)
        ((_, line),) = self._machine.session.ask_groups([group], seconds=self.seconds)
        return self.counts(line)

    @property
    def seconds(self) -> float:
        """Upper bound of the seconds of a run."""
        return self._kept.cycles / (self._machine.identity.frequency or SLOWEST)

    def requests(self, first: int) -> Group:
        """Return a group of requests: a run of all images, and the READ of its counts.

        Parameters
        ----------
        first : int
            Number of the first image, as for `run`.
        """
        line = line_address(ENGINE << 4 | RESIDENT_RUN, 0)
        return [
            (Request.WRITE, line + _ORDER.pack(self.count, first)),
            (Request.READ, line + (1).to_bytes(2, "little")),
        ]

    def counts(self, line: bytes) -> ResidentCounts:
        """Return the counts that a READ answered; raises a `UserError` as `run` does."""
        if len(line) != _COUNTS.size:
            raise UserError(f"{self._machine.name} answered {len(line)} bytes in place of counts")
        if self._kept.digest is None:
            counts = ResidentCounts(*_COUNTS.unpack(line))
        else:
            counts = self._checked_counts(line)
        if counts.images != self.count:
            raise UserError(
                f"{self._machine.name} ran {counts.images} resident images, not {self.count}; "
                "was it reset?"
            )
        return counts

    def logits(self) -> Answers:
        """Read the logits and classes of the images in the memory."""
        identity = self._machine.identity
        space = ENGINE << 4 | RESIDENT_LOGITS
        content = self._machine.read_back(space, 0, self.count, identity.answer_bytes)
        return parse_answers(content, identity, self._machine.shown[2])


def _cycles_at_most(identity: Identity, beats: int, images: int) -> int:
    """Compute an upper bound of a run's cycles, for layers that never work at the same time."""
    cycles = beats + images
    for layer in identity.layers:
        pass_clocks = (layer.rows + 1) * -(-layer.columns // layer.lanes) + layer.columns
        cycles += images * (layer.inputs + layer.kind.positions * pass_clocks)
    return cycles
