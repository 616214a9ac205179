"""Numbers of the link protocol, as in ``docs/protocol.md``, and the identity of a device.

Gateware and host read the numbers here; they share no code that acts on them.
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
"""Tag of an error that belongs to no request; a request never has it."""

HEADER_BYTES = 3
"""Kind and tag: the shortest payload of a request."""
ANSWER_HEADER_BYTES = HEADER_BYTES + 1
"""Kind, tag and session: the shortest payload of an answer."""
CRC_BYTES = 4
VENDOR = 0x16C0
PRODUCT = 0x27DD
"""USB vendor and product of all CDC-ACM devices that the system's own driver serves and that no
program searches by these numbers; no serial number is needed (``USB-IDs-for-free.txt`` of
obdev/v-usb, rule 7)."""

NO_SESSION = 0
"""Session of a device after a reset, until a host opens one."""
MAX_SESSION = 255

RUN_BITS = 3
"""Width of a run's length in a sparse image's header byte; the skip has the rest."""
MAX_RUN = 2**RUN_BITS - 1
MAX_SKIP = 2 ** (8 - RUN_BITS) - 1
PACKED_BITS = 4
"""Largest number of pixel bits for which two values share a byte."""


class Feature(enum.IntFlag):
    """Optional features of a device, in its identity."""

    NONE = 0
    PROGRAMMER = 1
    REDRAW = 2
    USE_NOISE = 4
    RESIDENT = 8
    SUM_NOISE = 16
    TILES = 32
    """Columns are read tile by tile; the identity has the tiling of each layer after the layers."""
    STATES = 64
    """Layers keep states in place of R_AH words; the identity has their levels."""
    MORE = 128
    """A second byte of features, the bits above these, follows the levels."""
    KINDS = 256
    """Layers are of several kinds; the identity ends with them."""
    GENERAL = 512
    """The device runs networks of fewer layers and classes too; the host writes which."""
    POSITIONS = 1024
    """Each position of a map has its own neurons, and its own V-I converters with their errors."""
    SDRAM = 2048
    """Resident images are words in an SDRAM, with their labels, in lines of 256 bytes."""


MIN_WINDOW = 256
MAX_WINDOW = 32768
MAX_FREQUENCY = 2**32 - 1


class Request(enum.IntEnum):
    """Kind of a request's payload."""

    IDENTIFY = 0x01
    WRITE = 0x02
    READ = 0x03
    IMAGE = 0x04
    NUMBERED = 0x05
    """An image with its number, which selects the noise of its uses; answered as `IMAGE`."""


class Answer(enum.IntEnum):
    """Kind of an answer's payload: the request's kind with its highest bit set, or an error."""

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
    """Parameters of the device's end of the link.

    Parameters
    ----------
    engine : EngineParameters
        The engine behind the link.
    window : int
        Size of the receive buffer in bytes, a power of two from 256 to 32768.
    frequency : int
        Clock frequency in Hz in the identity; 0 if time is simulated.
    in_flight : int
        Images that may be under way after the one whose answer is next, a power of two from 2 to
        256. Further images wait in the receive buffer.

    Raises
    ------
    TypeError, ValueError
        If a value is not an integer of its range, or not a power of two if it must be.
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
    """Return a neuron's name in an identity: its first eight letters and digits."""
    return short_name(name).encode("ascii")


def neuron_from_wire(field: bytes) -> str:
    """Return the name of the neuron in an identity.

    For an unknown neuron, it is the field's text with ? for each character that no name has.
    """
    short = field.rstrip(b"\0")
    known = {neuron_on_wire(name): name for name in NEURONS}
    strange = "".join(chr(c) if chr(c).isalnum() and c < 128 else "?" for c in short)
    return known.get(short, strange)


def identity_bytes(parameters: LinkParameters) -> bytes:
    """Return the body of the answer to `Request.IDENTIFY`.

    Returns
    -------
    bytes
        32 bytes and 8 for each layer, 4 more for each layer with tiles, 3 more for each layer of
        states, and fields of further features, as in ``docs/protocol.md``.
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
    """Tiling of a layer in an identity; zeros for columns that are read in one piece."""
    if tiling is None:
        return bytes(4)
    rows = tiling.rows.bit_length() - 1
    return bytes([rows, tiling.bits, tiling.shift, OFFSET_BITS * tiling.offsets])


def _levels_bytes(levels: UniformLevels | None) -> bytes:
    """Levels of a layer's states in an identity; zeros for a layer of R_AH words."""
    if levels is None:
        return bytes(3)
    return struct.pack("<BBb", levels.count, levels.step, levels.lowest)


KIND_NUMBERS = 12
"""Largest number of sizes of a layer's kind in an identity."""


def _kind_bytes(kind: LayerKind) -> bytes:
    """Kind of a layer in an identity: its number, then its sizes; zeros for a dense layer."""
    sizes = asdict(kind).values()  # pyright: ignore[reportArgumentType]
    numbers = [n for size in sizes for n in (size if isinstance(size, tuple) else (size,))]
    numbers += [0] * (KIND_NUMBERS - len(numbers))
    return struct.pack(f"<{1 + KIND_NUMBERS}H", [*KINDS].index(kind.name), *numbers)
