"""One crossbar of a network, with the V-I converters and neurons at the foot of its columns."""

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_range
from allspin.sim.network.adc import Adc, frozen
from allspin.sim.network.layer_kinds import DENSE, MAX_LINES, LayerKind
from allspin.sim.network.levels import MAX_STATES, MIN_STATES
from allspin.sim.parameters import Brief

GAIN_BITS = 10
"""Width of a V-I converter's gain, unsigned."""
MAX_SHIFT = 31


@dataclass(frozen=True, eq=False)
class Converter(Brief):
    """The V-I converters at the foot of a layer's columns.

    The input current of column c's neuron is
    ``clamp(((sum[c] * gains[c]) >> shift) - offsets[c], 0, 2**current_bits - 1)``
    with an arithmetic shift (it rounds towards minus infinity).

    Parameters
    ----------
    gains : array_like of int, shape (columns,)
        Gains, unsigned, below ``2**GAIN_BITS``.
    offsets : array_like of int, shape (columns,)
        Input current that is subtracted, in least significant bits of the current; it raises
        the neuron's threshold.
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
        ADCs that convert the columns' sums tile by tile; None if a column is read in one piece.
    kind : LayerKind
        Dense layer or convolution.
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
        self.kind.inputs(self.rows)  # raises if the kind cannot have that number of rows
        self._check_converters()

    def _check_converters(self) -> None:
        """Raise unless V-I converters and ADCs match the columns, positions and tiles."""
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
        """Number of an image's values that drive the layer."""
        return self.kind.inputs(self.rows)

    @property
    def uses(self) -> int:
        """Number of column sums of an image: one for each column and position."""
        return self.kind.positions * self.columns

    @property
    def outputs(self) -> int:
        """Number of output values."""
        return math.prod(self.kind.shape(self.columns))

    @property
    def text(self) -> str:
        """Description of the crossbar and the layer's kind, for messages."""
        return f"{self.rows} x {self.columns} cells, {self.kind}"

    @property
    def shared(self) -> bool:
        """True if all positions of a column share its V-I converter and neuron."""
        return self.converter is None or self.converter.gains.size == self.columns

    def driven(self, inputs: npt.NDArray[Any]) -> int:
        """Count the driven rows over all positions for values (images, inputs)."""
        ones = np.ones((self.rows, 1))
        return int(self.kind.products((inputs != 0).astype(np.float64), ones).sum())

    @property
    def parts(self) -> dict[str, Any]:
        """Fields of a `Layer` by name, from which a subclass makes a copy of itself."""
        return {each.name: getattr(self, each.name) for each in fields(Layer)}

    @property
    def words(self) -> npt.NDArray[np.int8]:
        """Signed R_AH words of the crossbar, shape (rows, columns); read-only."""
        words = self.levels[self.states].astype(np.int8)
        words.setflags(write=False)
        return words

    @property
    def matrix(self) -> npt.NDArray[np.float64] | None:
        """Real-valued weights (rows, columns) that no R_AH words express; None by default."""
        return None

    @property
    def beyond_words(self) -> str | None:
        """Reason why gateware cannot compute the layer; None if it can."""
        return self.kind.beyond_gateware
