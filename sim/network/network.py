"""A trained network as the machine runs it: integers only.

Layer by layer, the state of each synapse, what a state is worth (R_AH words), the V-I
converter of each column and the neuron's table. `allspin.sim.network.netfile` stores it,
`allspin.sim.network.golden` computes with it, and the engine's parameters are derived from it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_one_of, check_power_of_two, check_range
from allspin.sim.network.adc import (
    MAX_ADC_BITS,
    MAX_TILE_ROWS,
    MIN_ADC_BITS,
    MIN_TILE_ROWS,
    Adc,
    frozen,
)
from allspin.sim.network.layer_kinds import DENSE, MAX_LINES, LayerKind
from allspin.sim.network.levels import (
    MAX_RAH_BITS,
    MAX_STATES,
    MIN_RAH_BITS,
    MIN_STATES,
    uniform_levels,
)
from allspin.sim.network.neuron import Neuron, SotNeuron
from allspin.sim.parameters import Brief, Shown

GAIN_BITS = 10
"""Width of a V-I converter's gain, unsigned."""
MAX_SHIFT = 31
MAX_LAYERS = 15
MIN_CURRENT_BITS = 4
MAX_CURRENT_BITS = 12
WIDTHS = {
    "pixel_bits": (1, 8),
    "hidden_bits": (1, 8),
    "rah_bits": (MIN_RAH_BITS, MAX_RAH_BITS),
    "current_bits": (MIN_CURRENT_BITS, MAX_CURRENT_BITS),
}
"""What a network has widths of, in bits, and their ranges."""
NEURON_PER = ("column", "position")
"""What a neuron is for: a column, whose positions share it, or a column's use at a position."""


@dataclass(frozen=True, eq=False)
class Converter(Brief):
    """The V-I converters at the foot of a layer's columns.

    The input current of column c's neuron is
    ``clamp(((sum[c] * gains[c]) >> shift) - offsets[c], 0, 2**current_bits - 1)``
    with an arithmetic shift (it rounds towards minus infinity).

    Parameters
    ----------
    gains : array_like of int, shape (columns,)
        Unsigned, below ``2**GAIN_BITS``.
    offsets : array_like of int, shape (columns,)
        Input current taken off, in steps of the current's least significant bit;
        it raises the neuron's threshold.
    shift : int
        Right shift of the product, 0 to 31.
    """

    gains: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    shift: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "gains", frozen(self.gains, np.int32))
        object.__setattr__(self, "offsets", frozen(self.offsets, np.int32))
        object.__setattr__(self, "shift", check_range("shift", self.shift, 0, MAX_SHIFT))
        if self.gains.ndim != 1 or self.gains.shape != self.offsets.shape:
            raise ValueError(
                "gains and offsets must be vectors of one length, not shapes "
                f"{self.gains.shape} and {self.offsets.shape}"
            )
        if self.gains.size and not 0 <= self.gains.min() <= self.gains.max() < 2**GAIN_BITS:
            raise ValueError(f"gains must be from 0 to {2**GAIN_BITS - 1}")


@dataclass(frozen=True, eq=False)
class Layer(Brief):
    """One crossbar, and the neurons at the foot of its columns.

    Parameters
    ----------
    states : array_like of int, shape (rows, columns)
        State index of each synapse, 0 to N - 1.
    levels : array_like of int, shape (N,)
        Signed R_AH word of each state.
    converter : Converter or None
        V-I converters of the columns; None in the last layer.
    table : array_like of int, shape (2**current_bits,), or None
        The neuron's activation at each input current; None in the last layer and for
        neurons without a table.
    adc : Adc or None
        What converts the columns' sums tile by tile; None where a column is read in one piece.
    kind : LayerKind
        How values reach the rows, and what becomes of the neurons' activations.
    """

    states: npt.NDArray[np.uint8]
    levels: npt.NDArray[np.int16]
    converter: Converter | None = None
    table: npt.NDArray[np.uint8] | None = None
    adc: Adc | None = None
    kind: LayerKind = DENSE

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", frozen(self.states, np.uint8))
        object.__setattr__(self, "levels", frozen(self.levels, np.int16))
        if self.table is not None:
            object.__setattr__(self, "table", frozen(self.table, np.uint8))
        if self.states.ndim != 2 or not all(1 <= n <= MAX_LINES for n in self.states.shape):
            raise ValueError(
                f"states must be rows x columns, each from 1 to {MAX_LINES}, "
                f"not of shape {self.states.shape}"
            )
        if self.levels.ndim != 1 or not MIN_STATES <= self.levels.size <= MAX_STATES:
            raise ValueError(
                f"levels must be a vector of {MIN_STATES} to {MAX_STATES} words, "
                f"not of shape {self.levels.shape}"
            )
        if int(self.states.max()) >= self.levels.size:
            raise ValueError(
                f"states must be from 0 to {self.levels.size - 1}, "
                f"not up to {int(self.states.max())}"
            )
        self.kind.inputs(self.rows)  # which raises where these are no rows of it
        if self.uses > MAX_LINES + 1:
            raise ValueError(
                f"a layer has at most {MAX_LINES + 1} uses for an image, which draws can name, not "
                f"{self.columns} columns at {self.kind.positions} positions"
            )
        if self.converter and not self.shared and self.converter.gains.size != self.uses:
            at = "" if self.uses == self.columns else f", or {self.uses}"
            raise ValueError(
                f"a layer of {self.columns} columns needs as many V-I converters{at}, "
                f"not {self.converter.gains.size}"
            )
        if self.adc is not None and self.adc.offsets is not None:
            shape = (self.adc.tiles(self.rows), self.columns)
            if self.adc.offsets.shape != shape:
                raise ValueError(
                    f"offsets of the converters of {shape[0]} tiles of {shape[1]} columns must "
                    f"have that shape, not {self.adc.offsets.shape}"
                )

    @property
    def rows(self) -> int:
        """Number of rows (inputs)."""
        return self.states.shape[0]

    @property
    def columns(self) -> int:
        """Number of columns (outputs)."""
        return self.states.shape[1]

    @property
    def inputs(self) -> int:
        """Number of values that an image drives it with."""
        return self.kind.inputs(self.rows)

    @property
    def uses(self) -> int:
        """Number of column sums of an image: of each column at each position."""
        return self.kind.positions * self.columns

    @property
    def outputs(self) -> int:
        """Number of values that it hands on."""
        return math.prod(self.kind.shape(self.columns))

    @property
    def text(self) -> str:
        """In words: its crossbar, and how values reach it."""
        return f"{self.rows} x {self.columns} cells, {self.kind}"

    @property
    def shared(self) -> bool:
        """Whether all positions of a column have its V-I converter and neuron."""
        return self.converter is None or self.converter.gains.size == self.columns

    def driven(self, inputs: npt.NDArray[Any]) -> int:
        """How many rows values (images, inputs) drive, at all positions together."""
        ones = np.ones((self.rows, 1))
        return int(self.kind.products((inputs != 0).astype(np.float64), ones).sum())

    @property
    def parts(self) -> dict[str, Any]:
        """What a layer is made of, by name: for one that is more than this."""
        return {each.name: getattr(self, each.name) for each in fields(Layer)}

    @property
    def words(self) -> npt.NDArray[np.int8]:
        """The crossbar's content, shape (rows, columns): signed R_AH words."""
        return self.levels[self.states].astype(np.int8)

    @property
    def matrix(self) -> npt.NDArray[np.float64] | None:
        """What the columns sum, shape (rows, columns), where no words say it; else None."""
        return None

    @property
    def beyond_words(self) -> str | None:
        """Why no words say what the columns sum, or no gateware does; None where it can run."""
        return self.kind.beyond_gateware


@dataclass(frozen=True, eq=False)
class Network(Shown):
    """A whole network.

    Parameters
    ----------
    layers : sequence of Layer
        First to last; each is driven by what the one before hands on.
    neuron : Neuron
        The hidden layers' neuron.
    image_shape : tuple of int
        Height and width of an image, and its channels if it has more than one; a first layer that
        is dense has a row for each value.
    pixel_bits, hidden_bits : int
        Width of a pixel and of a hidden activation, unsigned, 1 to 8.
    rah_bits : int
        Width of an R_AH word, signed, 2 to 8.
    current_bits : int
        Width of a neuron's input current, unsigned, 4 to 12 and at least `hidden_bits`.
    provenance : dict
        Where the network comes from: plain JSON values, no dates.
    neuron_per : str
        ``column``: all positions of a column share a neuron; or ``position``: each has its own,
        with errors of its own on a chip.

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
            # As a plain int: JSON takes none of NumPy's.
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
        """Raise unless a layer goes with the widths and with the layer behind it."""
        here, last = f"layer {number}", number == len(self.layers) - 1
        for behind in self.layers[number + 1 : number + 2]:
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
        table, tabled = layer.table, not last and self.neuron.has_table
        if tabled != (table is not None):
            raise ValueError(
                f"{here} {'needs a' if tabled else 'has a'} table, "
                f"which does not fit its place or the neuron {self.neuron.name}"
            )
        size, top = 2**self.current_bits, 2**self.hidden_bits - 1
        if table is not None and (table.shape != (size,) or int(table.max()) > top):
            raise ValueError(f"the table of {here} must have {size} entries from 0 to {top}")

    @property
    def topology(self) -> tuple[int, ...]:
        """How many values there are from the pixels to the classes, e.g. (784, 100, 10)."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    @property
    def positions(self) -> list[int]:
        """How often an image uses each crossbar."""
        return [layer.kind.positions for layer in self.layers]

    @property
    def crossbars(self) -> str:
        """Its crossbars in words."""
        return "; ".join(layer.text for layer in self.layers)

    @property
    def notes(self) -> list[str]:
        """A line on each crossbar where an image uses one several times; else none."""
        if max(self.positions) == 1:
            return []
        return [f"layer {number}: {layer.text}" for number, layer in enumerate(self.layers)]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.layers[-1].columns

    @property
    def beyond_words(self) -> str | None:
        """The first layer that no R_AH words say, and why; None where gateware can run it."""
        for number, layer in enumerate(self.layers):
            if layer.beyond_words is not None:
                return f"layer {number}: {layer.beyond_words}"
        return None

    @property
    def weights(self) -> list[npt.NDArray[np.int8]]:
        """R_AH words of each crossbar, signed, shape (rows, columns)."""
        return [layer.words for layer in self.layers]

    def predict(self, images: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Class of each image, as of `allspin.GoldenModel.classify`."""
        from allspin.sim.network.golden import GoldenModel

        return GoldenModel(self).classify(images)

    def accuracy(self, images: npt.NDArray[Any], labels: npt.ArrayLike) -> float:
        """Share of images whose class is their label."""
        return float(np.mean(self.predict(images) == np.asarray(labels)))

    def save(self, path: str | Path) -> None:
        """Write the network's file, as of `allspin.save_network`."""
        from allspin.sim.network.netfile import save_network

        save_network(self, path)

    def neurons(self, layer: int) -> int:
        """Number of a layer's neurons: of its columns, or of all its positions."""
        here = self.layers[layer]
        return here.uses if self.neuron_per == "position" else here.columns

    def input_bits(self, layer: int) -> int:
        """Width of the values that drive the rows of a layer."""
        return self.pixel_bits if layer == 0 else self.hidden_bits


@dataclass(frozen=True)
class Tiles:
    """What a network is cut into, before a step is known.

    Parameters
    ----------
    rows : int
        Rows of a tile, a power of two from 8 to 65536.
    bits : int
        Of a converter, 2 to 24.
    """

    rows: int
    bits: int

    def __post_init__(self) -> None:
        check_power_of_two("`tile_rows`", self.rows, MIN_TILE_ROWS, MAX_TILE_ROWS)
        check_range("`adc_bits`", self.bits, MIN_ADC_BITS, MAX_ADC_BITS)

    @classmethod
    def asked(cls, tile_rows: int | None = None, adc_bits: int | None = None) -> "Tiles | None":
        """The tiles of a pair of options; None where neither is given.

        Raises
        ------
        ValueError
            If one is given without the other, or a value is outside its range.
        """
        if tile_rows is None and adc_bits is None:
            return None
        if tile_rows is None or adc_bits is None:
            given, lacking = ("adc_bits", "tile_rows")[:: 1 if tile_rows is None else -1]
            raise ValueError(f"`{given}` needs `{lacking}`")
        return cls(tile_rows, adc_bits)

    @property
    def text(self) -> str:
        """In words."""
        return f"tiles of {self.rows} rows, converters of {self.bits} bits"

    def to_dict(self) -> dict[str, int]:
        """By the names of the options."""
        return {"tile_rows": self.rows, "adc_bits": self.bits}


def tiles_of(network: Network) -> list[Tiles | None]:
    """What each layer of a network is cut into; None where columns are read in one piece."""
    adcs = [layer.adc for layer in network.layers]
    return [None if adc is None else Tiles(adc.rows, adc.bits) for adc in adcs]


def uncut(network: Network) -> Network:
    """The network with columns that are read in one piece."""
    return replace(network, layers=tuple(replace(layer, adc=None) for layer in network.layers))


def with_steps(network: Network, tiles: Tiles, shifts: Sequence[int]) -> Network:
    """The network cut into tiles, with a step of ``2**shift`` for each layer."""
    layers = tuple(
        replace(layer, adc=Adc(tiles.rows, tiles.bits, shift))
        for layer, shift in zip(network.layers, shifts, strict=True)
    )
    return replace(network, layers=layers)


def random_network(
    topology: tuple[int, ...],
    seed: int,
    *,
    kinds: Sequence[LayerKind] = (),
    image_shape: tuple[int, ...] | None = None,
    states: int = 10,
    neuron: Neuron | None = None,
    pixel_bits: int = 4,
    hidden_bits: int = 4,
    rah_bits: int = 8,
    current_bits: int = 8,
) -> Network:
    """A network whose neurons use their whole range.

    Parameters
    ----------
    topology : tuple of int
        How many values an image has, and the columns of each layer.
    seed : int
        Of all draws.
    kinds : sequence of LayerKind
        Of the first layers; all others are dense.
    image_shape : tuple of int, optional
        As in `Network`; all values in one line by default.
    states, neuron, pixel_bits, hidden_bits, rah_bits, current_bits
        As in `Network`; the SOT neuron by default.
    """
    rng = np.random.default_rng(seed)
    neuron = neuron or SotNeuron()
    layers = []
    shape = images = (1, topology[0]) if image_shape is None else image_shape
    for number, columns in enumerate(topology[1:]):
        kind = kinds[number] if number < len(kinds) else DENSE
        rows, shape = kind.rows(shape), kind.shape(columns)
        levels = uniform_levels(states, rah_bits)
        converter = table = None
        if number < len(topology) - 2:
            top = 2 ** (hidden_bits if number else pixel_bits) - 1
            # Half the inputs are driven, with half of full scale: sums spread this far.
            spread = np.sqrt(rows / 2) * np.abs(levels).mean() * top / 2
            gains = rng.integers(2 ** (GAIN_BITS - 1), 2**GAIN_BITS, columns, dtype=np.int32)
            shift = int(np.log2(max(1, spread * gains.mean() / 2 ** (current_bits - 1))))
            bound = 2 ** (current_bits - 4)
            offsets = rng.integers(-bound, bound, columns, dtype=np.int32)
            converter = Converter(gains, offsets, shift)
            if neuron.has_table:
                table = neuron.table(current_bits, hidden_bits)
        drawn = rng.integers(0, states, (rows, columns), dtype=np.uint8)
        layers.append(Layer(drawn, levels, converter, table, kind=kind))
    return Network(tuple(layers), neuron, images, pixel_bits, hidden_bits, rah_bits, current_bits)


def random_images(network: Network, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Images with any share of black, among them one black throughout and one white.

    Returns
    -------
    ndarray of uint8, shape (count, height, width) or (count, height, width, channels)
    """
    rng = np.random.default_rng(seed)
    shape = (count, *network.image_shape)
    black = rng.random(shape) < rng.random((count, *(1,) * len(network.image_shape)))
    images = np.where(black, 0, rng.integers(0, 256, shape)).astype(np.uint8)
    images[:1] = 0
    images[1:2] = 255
    return images
