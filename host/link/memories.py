"""Memories of a machine behind the link: access to them, and their content for a network."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import (
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
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

Memory = tuple[int, npt.NDArray[np.uint8]]
"""Space of a memory, and its content, shape (lines, bytes of a line)."""
COUNTER_BYTES = 8
SUMS_HAVE_NOISE = 1 << 31
"""Flag beside the spread of a layer's sums: they have noise, or offsets."""
IMAGE_SPACES = (ENGINE << 4 | RESIDENT_BEATS, ENGINE << 4 | LABELS)
LINES_BYTES = 512
"""Most bytes of a frame with several lines, about: a short frame is cheap to lose."""


class Memories:
    """Memories of a machine that the host writes and reads.

    Attributes
    ----------
    name : str
        Name of the machine in messages.
    identity : Identity
        Identity that the machine answered.
    session : Session
        Session that carries the requests.
    running : Network or None
        Network that this host programmed last.
    loaded : KeptImages or None
        Images in the machine's memory, None if unknown: see
        `allspin.host.machines.resident.ResidentImages.load`.
    """

    running: Network | None = None
    loaded: Any = None
    name: str
    identity: Identity
    session: Session

    @property
    def shown(self) -> tuple[tuple[int, ...], int, int]:
        """Image shape, pixel bits and classes of the running network, else of the machine."""
        if self.running is None:
            own = self.identity
            return own.layers[0].image_shape, own.pixel_bits, own.classes
        return self.running.image_shape, self.running.pixel_bits, self.running.classes

    def check(self, network: Network) -> None:
        """Raise a `UserError` unless the machine was built for such a network."""
        self.identity.check(self.name, network)

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Write whole memories, and return when all are written.

        Their lines may arrive in any order: a write that depends on another needs a call of its
        own.

        Parameters
        ----------
        memories : iterable of tuple of int and ndarray of uint8, shape (lines, bytes)
            Space and lines of each memory.
        progress : callable
            Called with the number of frames answered.
        """
        self.session.ask(Request.WRITE, self.writes(memories), progress)

    def writes(self, memories: Iterable[Memory]) -> Iterator[bytes]:
        """Generate the bodies of WRITE requests for whole memories, each with several lines."""
        for space, lines in memories:
            # Until all writes are answered, the content is unknown.
            self.loaded = None if space in IMAGE_SPACES else self.loaded
            address = 0
            while address < len(lines):
                step = max(1, (self._frame_bytes() - encoded_size(16)) // lines.shape[1])
                yield line_address(space, address) + lines[address : address + step].tobytes()
                address += step

    def _frame_bytes(self) -> int:
        """Return the size of frames with several lines: two fit the window, and few get lost."""
        return min(LINES_BYTES, self.session.line.window // 2, self.session.line.bearable)

    def write(self, space: int, address: int, data: bytes, *, seconds: float = 0.0) -> None:
        """Write whole lines of a memory.

        Parameters
        ----------
        space, address : int
            Memory, and its first line.
        data : bytes
            One line after another.
        seconds : float
            Seconds that the machine may need for the effects of the write.
        """
        self.loaded = None if space in IMAGE_SPACES else self.loaded
        self.session.ask(Request.WRITE, [line_address(space, address) + data], seconds=seconds)

    def read_back(self, space: int, address: int, count: int, line_bytes: int) -> bytes:
        """Read lines of a memory.

        Parameters
        ----------
        space, address : int
            Memory, and its first line.
        count : int
            Number of lines.
        line_bytes : int
            Bytes of a line.

        Returns
        -------
        bytes
            Content of the lines, ``count * line_bytes`` bytes.
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
    """Return the first bytes of the body of a WRITE or a READ."""
    return space.to_bytes(1, "little") + address.to_bytes(2, "little")


def crossbar_memories(network: Network, identity: Identity) -> Iterator[Memory]:
    """Return the R_AH words of every layer."""
    fitted = identity.fitted(network)
    for place, layer in zip(identity.places(network), fitted.layers, strict=True):
        rows = identity.layers[place].rows
        yield place << 4 | WEIGHTS, layer.words[:rows].view(np.uint8)


def other_memories(
    network: Network, identity: Identity, noise: ColumnNoise | None = None
) -> Iterator[Memory]:
    """Return a machine's other memories for a network: neurons, converters, and noise.

    Parameters
    ----------
    network : Network
        The network.
    identity : Identity
        The machine's.
    noise : ColumnNoise or None
        Noise of the chip at each use; None for an ideal chip.
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
    """Return the noise of a layer's column sums at each use, and the offsets of its amplifiers."""
    offsets = np.zeros(1) if noise is None else noise.offsets(number)
    spread = 0 if noise is None else noise.read_spread(number)
    added = bool(spread or offsets.any())
    yield SUM_NOISE, _line_of_word(added * SUMS_HAVE_NOISE | spread)
    # Offsets count only where something is added; the last layer's gains always count.
    if added or is_last:
        lines = np.zeros((columns, 8), np.uint8)
        if noise is not None:
            starts = offsets + (1 << OFFSET_BITS - 1)
            own = lines[: len(starts)]  # further columns have none
            own[:, :6] = starts.astype("<i8")[:, np.newaxis].view(np.uint8)[:, :6]
            if is_last:
                own[:, 6:] = noise.shares.astype("<i2")[:, np.newaxis].view(np.uint8)
        yield AMPLIFIERS, lines


def _line_of_word(word: int) -> npt.NDArray[np.uint8]:
    return np.array([[word]], "<u4").view(np.uint8)
