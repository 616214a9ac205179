"""The measured response of one polarity: R_AH against pulse, mean and spread, without any fit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.parameters import Brief
from allspin.sim.synapse.distribution import Distribution
from allspin.sim.synapse.response import MAX_RAH, Array

MAX_TABLE = 20_000
"""Largest number of pulses of a table; a device file with two such tables can be read."""


def along(table: Array, pulses: npt.ArrayLike) -> Array:
    """Interpolate a table at numbers of pulses; the last value applies beyond its end."""
    return np.interp(np.asarray(pulses, np.float64), np.arange(table.size), table)


def rising(values: npt.ArrayLike) -> Array:
    """Return the nearest non-decreasing sequence in the least-squares sense.

    Decreasing neighbours are pooled into their mean (isotonic regression: R. E. Barlow et al.,
    Statistical Inference under Order Restrictions, 1972).
    """
    # SciPy's optimisers take long to import.
    from scipy.optimize import isotonic_regression

    return isotonic_regression(np.asarray(values, np.float64)).x


@dataclass(frozen=True, eq=False)
class TableResponse(Brief):
    """Measured response to pulses of one polarity.

    Parameters
    ----------
    resistance : array_like of float, shape (pulses + 1,)
        Mean R_AH before the first pulse and after each; at least two values, rising or falling
        overall.
    cycle, device : array_like of float, shape (pulses + 1,)
        Standard deviation over cycles, and between devices, at each; not negative.
    distribution : Distribution or mapping, optional
        Measured distribution of one pulse's change at each R_AH. Single pulses are drawn from it;
        the tables describe trains from the start.

    Raises
    ------
    ValueError
        If the tables have different sizes, or a value is not legal.
    """

    resistance: Array
    cycle: Array
    device: Array
    distribution: Distribution | None = None

    def __post_init__(self) -> None:
        if isinstance(self.distribution, dict):
            object.__setattr__(self, "distribution", Distribution(**self.distribution))
        for name in ("resistance", "cycle", "device"):
            given = np.array(getattr(self, name))
            wrong = given.ndim != 1 or not 2 <= given.size <= MAX_TABLE + 1
            wrong = wrong or given.dtype.kind not in "iuf"
            if wrong or not np.all(np.abs(given.astype(np.float64)) <= MAX_RAH):
                raise ValueError(
                    f"{name} must be a list of 2 to {MAX_TABLE + 1} numbers up to {MAX_RAH:g}"
                )
            if name != "resistance" and np.any(given < 0):
                raise ValueError(f"the deviations of {name} must not be negative")
            table = given.astype(np.float64)
            table.setflags(write=False)
            object.__setattr__(self, name, table)
        if not self.resistance.size == self.cycle.size == self.device.size:
            raise ValueError("resistance, cycle and device must have as many values each")
