"""What is drawn of a fit, without Matplotlib, so that a fit does without it."""

from dataclasses import dataclass, field

from allspin.host.estimate.goodness import Goodness
from allspin.sim.synapse.response import Array


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """A curve, and its model.

    Attributes
    ----------
    name : str
        Of what the colour tells, such as the device.
    x, cycles, model : ndarray
        Of shapes (points,), (cycles, points) and (points,).
    line : (ndarray, ndarray) or None
        The model on places closer to one another; without it the model is drawn at the points.
    device : str
        What it is of, where the colour tells something else.
    """

    name: str
    x: Array
    cycles: Array
    model: Array
    line: tuple[Array, Array] | None = None
    device: str = ""


@dataclass
class Panel:
    """Curves over one another, and below them what their models leave.

    Attributes
    ----------
    title, x : str
        What stands above it, and at the x axis.
    goodness : Goodness or None
        How well the curves are described, if that is to be said.
    log : bool
        Whether x is told by its logarithm.
    curves : list of PanelCurve
        In the order of the legend.
    aside : list of (ndarray, ndarray)
        Points, or cycles, that were set aside.
    mean : (ndarray, ndarray) or None
        A dashed line, of the mean device.
    threshold : float or None
        A place that is marked.
    """

    title: str
    x: str
    goodness: Goodness | None = None
    log: bool = False
    curves: list[PanelCurve] = field(default_factory=list)
    aside: list[tuple[Array, Array]] = field(default_factory=list)
    mean: tuple[Array, Array] | None = None
    threshold: float | None = None
