"""A trained network as the machine runs it: integers only.

Each layer has the state of each synapse, the R_AH word of each state, the V-I converter of each
column and the neuron's table. `allspin.sim.network.netfile` stores a network,
`allspin.sim.network.golden` computes with it, and the engine's parameters are derived from it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_one_of, check_range
from allspin.sim.network.layer import Layer
from allspin.sim.network.layer_kinds import MAX_LINES
from allspin.sim.network.levels import MAX_RAH_BITS, MIN_RAH_BITS
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.parameters import Shown, equal_values

MAX_LAYERS = 15
MIN_CURRENT_BITS = 4
MAX_CURRENT_BITS = 12
WIDTHS = {
    "pixel_bits": (1, 8),
    "hidden_bits": (1, 8),
    "rah_bits": (MIN_RAH_BITS, MAX_RAH_BITS),
    "current_bits": (MIN_CURRENT_BITS, MAX_CURRENT_BITS),
}
"""Range of each width of a network, in bits."""
NEURON_PER = ("column", "position")
"""A neuron serves one column at all positions, or one column at one position."""


@dataclass(frozen=True, eq=False)
class Network(Shown):
    """A trained network in integers.

    Networks are equal if all their values are, as those of one file; their hash fits.

    Parameters
    ----------
    layers : sequence of Layer
        Layers, first to last; the outputs of each drive the next.
    neuron : Neuron
        Neuron of the hidden layers.
    image_shape : tuple of int
        Height and width of an image, and its channels if it has more than one. A dense first layer
        has one row for each value.
    pixel_bits, hidden_bits : int
        Width of a pixel and of a hidden activation, unsigned, 1 to 8.
    rah_bits : int
        Width of an R_AH word, signed, 2 to 8.
    current_bits : int
        Width of a neuron's input current, unsigned, 4 to 12 and at least `hidden_bits`.
    provenance : dict
        Origin of the network: plain JSON values, without dates.
    neuron_per : str
        ``column`` if all positions of a column share a neuron, ``position`` if each position has
        its own neuron, which varies by itself on a chip.

    Raises
    ------
    ValueError
        If a value is outside its range or the layers do not fit one another.
    """

    layers: tuple[Layer, ...]
    neuron: Neuron
    image_shape: tuple[int, ...]
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    current_bits: int = 8
    provenance: dict[str, Any] = field(default_factory=dict)
    neuron_per: str = "column"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        for name, (low, high) in WIDTHS.items():
            # A plain int, since JSON cannot express NumPy's.
            object.__setattr__(self, name, check_range(name, getattr(self, name), low, high))
        check_range("current_bits", self.current_bits, self.hidden_bits, MAX_CURRENT_BITS)
        check_range("number of layers", len(self.layers), 1, MAX_LAYERS)
        shape = tuple(
            check_range("each side of an image", side, 1, MAX_LINES) for side in self.image_shape
        )
        shape = shape[:2] if shape[2:] == (1,) else shape
        object.__setattr__(self, "image_shape", shape)
        first, last = self.layers[0], self.layers[-1]
        if len(shape) not in (2, 3) or first.kind.rows(shape) != first.rows:
            raise ValueError(
                f"images of shape {shape} do not fit a first layer of "
                f"{first.kind.takes(first.rows)}"
            )
        if last.uses != last.columns:
            raise ValueError(
                f"the last layer must have one position, not {last.kind.positions}: its sums are "
                "the logits"
            )
        check_one_of("neuron_per", self.neuron_per, NEURON_PER)
        for number, layer in enumerate(self.layers):
            self._check_layer(number, layer)

    def _check_layer(self, number: int, layer: Layer) -> None:
        """Raise unless a layer fits the widths and the next layer."""
        here = f"layer {number}"
        last = number == len(self.layers) - 1
        if not last:
            behind = self.layers[number + 1]
            if behind.kind.rows(layer.kind.shape(layer.columns)) != behind.rows:
                raise ValueError(
                    f"{here} has {layer.kind.gives(layer.columns)}, but layer {number + 1} "
                    f"has {behind.kind.takes(behind.rows)}"
                )
        bounds: dict[str, tuple[npt.NDArray[Any], int]] = {
            f"levels of {here}": (layer.levels, 2 ** (self.rah_bits - 1))
        }
        if layer.converter is not None:
            bounds[f"offsets of {here}"] = layer.converter.offsets, 2 ** (self.current_bits + 1)
            if self.neuron_per == "column" and not layer.shared:
                raise ValueError(f"{here} has V-I converters of positions, which share neurons")
        for name, (values, bound) in bounds.items():
            if not -bound <= values.min() <= values.max() < bound:
                raise ValueError(f"{name} must be from {-bound} to {bound - 1}")
        if last != (layer.converter is None):
            raise ValueError(
                f"{here} {'is the last and has no' if last else 'needs a'} V-I converter"
            )
        table = layer.table
        tabled = not last and self.neuron.has_table
        if tabled != (table is not None):
            raise ValueError(
                f"{here} {'needs a' if tabled else 'has a'} table, "
                f"which does not fit its place or the neuron {self.neuron.name}"
            )
        size = 2**self.current_bits
        top = 2**self.hidden_bits - 1
        if table is not None and (table.shape != (size,) or int(table.max()) > top):
            raise ValueError(f"the table of {here} must have {size} entries from 0 to {top}")

    def __eq__(self, other: object) -> bool:
        return equal_values(self, other) if isinstance(other, Network) else NotImplemented

    def __hash__(self) -> int:
        widths = tuple(getattr(self, name) for name in WIDTHS)
        return hash((self.topology, self.image_shape, widths))

    @property
    def topology(self) -> tuple[int, ...]:
        """Number of values from the pixels to the classes, e.g. (784, 100, 10)."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    @property
    def positions(self) -> list[int]:
        """Number of positions at which an image uses each crossbar."""
        return [layer.kind.positions for layer in self.layers]

    @property
    def crossbars(self) -> str:
        """Description of all crossbars, for messages."""
        return "; ".join(layer.text for layer in self.layers)

    @property
    def notes(self) -> list[str]:
        """One line for each crossbar if an image uses one several times; empty otherwise."""
        if max(self.positions) == 1:
            return []
        return [f"layer {number}: {layer.text}" for number, layer in enumerate(self.layers)]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.layers[-1].columns

    @property
    def beyond_words(self) -> str | None:
        """First layer that gateware cannot compute, with the reason; None if it can run all."""
        for number, layer in enumerate(self.layers):
            if layer.beyond_words is not None:
                return f"layer {number}: {layer.beyond_words}"
        return None

    @property
    def weights(self) -> list[npt.NDArray[np.int8]]:
        """Signed R_AH words of each crossbar, shape (rows, columns); read-only."""
        return [layer.words for layer in self.layers]

    def predict(self, images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the class of each image; see `allspin.GoldenModel.classify`."""
        # The golden model imports this module.
        from allspin.sim.network.golden import GoldenModel

        return GoldenModel(self).classify(images)

    def accuracy(self, images: npt.NDArray[Any], labels: npt.ArrayLike) -> float:
        """Return the share of images whose class is their label."""
        return float(np.mean(self.predict(images) == np.asarray(labels)))

    def save(self, path: str | Path) -> None:
        """Write the network to a file; see `allspin.save_network`."""
        # The file format imports this module.
        from allspin.sim.network.netfile import save_network

        save_network(self, path)

    def neurons(self, layer: int) -> int:
        """Return the number of neurons of a layer: one for each column, or for each use."""
        here = self.layers[layer]
        return here.uses if self.neuron_per == "position" else here.columns

    def input_bits(self, layer: int) -> int:
        """Return the width of the values that drive a layer's rows."""
        return self.pixel_bits if layer == 0 else self.hidden_bits
