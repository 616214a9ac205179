"""What a device says of itself, and whether a network fits it."""

import struct
from dataclasses import astuple, dataclass, replace
from itertools import zip_longest
from typing import Self

import numpy as np

from allspin.hdl.levels import UniformLevels
from allspin.hdl.link.protocol import MAGIC, VERSION, Feature, neuron_from_wire
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

_HEAD = struct.Struct("<4sBBIHBBBB8sBBBxHH")
_LAYER = struct.Struct("<HHHBB")
_LEVELS = struct.Struct("<BBb")


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
    levels : UniformLevels or None
        What its R_AH words must be where it keeps states in their place.
    """

    rows: int
    columns: int
    lanes: int
    sum_bits: int
    rows_per_clock: int
    levels: UniformLevels | None = None


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
        end = _HEAD.size + count * _LAYER.size
        if count < 1 or len(body) != end + count * _LEVELS.size * (Feature.STATES in features):
            raise ValueError(f"its identity has {len(body)} bytes for {count} layers")
        layers = tuple(
            LayerIdentity(*layer) for layer in _LAYER.iter_unpack(body[_HEAD.size : end])
        )
        if any(0 in astuple(layer) for layer in layers):
            raise ValueError("its identity has a layer without rows, columns, lanes or bits")
        each = map(_levels, _LEVELS.iter_unpack(body[end:]))
        layers = tuple(replace(layer, levels=levels) for layer, levels in zip_longest(layers, each))
        # The device's order is that of the class, but that its layers come last.
        fields[6:8] = neuron_from_wire(fields[6]), layers, features
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
        if not differences:
            for number, (layer, ours) in enumerate(zip(self.layers, network.layers, strict=True)):
                if layer.levels is not None and not np.isin(ours.words, layer.levels.words).all():
                    differences.append(
                        f"in layer {number} {layer.levels}, which are not this network's R_AH words"
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


def _levels(fields: tuple[int, int, int]) -> UniformLevels | None:
    """Those of a layer, if it keeps states."""
    return UniformLevels(*fields) if fields[0] else None
