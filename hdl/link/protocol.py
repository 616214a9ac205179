"""The link protocol's numbers, as ``docs/protocol.md`` gives them.

Gateware and host both read them here; neither shares the code that acts on them.
"""

import enum
import struct
from dataclasses import asdict, dataclass

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.tiling import OFFSET_BITS, Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.errors import check_power_of_two, check_range
from allspin.sim.network.layer_kinds import KINDS, LayerKind
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.neuron_base import short_name

MAGIC = b"ASPN"
VERSION = 3
NO_TAG = 0xFFFF
"""Tag of an error that no request can be named for; a request never has it."""

HEADER_BYTES = 3
"""Kind and tag: the shortest payload of a request."""
ANSWER_HEADER_BYTES = HEADER_BYTES + 1
"""The same of an answer, which has the session too: the shortest payload of an answer."""
CRC_BYTES = 4
VENDOR, PRODUCT = 0x16C0, 0x27DD
"""Shared by all CDC-ACM devices that the system's own driver serves and that no program looks for
by these numbers; they need no serial number (``USB-IDs-for-free.txt`` of obdev/v-usb, rule 7)."""

NO_SESSION = 0
"""Session of a device since it was reset, until a host opens one."""
MAX_SESSION = 255

RUN_BITS = 3
"""Width of a run's length in a sparse image's header byte; the skip has the rest."""
MAX_RUN = 2**RUN_BITS - 1
MAX_SKIP = 2 ** (8 - RUN_BITS) - 1
PACKED_BITS = 4
"""Up to this many pixel bits, two values share a byte."""


class Feature(enum.IntFlag):
    """What the identity says that a device has besides."""

    NONE = 0
    PROGRAMMER = 1
    REDRAW = 2
    USE_NOISE = 4
    RESIDENT = 8
    SUM_NOISE = 16
    TILES = 32
    """Columns that are read tile by tile: behind the layers the identity says how."""
    STATES = 64
    """Layers that keep states in place of R_AH words: the identity says of which levels."""
    MORE = 128
    """A second byte of features, the bits above these, begins what follows the levels."""
    KINDS = 256
    """Layers of several kinds: the identity ends with them."""
    GENERAL = 512
    """Runs networks of fewer layers and classes too: it is written which."""
    POSITIONS = 1024
    """Each position of a map has neurons of its own, and V-I converters with their errors."""
    SDRAM = 2048
    """Resident images are words in an SDRAM, with their labels, in lines of 256 bytes."""


MIN_WINDOW = 256
MAX_WINDOW = 32768
MAX_FREQUENCY = 2**32 - 1


class Request(enum.IntEnum):
    """What the host asks for: a payload's kind."""

    IDENTIFY = 0x01
    WRITE = 0x02
    READ = 0x03
    IMAGE = 0x04
    NUMBERED = 0x05
    """An image with its number, which names the noise of its uses; answered as `IMAGE` is."""


class Answer(enum.IntEnum):
    """What the device answers: the request's kind with its highest bit set, or an error."""

    IDENTITY = 0x81
    WRITTEN = 0x82
    LINES = 0x83
    LOGITS = 0x84
    ERROR = 0xFF


class ErrorCode(enum.IntEnum):
    """Body of an answer of kind `Answer.ERROR`."""

    FRAME = 1
    OVERFLOW = 2
    KIND = 3
    SPACE = 4
    LENGTH = 5
    IMAGE = 6


@dataclass(frozen=True)
class LinkParameters:
    """One end of the link: the device's.

    Parameters
    ----------
    engine : EngineParameters
        The engine behind the link.
    window : int
        Size of the receive buffer in bytes, a power of two from 256 to 32768.
    frequency : int
        Clock frequency in Hz that the identity tells; 0 where time is simulated.
    in_flight : int
        Images that may be under way behind the one whose answer is next, a power of two from
        2 to 256. More wait in the receive buffer.

    Raises
    ------
    TypeError, ValueError
        If a value is not an integer of its range, or not a power of two where it must be.
    """

    engine: EngineParameters
    window: int = 2048
    frequency: int = 0
    in_flight: int = 16

    def __post_init__(self) -> None:
        check_power_of_two("window", self.window, MIN_WINDOW, MAX_WINDOW)
        check_range("frequency", self.frequency, 0, MAX_FREQUENCY)
        check_power_of_two("in_flight", self.in_flight, 2, 256)


def neuron_on_wire(name: str) -> bytes:
    """A neuron's name in an identity: its letters and digits, the first eight of them."""
    return short_name(name).encode("ascii")


def neuron_from_wire(field: bytes) -> str:
    """The name of the neuron that an identity has.

    For a strange one it is the field's own text, with ? where no name has such a character.
    """
    short = field.rstrip(b"\0")
    known = {neuron_on_wire(name): name for name in NEURONS}
    strange = "".join(chr(c) if chr(c).isalnum() and c < 128 else "?" for c in short)
    return known.get(short, strange)


def identity_bytes(parameters: LinkParameters) -> bytes:
    """Body of the answer to `Request.IDENTIFY`.

    Returns
    -------
    bytes
        32 bytes and 8 for each layer, 4 more where columns are read tile by tile, 3 more where
        states are kept, and what further features have, as ``docs/protocol.md`` lays them out.
    """
    engine = parameters.engine
    variation, resident = engine.variation, engine.resident
    tiled = b"".join(_tiling_bytes(crossbar.tiling) for crossbar in engine.crossbars)
    levels = b"".join(_levels_bytes(crossbar.levels) for crossbar in engine.crossbars)
    kinds = b"".join(_kind_bytes(kind) for kind in engine.kinds)
    has = {
        Feature.PROGRAMMER: variation is not None,
        Feature.REDRAW: variation is not None and variation.redraw,
        Feature.USE_NOISE: engine.noisy,
        Feature.SUM_NOISE: engine.noisy_sums,
        Feature.RESIDENT: resident is not None,
        Feature.TILES: any(tiled),
        Feature.STATES: any(levels),
        Feature.KINDS: any(kinds),
        Feature.GENERAL: engine.general,
        Feature.POSITIONS: engine.neuron_per == "position",
        Feature.SDRAM: resident is not None and resident.sdram is not None,
    }
    features = sum(feature for feature, there in has.items() if there)
    further = bytes([features >> 8] * (features > 0xFF))
    body = struct.pack(
        "<4sBBIHBBBB8sBBBxHH",
        MAGIC,
        VERSION,
        len(engine.crossbars),
        parameters.frequency,
        parameters.window,
        engine.pixel_bits,
        engine.hidden_bits,
        engine.rah_bits,
        engine.current_bits,
        neuron_on_wire(engine.neuron),
        features & 0xFF | Feature.MORE * any(further),
        0 if variation is None else variation.state_bits,
        0 if variation is None else variation.rounds_per_clock,
        0 if resident is None else resident.beats,
        0 if resident is None else resident.images,
    ) + b"".join(
        struct.pack(
            "<HHHBB",
            crossbar.rows,
            crossbar.columns,
            crossbar.lanes,
            engine.amplified_bits(number),
            crossbar.rows_per_clock,
        )
        for number, crossbar in enumerate(engine.crossbars)
    )
    return body + tiled * any(tiled) + levels * any(levels) + further + kinds * any(kinds)


def _tiling_bytes(tiling: Tiling | None) -> bytes:
    """How a layer's columns are read, in an identity; zeros for those read in one piece."""
    if tiling is None:
        return bytes(4)
    rows = tiling.rows.bit_length() - 1
    return bytes([rows, tiling.bits, tiling.shift, OFFSET_BITS * tiling.offsets])


def _levels_bytes(levels: UniformLevels | None) -> bytes:
    """What stands for a layer's R_AH words, in an identity; zeros for words themselves."""
    if levels is None:
        return bytes(3)
    return struct.pack("<BBb", levels.count, levels.step, levels.lowest)


KIND_NUMBERS = 12
"""Sizes of a layer's kind in an identity, at most."""


def _kind_bytes(kind: LayerKind) -> bytes:
    """A layer's kind in an identity: which, and its sizes one after another; zeros for a dense."""
    sizes = asdict(kind).values()  # pyright: ignore[reportArgumentType]
    numbers = [n for size in sizes for n in (size if isinstance(size, tuple) else (size,))]
    numbers += [0] * (KIND_NUMBERS - len(numbers))
    return struct.pack(f"<{1 + KIND_NUMBERS}H", [*KINDS].index(kind.name), *numbers)
