"""Values of one image in a chip, and the engine's cycles for it, as messages to a page."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine_parameters import EVENT, SUM
from allspin.sim.network.golden import LayerTrace


@dataclass(frozen=True, eq=False)
class Flow:
    """Values of one image, layer by layer.

    Attributes
    ----------
    image : ndarray of uint8, shape (height, width)
        Grey levels.
    number : int
        Number of the use of the neurons, for which their C2C is drawn.
    label : int or None
        Class of a test image.
    golden : list of LayerTrace
        Of the golden model, layer by layer, each of one image.
    ideal : ndarray of int64, shape (classes,)
        Logits of the ideal chip, by the golden model.
    machine : ndarray of int64, shape (classes,), or None
        Logits of the machine; None if the golden model is the machine.
    """

    image: npt.NDArray[np.uint8]
    number: int
    label: int | None
    golden: list[LayerTrace]
    ideal: npt.NDArray[np.int64]
    machine: npt.NDArray[np.int64] | None

    @property
    def logits(self) -> npt.NDArray[np.int64]:
        """Logits of the golden model, shape (classes,)."""
        return self.golden[-1].sums[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the message to a page."""
        machine = self.logits if self.machine is None else self.machine
        return {
            "image": self.image.ravel().tolist(),
            "label": self.label,
            "number": self.number,
            "layers": [_layer_values(layer) for layer in self.golden],
            "golden": self.logits.tolist(),
            "ideal": self.ideal.tolist(),
            "machine": None if self.machine is None else self.machine.tolist(),
            "mismatches": int(np.count_nonzero(machine != self.logits)),
        }


def _layer_values(layer: LayerTrace) -> dict[str, list[int] | None]:
    """Return the values of one image in a layer."""
    found: dict[str, list[int] | None] = {}
    for name in ("inputs", "sums", "currents", "activations"):
        values = getattr(layer, name)
        found[name] = None if values is None else values[0].tolist()
    return found


def timeline(activity: npt.NDArray[np.uint64], layers: int) -> dict[str, Any]:
    """Return the cycles in which each stage worked.

    Parameters
    ----------
    activity : ndarray of uint64, shape (clocks,)
        The engine's, of one image.
    layers : int
        Layers of the network.

    Returns
    -------
    dict
        ``clocks``, how many there are, and of each layer ``rows``, the cycles at which it took a
        driven row, and ``sums``, those at which it gave a column's sum away: both in the order of
        rows and columns.
    """

    def cycles(layer: int, bit: int) -> list[int]:
        place = np.uint64(4 * layer + bit)
        return np.flatnonzero(activity >> place & np.uint64(1)).tolist()

    stages = []
    for layer in range(layers):
        stages.append({"rows": cycles(layer, EVENT), "sums": cycles(layer, SUM)})
    return {"clocks": len(activity), "stages": stages}
