"""What a device says of itself, and whether a network fits it."""

import struct
from dataclasses import astuple, dataclass, replace
from itertools import accumulate, zip_longest
from typing import Self

import numpy as np

from allspin.hdl.link.protocol import MAGIC, VERSION, Feature, neuron_from_wire
from allspin.hdl.parameters.crossbar import OFFSET_BITS, Tiling, UniformLevels
from allspin.sim.errors import UserError
from allspin.sim.network.formats import Adc
from allspin.sim.network.network import Network

_HEAD = struct.Struct("<4sBBIHBBBB8sBBBxHH")
_LAYER = struct.Struct("<HHHBB")
_TILING = struct.Struct("<BBBB")
_LEVELS = struct.Struct("<BBb")


def _tiling(rows: int, bits: int, shift: int, offset_bits: int) -> Tiling | None:
    """How a layer's columns are read, of an identity."""
    if not rows:
        return None
    try:
        return Tiling(1 << rows, bits, shift, offset_bits == OFFSET_BITS)
    except ValueError as error:
        raise ValueError(f"its identity has tiles that are none: {error}") from error


def _levels(count: int, step: int, lowest: int) -> UniformLevels | None:
    """What stands for a layer's R_AH words, of an identity."""
    return UniformLevels(count, step, lowest) if count else None


def _reads(tiling: Tiling | None, wanted: Tiling | None) -> bool:
    """Whether a device's converters are those that a network wants; offsets may be 0."""
    if tiling is None or wanted is None or not tiling.offsets:
        return tiling == wanted
    return tiling == replace(wanted, offsets=True)


def _beyond(adc: Adc | None) -> str | None:
    """Which offset of a tile's converter no machine has room for; None if none is."""
    if adc is None or adc.offsets is None:
        return None
    half = 1 << OFFSET_BITS - 1
    low, high = int(adc.offsets.min()), int(adc.offsets.max())
    if -half <= low and high < half:
        return None
    worst = low if low < -half else high
    return f"converters of tiles with offsets from {-half} to {half - 1}, not {worst}"


def _read(tiling: Tiling | None) -> str:
    """How columns are read, in words."""
    return "columns read in one piece" if tiling is None else str(tiling)


@dataclass(frozen=True)
class LayerIdentity:
    """One layer of a device.

    Attributes
    ----------
    rows, columns : int
        Size of the crossbar.
    lanes : int
        Columns that a row drives in one clock.
    sum_bits : int
        Width of a column sum.
    rows_per_clock : int
        Rows driven in one clock.
    tiling : Tiling or None
        How columns are read tile by tile; None where they are read in one piece.
    levels : UniformLevels or None
        What its R_AH words must be where it keeps states in their place.
    """

    rows: int
    columns: int
    lanes: int
    sum_bits: int
    rows_per_clock: int
    tiling: Tiling | None = None
    levels: UniformLevels | None = None

    @property
    def tile_rows(self) -> int:
        """Rows of a tile; all where columns are read in one piece."""
        return self.rows if self.tiling is None else self.tiling.rows


@dataclass(frozen=True)
class Identity:
    """The answer to IDENTIFY.

    Attributes
    ----------
    frequency : int
        Clock frequency in Hz; 0 when time is simulated.
    window : int
        Size of the device's receive buffer in bytes.
    pixel_bits, hidden_bits, rah_bits, current_bits : int
        Widths.
    neuron : str
        Name of the hidden layers' neuron.
    layers : tuple of LayerIdentity
        First to last.
    features : Feature
        What it has besides.
    state_bits : int
        Width of a state in its Programmer.
    rounds_per_clock : int
        Of its generator.
    resident_beats, resident_images : int
        What fits its memory of images.
    """

    frequency: int
    window: int
    pixel_bits: int
    hidden_bits: int
    rah_bits: int
    current_bits: int
    neuron: str
    layers: tuple[LayerIdentity, ...]
    features: Feature = Feature.NONE
    state_bits: int = 0
    rounds_per_clock: int = 0
    resident_beats: int = 0
    resident_images: int = 0

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read an answer's body.

        Raises
        ------
        ValueError
            If it is not an identity of this protocol's version; the message is one line.
        """
        if len(body) < _HEAD.size or body[:4] != MAGIC:
            raise ValueError("its identity is not allspin's")
        _, version, count, *fields = _HEAD.unpack_from(body)
        if version != VERSION:
            raise ValueError(f"it speaks version {version} of the protocol, this is {VERSION}")
        features = Feature(fields[7])
        tiled, kept = Feature.TILES in features, Feature.STATES in features
        sizes = _HEAD.size, _LAYER.size * count, _TILING.size * count * tiled
        head, tilings, levels = accumulate(sizes)
        if count < 1 or len(body) != levels + _LEVELS.size * count * kept:
            raise ValueError(f"its identity has {len(body)} bytes for {count} layers")
        layers = [LayerIdentity(*size) for size in _LAYER.iter_unpack(body[head:tilings])]
        if any(0 in astuple(layer) for layer in layers):
            raise ValueError("its identity has a layer without rows, columns, lanes or bits")
        each = zip_longest(
            layers,
            (_tiling(*its) for its in _TILING.iter_unpack(body[tilings:levels])),
            (_levels(*its) for its in _LEVELS.iter_unpack(body[levels:])),
        )
        complete = tuple(
            replace(layer, tiling=tiling, levels=levels) for layer, tiling, levels in each
        )
        # The device's order is that of the class, but that its layers come last.
        fields[6:8] = neuron_from_wire(fields[6]), complete, features
        return cls(*fields)

    @property
    def topology(self) -> tuple[int, ...]:
        """Widths from the pixels to the classes."""
        return (self.layers[0].rows, *(layer.columns for layer in self.layers))

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.layers[-1].columns

    @property
    def logit_bytes(self) -> int:
        """Bytes of a logit on the link."""
        return -(-self.layers[-1].sum_bits // 8)

    @property
    def answer_bytes(self) -> int:
        """Bytes of an image's logits and class on the link."""
        return self.classes * self.logit_bytes + 2

    def __str__(self) -> str:
        """Short description, as tables and messages have it."""
        lanes = "/".join(str(layer.lanes) for layer in self.layers)
        return (
            f"{'-'.join(map(str, self.topology))}, {self.neuron} neurons, {lanes} lanes, "
            f"{self.pixel_bits}-bit pixels, {self.hidden_bits}-bit hidden, "
            f"{self.rah_bits}-bit R_AH"
        )

    def mismatch(self, network: Network) -> str | None:
        """What keeps the device from running a network; None if nothing does."""
        differences = [
            f"{name} {theirs}, not {ours}"
            for name, theirs, ours in (
                (
                    "topology",
                    "-".join(map(str, self.topology)),
                    "-".join(map(str, network.topology)),
                ),
                ("pixel bits", self.pixel_bits, network.pixel_bits),
                *(
                    (
                        ("hidden bits", self.hidden_bits, network.hidden_bits),
                        ("current bits", self.current_bits, network.current_bits),
                        ("neuron", self.neuron, network.neuron.name),
                    )
                    if len(network.layers) > 1
                    else ()
                ),
            )
            if theirs != ours
        ]
        if self.rah_bits < network.rah_bits:
            differences.append(f"R_AH bits {self.rah_bits}, not {network.rah_bits} or more")
        for number, (here, layer) in enumerate(zip(self.layers, network.layers, strict=False)):
            wanted = Tiling.of(layer.adc)
            beyond = _beyond(layer.adc)
            if beyond is not None:
                differences.append(f"in layer {number} {beyond}")
            if not _reads(here.tiling, wanted):
                differences.append(f"in layer {number} {_read(here.tiling)}, not {_read(wanted)}")
            if here.levels is not None and not np.isin(layer.words, here.levels.words).all():
                differences.append(
                    f"in layer {number} {here.levels}, which are not this network's R_AH words"
                )
        return "; ".join(differences) or None

    def check(self, name: str, network: Network) -> None:
        """Raise unless a network fits.

        Raises
        ------
        UserError
            If it does not; `name` is what the message calls the device.
        """
        if network.beyond_words is not None:
            raise UserError(
                f"no gateware can run this network: {network.beyond_words}; run it on golden"
            )
        mismatch = self.mismatch(network)
        if mismatch is not None:
            raise UserError(
                f"the gateware of {name} was not built for this network: it has {mismatch}"
            )
