"""Data of pictures of fits; a fit makes them without importing Matplotlib."""

from dataclasses import dataclass, field

import numpy as np

from allspin.host.estimate.goodness import Goodness
from allspin.sim.synapse.response import Array


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """Curve, and its model.

    Attributes
    ----------
    name : str
        Name in the legend, such as the device.
    x, cycles, model : ndarray
        Abscissa, data and model, of shapes (points,), (cycles, points) and (points,).
    line : (ndarray, ndarray) or None
        The model on a finer grid; None to draw it at the points.
    """

    name: str
    x: Array
    cycles: Array
    model: Array
    line: tuple[Array, Array] | None = None

    @property
    def mean(self) -> Array:
        """Mean over cycles, shape (points,)."""
        return np.nanmean(self.cycles, axis=0)


@dataclass
class Panel:
    """Curves in one diagram, and beside them the residuals of their models.

    Attributes
    ----------
    title, x : str
        Title, and label of the x axis.
    goodness : Goodness or None
        Agreement of the model with the curves, if it is shown.
    log : bool
        True for a logarithmic x axis.
    curves : list of PanelCurve
        In the order of the legend.
    aside : list of (ndarray, ndarray)
        Points, or cycles, that were set aside.
    mean : (ndarray, ndarray) or None
        A dashed line, of the mean device.
    """

    title: str
    x: str
    goodness: Goodness | None = None
    log: bool = False
    curves: list[PanelCurve] = field(default_factory=list)
    aside: list[tuple[Array, Array]] = field(default_factory=list)
    mean: tuple[Array, Array] | None = None
