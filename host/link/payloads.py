"""Memories of a machine behind the link, and what of a network is written to them."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import (
    MAX_RUN,
    MAX_SKIP,
    PACKED_BITS,
    RUN_BITS,
    Feature,
    Request,
)
from allspin.hdl.parameters.memory_map import (
    AMPLIFIERS,
    CONVERTER,
    COUNTERS,
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    SHAPE,
    SHAPE_BYTES,
    SHIFT,
    SUM_NOISE,
    TABLE,
    TILE_OFFSETS,
    USE_NOISE,
    WEIGHTS,
)
from allspin.host.link.frames import encoded_size
from allspin.host.link.identity import Identity
from allspin.host.link.session import NO_PROGRESS, Progress, Session
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.words import OFFSET_BITS
from allspin.sim.errors import UserError, check_range
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.parameters import Brief


@dataclass(frozen=True)
class Counters:
    """The engine's counters, or the difference between two readings.

    Attributes
    ----------
    cycles : int
        Clocks in which at least one image was under way.
    images : int
        Images answered.
    rows : tuple of int
        For each layer, rows driven.
    neurons : tuple of int
        For each layer, neurons used (columns read, in the last).
    """

    cycles: int
    images: int
    rows: tuple[int, ...]
    neurons: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Answers(Brief):
    """What a machine answered to a batch of images.

    Attributes
    ----------
    logits : ndarray of int64, shape (images, classes)
        Column sums of the last layer.
    classes : ndarray of int64, shape (images,)
        The class that the machine chose.
    clocks : int or None
        Clocks from the first byte of the first request to the last byte of the last answer
        where a UART's time is simulated; else None.
    """

    logits: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    clocks: int | None = None


def parse_answers(content: bytes, identity: Identity, classes: int | None = None) -> Answers:
    """What a machine answered to images over the link.

    Parameters
    ----------
    content : bytes
        Logits and class of one image after another, as in the answers to IMAGE requests.
    identity : Identity
        The machine's.
    classes : int, optional
        How many a network has; all of the machine's by default.
    """
    width = identity.logit_bytes
    answers = np.frombuffer(content, dtype=np.uint8).reshape(-1, identity.answer_bytes)
    wide = np.zeros((len(answers), identity.classes, 8), dtype=np.uint8)
    # Into the high bytes, and back by an arithmetic shift: that extends the sign.
    wide[:, :, 8 - width :] = answers[:, :-2].reshape(len(answers), identity.classes, width)
    logits = wide.view("<i8")[:, :, 0] >> 8 * (8 - width)
    winners = answers[:, -2].astype(np.int64) | answers[:, -1].astype(np.int64) << 8
    return Answers(logits[:, :classes].astype(np.int64), winners)


def encode_pixels(
    pixels: npt.NDArray[np.uint8], pixel_bits: int, wire_bits: int | None = None
) -> list[bytes]:
    """Bodies of IMAGE requests of images as a data set has them.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.
    pixel_bits : int
        Width of a row value, 1 to 8.
    wire_bits : int, optional
        The same of the machine; no less.
    """
    values = quantise_pixels(pixels.reshape(len(pixels), -1), pixel_bits)
    return encode_images(values, wire_bits or pixel_bits)


def image_bytes(pixels: npt.NDArray[np.uint8], pixel_bits: int) -> float:
    """Mean bytes of an IMAGE request's body; the parameters are those of `encode_pixels`."""
    return float(np.mean([len(body) for body in encode_pixels(pixels, pixel_bits)]))


def encode_images(values: npt.NDArray[np.uint8], pixel_bits: int) -> list[bytes]:
    """Bodies of IMAGE requests.

    Parameters
    ----------
    values : ndarray of uint8, shape (images, rows)
        Row values, below ``2**pixel_bits``.
    pixel_bits : int
        Width of a row value, 1 to 8.

    Returns
    -------
    list of bytes
        One body an image; no value in it is zero.

    Raises
    ------
    ValueError
        If a value does not fit `pixel_bits`, or `values` is not a matrix.
    """
    check_values(values, pixel_bits)
    packed = pixel_bits <= PACKED_BITS
    images, rows = values.shape
    flat = values.reshape(-1)
    place = np.flatnonzero(flat)
    image = place // rows
    row = place - image * rows

    # Stretches of neighbouring non-zero rows.
    first = np.flatnonzero((np.diff(place, prepend=-2) != 1) | (row == 0))
    length = np.diff(first, append=place.size)

    # Runs: a stretch is cut where it is longer than a run may be. With two values in a byte
    # an even cut leaves no nibble empty, so it is six but for a rest of seven.
    cut = MAX_RUN // 2 * 2 if packed else MAX_RUN
    runs = 1 + np.maximum(0, -(-(length - MAX_RUN) // cut))
    number = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
    start = np.repeat(first, runs) + cut * number  # index into place
    run_length = np.diff(start, append=place.size)
    opens = np.diff(image[start], prepend=-1) != 0
    position = np.where(opens, 0, np.roll(row[start] + run_length, 1))
    skip = row[start] - position

    # Each run: headers that only skip, its own header, its values.
    skips = np.maximum(0, skip - 1) // MAX_SKIP
    run_bytes = skips + 1 + ((run_length + 1) // 2 if packed else run_length)
    header = np.cumsum(run_bytes) - run_bytes + skips
    coded = np.full(int(run_bytes.sum()), MAX_SKIP << RUN_BITS, dtype=np.uint8)
    coded[header] = (skip - skips * MAX_SKIP) << RUN_BITS | run_length
    within = np.arange(place.size) - np.repeat(start, run_length)
    base = np.repeat(header + 1, run_length)
    value = flat[place]
    if packed:
        low = within % 2 == 0
        coded[base[low] + within[low] // 2] = value[low]
        coded[base[~low] + within[~low] // 2] |= value[~low] << 4
    else:
        coded[base + within] = value

    content = coded.tobytes()
    ends = np.cumsum(np.bincount(image[start], run_bytes, images).astype(int)).tolist()
    return [content[a:b] for a, b in itertools.pairwise([0, *ends])]


def check_values(values: npt.NDArray[np.uint8], pixel_bits: int) -> None:
    """Raise `ValueError` unless these are images x rows, of values that fit `pixel_bits`."""
    pixel_bits = check_range("pixel_bits", pixel_bits, 1, 8)
    if values.ndim != 2:
        raise ValueError(f"values must be images x rows, not of shape {values.shape}")
    if values.size and int(values.max()) >> pixel_bits:
        raise ValueError(f"values must be below {2**pixel_bits}, not up to {int(values.max())}")


Memory = tuple[int, npt.NDArray[np.uint8]]
"""A memory's space and its content, shape (lines, bytes of a line)."""
COUNTER_BYTES = 8
SUMS_HAVE_NOISE = 1 << 31
"""Beside the spread of a layer's sums: they have noise, or offsets."""
IMAGE_SPACES = (ENGINE << 4 | RESIDENT_BEATS, ENGINE << 4 | LABELS)
LINES_BYTES = 512
"""Of a frame that carries several lines, at most, about: a lost one is cheap."""


class Memories:
    """What the host writes and reads of a machine: what makes chips is laid upon it, and what
    keeps images.

    Attributes
    ----------
    name : str
        What messages call the machine.
    identity : Identity
        What it said of itself.
    session : Session
        Carries requests to it.
    running : Network or None
        What it was programmed with last, here.
    loaded : tuple
        What images lie there, empty where that is not known: see
        `allspin.host.machines.resident.ResidentImages.load`.
    """

    running: Network | None = None
    loaded: tuple[Any, ...] = ()
    name: str
    identity: Identity
    session: Session

    @property
    def shown(self) -> tuple[tuple[int, ...], int, int]:
        """Shape of an image, bits of its pixels, and classes: of what it runs, or its own."""
        if self.running is None:
            own = self.identity
            return own.layers[0].image_shape, own.pixel_bits, own.classes
        return self.running.image_shape, self.running.pixel_bits, self.running.classes

    def check(self, network: Network) -> None:
        """Raise a `UserError` unless the machine was built for such a network."""
        self.identity.check(self.name, network)

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Write whole memories; all of them are written when this returns.

        The lines of these memories may arrive in any order, so none may act on another: what
        does is written by a call of its own.

        Parameters
        ----------
        memories : iterable of tuple of int and ndarray of uint8, shape (lines, bytes)
            Each one's space and its lines.
        progress : callable
            Called with the number of frames answered.
        """
        self.session.ask(Request.WRITE, self.writes(memories), progress)

    def writes(self, memories: Iterable[Memory]) -> Iterator[bytes]:
        """Bodies of the WRITE requests that write whole memories, each of some lines."""
        for space, lines in memories:
            # Until it is known that all have arrived, nothing is.
            self.loaded = () if space in IMAGE_SPACES else self.loaded
            address = 0
            while address < len(lines):
                step = max(1, (self._frame_bytes() - encoded_size(16)) // lines.shape[1])
                yield line_address(space, address) + lines[address : address + step].tobytes()
                address += step

    def _frame_bytes(self) -> int:
        """Bytes of a frame of several lines: two fit the window, and the line bears it."""
        return min(LINES_BYTES, self.session.line.window // 2, self.session.line.bearable)

    def write(self, space: int, address: int, data: bytes, *, seconds: float = 0.0) -> None:
        """Write whole lines of a memory.

        Parameters
        ----------
        space, address : int
            Which memory, and its first line.
        data : bytes
            One line after another.
        seconds : float
            What the machine may need for what the write sets off.
        """
        self.loaded = () if space in IMAGE_SPACES else self.loaded
        self.session.ask(Request.WRITE, [line_address(space, address) + data], seconds=seconds)

    def read_back(self, space: int, address: int, count: int, line_bytes: int) -> bytes:
        """Read lines of a memory.

        Parameters
        ----------
        space, address : int
            Which memory, and its first line.
        count : int
            Number of lines.
        line_bytes : int
            Bytes of a line.

        Returns
        -------
        bytes
            ``count * line_bytes`` of them.
        """

        def bodies() -> Iterator[bytes]:
            start = address
            while start < address + count:
                step = max(1, self._frame_bytes() // line_bytes)
                step = min(step, address + count - start)
                yield line_address(space, start) + step.to_bytes(2, "little")
                start += step

        content = b"".join(self.session.ask(Request.READ, bodies()))
        if len(content) != count * line_bytes:
            raise UserError(
                f"{self.name} answered a READ of {count * line_bytes} bytes with {len(content)}"
            )
        return content

    def clear_counters(self) -> None:
        """Set all counters to zero."""
        self.write(ENGINE << 4 | COUNTERS, 0, bytes(COUNTER_BYTES))


def line_address(space: int, address: int) -> bytes:
    """How the body of a WRITE or a READ begins."""
    return space.to_bytes(1, "little") + address.to_bytes(2, "little")


def crossbar_memories(network: Network, identity: Identity) -> Iterator[Memory]:
    """R_AH words of every layer."""
    fitted = identity.fitted(network)
    for place, layer in zip(identity.places(network), fitted.layers, strict=True):
        rows = identity.layers[place].rows
        yield place << 4 | WEIGHTS, layer.words[:rows].view(np.uint8)


def other_memories(
    network: Network, identity: Identity, noise: ColumnNoise | None = None
) -> Iterator[Memory]:
    """What else a machine must know of a network: neurons, converters, and noise where it has it.

    Parameters
    ----------
    network : Network
        The network.
    identity : Identity
        The machine's.
    noise : ColumnNoise or None
        The chip's, at each use; None for an ideal one.
    """
    last = len(network.layers) - 1
    if Feature.GENERAL in identity.features:
        shape = np.array([network.classes << 8 | last - 1], "<u4").view(np.uint8)
        yield ENGINE << 4 | SHAPE, shape[np.newaxis, :SHAPE_BYTES]
    layers = identity.fitted(network).layers
    for number, (layer, place) in enumerate(zip(layers, identity.places(network), strict=True)):
        base, here = place << 4, identity.layers[place]
        if layer.table is not None:
            yield base | TABLE, layer.table[:, np.newaxis]
        if layer.converter is not None:
            count = identity.neurons(number)
            words = np.empty((count, 2), dtype="<u2")
            words[:, 0] = np.resize(layer.converter.gains, count)
            words[:, 1] = np.resize(layer.converter.offsets, count).astype("<i2").view("<u2")
            yield base | CONVERTER, words.view(np.uint8)
            yield base | SHIFT, np.array([[layer.converter.shift]], dtype=np.uint8)
        if layer.adc is not None and here.tiling is not None and here.tiling.offsets:
            offsets = layer.adc.offsets
            if offsets is None:
                offsets = np.zeros((layer.adc.tiles(layer.rows), layer.columns), np.int32)
            yield base | TILE_OFFSETS, offsets.astype("<i2").view(np.uint8)
        if Feature.USE_NOISE in identity.features and number < last:
            yield base | USE_NOISE, _line_of_word(0 if noise is None else noise.use_spread)
        if Feature.SUM_NOISE in identity.features:
            of_sums = None if noise is None or noise.on_neurons_only else noise
            for memory, lines in _sum_memories(number, layer.columns, number == last, of_sums):
                yield base | memory, lines


def _sum_memories(
    number: int, columns: int, is_last: bool, noise: ColumnNoise | None
) -> Iterator[Memory]:
    """What a layer's column sums vary by at each use, and what amplifiers add."""
    offsets = np.zeros(1) if noise is None else noise.offsets(number)
    spread = 0 if noise is None else noise.read_spread(number)
    added = bool(spread or offsets.any())
    yield SUM_NOISE, _line_of_word(added * SUMS_HAVE_NOISE | spread)
    # Where nothing is added offsets do not count, but the last layer's gains always do.
    if added or is_last:
        lines = np.zeros((columns, 8), np.uint8)
        if noise is not None:
            starts = offsets + (1 << OFFSET_BITS - 1)
            own = lines[: len(starts)]  # what is behind has none
            own[:, :6] = starts.astype("<i8")[:, np.newaxis].view(np.uint8)[:, :6]
            if is_last:
                own[:, 6:] = noise.shares.astype("<i2")[:, np.newaxis].view(np.uint8)
        yield AMPLIFIERS, lines


def _line_of_word(word: int) -> npt.NDArray[np.uint8]:
    return np.array([[word]], "<u4").view(np.uint8)
