"""Identity of a device: its answer to IDENTIFY, and its fit for a network."""

import io
import math
import operator
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from allspin.hdl.link.protocol import KIND_NUMBERS, MAGIC, VERSION, Feature, neuron_from_wire
from allspin.hdl.parameters.tiling import OFFSET_BITS, Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.errors import UserError, check_range
from allspin.sim.network.fitted import fitted, tabled, text
from allspin.sim.network.layer import Layer
from allspin.sim.network.layer_kinds import DENSE, Convolution, LayerKind
from allspin.sim.network.network import WIDTHS, Network
from allspin.sim.network.neuron import NEURONS

_HEAD = struct.Struct("<4sBBIHBBBB8sBBBxHH")
_LAYER = struct.Struct("<HHHBB")
_TILING = struct.Struct("<BBBB")
_LEVELS = struct.Struct("<BBb")
_KIND = struct.Struct(f"<{1 + KIND_NUMBERS}H")


_KNOWN = sum(Feature)
MOST_CELLS = 1 << 28
"""Most cells of a machine: an answer may claim any size, and a network is padded to it."""
WHOLE = "columns read in one piece"
OFFSETS = range(-(1 << OFFSET_BITS - 1), 1 << OFFSET_BITS - 1)
"""Offsets that a tile's converter can have, on any machine."""


@dataclass(frozen=True)
class LayerIdentity:
    """Layer of a device.

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
        Tiles of the columns; None for columns read in one piece.
    levels : UniformLevels or None
        Levels that its R_AH words must have, if it keeps states in their place.
    kind : LayerKind
        How values come to its rows.
    """

    rows: int
    columns: int
    lanes: int
    sum_bits: int
    rows_per_clock: int
    tiling: Tiling | None = None
    levels: UniformLevels | None = None
    kind: LayerKind = DENSE

    @property
    def inputs(self) -> int:
        """Number of values that drive it."""
        return self.kind.inputs(self.rows)

    @property
    def outputs(self) -> int:
        """Number of values that it passes on."""
        return math.prod(self.kind.shape(self.columns))

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of an image that the layer reads; a line of pixels if all drive it at once."""
        *sides, channels = self.kind.input_shape(self.rows)
        return tuple(sides) if len(sides) > 1 and channels == 1 else (*sides, channels)

    @property
    def tile_rows(self) -> int:
        """Most inputs of a beat: a tile's, or all of them."""
        tiling = self.tiling if self.inputs == self.rows else None
        return self.inputs if tiling is None else tiling.rows

    def mismatch(self, layer: Layer) -> Iterator[str]:
        """Generate the reasons why it cannot be a network's layer, besides its size."""
        if self.kind != layer.kind:
            yield f"{self.kind}, not {layer.kind}"
        offsets = None if layer.adc is None else layer.adc.offsets
        if offsets is not None:
            worst = next((int(w) for w in (offsets.min(), offsets.max()) if w not in OFFSETS), None)
            if worst is not None:
                yield (
                    f"converters of tiles with offsets from {OFFSETS[0]} to {OFFSETS[-1]}, "
                    f"not {worst}"
                )
        # Converters that have offsets may have them 0.
        forced = self.tiling is not None and self.tiling.offsets
        if self.tiling != Tiling.from_adc(layer.adc, offsets=forced):
            yield f"{self.tiling or WHOLE}, not {Tiling.from_adc(layer.adc) or WHOLE}"
        if self.levels is not None and not np.isin(layer.words, self.levels.words).all():
            yield f"{self.levels}, which are not this network's R_AH words"


@dataclass(frozen=True)
class Identity:
    """Answer to IDENTIFY.

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
        Further features.
    state_bits : int
        Width of a state in its Programmer.
    rounds_per_clock : int
        Of its generator.
    resident_beats, resident_images : int
        Capacity of its memory of images.
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
        """Parse an answer's body.

        Raises
        ------
        ValueError
            If it is not an identity of this version of the protocol; the message is one line.
        """
        if len(body) < _HEAD.size or body[:4] != MAGIC:
            raise ValueError("its identity is not allspin's")
        _, version, count, *fields = _HEAD.unpack_from(body)
        if version != VERSION:
            raise ValueError(f"it speaks version {version} of the protocol, this is {VERSION}")
        features = Feature(fields[7])
        tiling_bytes = _TILING.size * (Feature.TILES in features)
        levels_bytes = _LEVELS.size * (Feature.STATES in features)
        size = _HEAD.size + count * (_LAYER.size + tiling_bytes + levels_bytes)
        if Feature.MORE in features:
            features |= int.from_bytes(body[size : size + 1], "little") << 8
            size += 1 + count * _KIND.size * (Feature.KINDS in features)
        if features & ~_KNOWN:
            raise ValueError("it has features that this version does not know")
        if count < 1 or len(body) != size:
            raise ValueError(f"its identity has {len(body)} bytes for {count} layers")
        rest = io.BytesIO(body[_HEAD.size :])
        sizes = [_LAYER.unpack(rest.read(_LAYER.size)) for _ in range(count)]
        if any(0 in layer for layer in sizes):
            raise ValueError("its identity has a layer without rows, columns, lanes or bits")
        for (name, limits), width in zip(WIDTHS.items(), fields[2:6], strict=True):
            check_range(name, width, *limits)
        if (cells := sum(rows * columns for rows, columns, *_ in sizes)) > MOST_CELLS:
            raise ValueError(f"its identity has {cells} cells, a machine at most {MOST_CELLS}")
        tilings = [_tiling(rest.read(tiling_bytes)) for _ in sizes]
        levels = [_levels(rest.read(levels_bytes)) for _ in sizes]
        rest.read(Feature.MORE in features)
        kinds = [_kind(rest.read(_KIND.size)) for _ in sizes]
        layers = tuple(
            LayerIdentity(*layer, tiling=tiling, levels=kept, kind=kind)
            for layer, tiling, kept, kind in zip(sizes, tilings, levels, kinds, strict=True)
        )
        given, taken = [own.outputs for own in layers], [own.inputs for own in layers]
        if given[:-1] != taken[1:]:
            raise ValueError(f"its identity has layers that do not fit: {given} and {taken}")
        # The device's order is that of the class, but that its layers come last.
        fields[6:8] = neuron_from_wire(fields[6]), layers, features
        return cls(*fields)

    @property
    def topology(self) -> tuple[int, ...]:
        """Widths from the pixels to the classes."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    @property
    def neuron_per(self) -> str:
        """Scope of the hidden neurons, as in `Network`."""
        return "position" if Feature.POSITIONS in self.features else "column"

    def neurons(self, layer: int) -> int:
        """Return the number of a hidden layer's neurons, and of its V-I converters."""
        own = self.layers[layer]
        return own.columns * (own.kind.positions if self.neuron_per == "position" else 1)

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
        """Return a short description for tables and messages."""
        general = "any network up to " * (Feature.GENERAL in self.features)
        lanes = "/".join(str(layer.lanes) for layer in self.layers)
        return (
            f"{general}{text(self.topology)}, {self.neuron} neurons, {lanes} lanes, "
            f"{self.pixel_bits}-bit pixels, {self.hidden_bits}-bit hidden, "
            f"{self.rah_bits}-bit R_AH"
        )

    def mismatch(self, network: Network) -> str | None:
        """Return the reasons why the device cannot run a network; None if it can."""
        kind = NEURONS.get(self.neuron)
        any_neuron = kind is not None and kind.has_table
        differences = []
        if not self.has_room(network.topology):
            own, every = self.room(len(network.layers)), range(1, len(self.layers) + 1)
            takes = map(text, filter(None, [own] if own else map(self.room, every)))
            differences.append(f"topology up to {' or '.join(takes)}, not {text(network.topology)}")
        widths = [("pixel", self.pixel_bits, network.pixel_bits, True)]
        if len(network.layers) > 1:
            widths += [
                ("hidden", self.hidden_bits, network.hidden_bits, any_neuron),
                ("current", self.current_bits, network.current_bits, any_neuron),
            ]
        widths.append(("R_AH", self.rah_bits, network.rah_bits, True))
        for name, has, wants, larger in widths:
            if has < wants or (has > wants and not larger):
                differences.append(f"{name} bits {has}, not {wants}{' or more' * larger}")
        same = any_neuron or self.neuron == network.neuron.name
        if len(network.layers) > 1 and not same:
            differences.append(f"neuron {self.neuron}, not {network.neuron.name}")
        placed = zip(self.places(network), network.layers, strict=True)
        for number, (place, layer) in enumerate(placed):
            what = self.layers[place].mismatch(layer) if place < len(self.layers) else ()
            differences += [f"in layer {number} {each}" for each in what]
        if self.neuron_per != network.neuron_per:
            differences.append(f"a neuron per {self.neuron_per}, not per {network.neuron_per}")
        if not differences:
            try:
                self.fitted(network)
            except ValueError as error:
                differences.append(f"topology {text(self.topology)}: {error}")
        return "; ".join(differences) or None

    def has_room(self, topology: tuple[int, ...]) -> bool:
        """Return True if a network of these widths fits the device, exactly or with spare room."""
        room = self.room(len(topology) - 1)
        return room is not None and all(map(operator.le, topology, room))

    def room(self, layers: int) -> tuple[int, ...] | None:
        """Return the widths of the largest network of `layers` layers; None if it takes none."""
        most = len(self.layers)
        if layers != most and not (Feature.GENERAL in self.features and 2 <= layers < most):
            return None
        *widths, last = self.topology[:layers]
        return (*widths, min(last, self.layers[-1].inputs), self.topology[-1])

    def places(self, network: Network) -> list[int]:
        """Return the device's layer for each layer of a network: the last for the last."""
        return [*range(len(network.layers) - 1), len(self.layers) - 1]

    def fitted(self, network: Network) -> Network:
        """Pad a network to the device's size, but for the rows of the last layer.

        Raises
        ------
        ValueError
            If it cannot be fitted into the device.
        """
        if not self.has_room(network.topology):
            raise ValueError(
                f"{text(network.topology)} cannot be fitted into {text(self.topology)}"
            )
        widened = tabled(network, self.current_bits, self.neuron)
        if network.topology == self.topology:
            return widened
        return fitted(widened, (*self.topology[: len(network.layers)], self.classes))

    def check(self, name: str, network: Network) -> None:
        """Raise unless a network fits.

        Raises
        ------
        UserError
            If it does not fit; `name` is the device's name in the message.
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


def _tiling(field: bytes) -> Tiling | None:
    """Parse the tiling of a layer; zeros, or an empty field, for columns read in one piece."""
    if not field or not field[0]:
        return None
    rows, bits, shift, offset_bits = field
    return Tiling(1 << rows, bits, shift, offset_bits == OFFSET_BITS)


def _levels(field: bytes) -> UniformLevels | None:
    """Parse the levels of a layer; zeros, or an empty field, for words of any value."""
    return UniformLevels(*_LEVELS.unpack(field)) if field and field[0] else None


def _kind(field: bytes) -> LayerKind:
    """Parse a layer's kind; zeros, or an empty field, for a dense one."""
    number, *sizes = _KIND.unpack(field) if field else (0,)
    if number > 1:
        raise ValueError("its identity has a layer of a kind that this version does not know")
    if number == 0:
        return DENSE
    parts = [tuple(sizes[first:end]) for first, end in ((0, 3), (3, 5), (5, 7), (7, 11))]
    return Convolution(*parts, pool=sizes[11])
