"""What the engine did for one image, as the cycles at which each stage took something."""

from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.show.pictures.timeline import EVENT, SUM


def timeline(activity: npt.NDArray[np.uint64], layers: int) -> dict[str, Any]:
    """The cycles of each stage.

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
        return np.flatnonzero(activity >> np.uint64(4 * layer + bit) & np.uint64(1)).tolist()

    return {
        "clocks": len(activity),
        "stages": [
            {"rows": cycles(layer, EVENT), "sums": cycles(layer, SUM)} for layer in range(layers)
        ],
    }
