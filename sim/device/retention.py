"""Retention: the share of R_AH that a cell keeps after a time at a temperature.

A region of a device is thermally activated over a barrier E after a mean time that follows
Arrhenius' law (L. Neel, Ann. Geophys. 5, 99, 1949; W. F. Brown, Phys. Rev. 130, 1677, 1963)::

    tau = attempt_time exp(E / (k T))

One barrier gives an exponential decay. A cell of many regions, whose barriers are distributed about
a mean E with a deviation `within`, keeps the mean of their exponentials::

    kept = mean over u of exp(-exp(-(x + u within / (k T))))
    x    = E / (k T) - ln(t / attempt_time)

u has a normal or uniform distribution of deviation 1. If the distribution is broad, the kept share
falls with the logarithm of time: by ``k T p(E)`` for each factor e, with the density p of barriers
at ``k T ln(t / attempt_time)`` (R. Street, J. C. Woolley, Proc. Phys. Soc. A 62, 562, 1949).
"""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_number
from allspin.sim.parameters import Parameters, choice, number
from allspin.sim.synapse.response import Array

BOLTZMANN = 8.617333262e-5
"""Boltzmann constant in eV/K (exact in the SI, here to ten digits)."""
DISTRIBUTIONS = {
    "normal": "normally distributed",
    "uniform": "evenly distributed",
}
"""Distributions of the barriers of a cell's regions."""
MAX_BARRIERS = 128
"""Largest number of places along the range with a barrier."""
MAX_BARRIER = 100.0
"""Largest barrier, in eV."""
MIN_TEMPERATURE = 1.0
MAX_TEMPERATURE = 2000.0
"""Range of temperatures, in K."""
MAX_AGE = 1e12
"""Largest age, in s."""
BROAD = 64.0
"""Deviation, in k T, from which the exponential acts as a step."""
FAR = 40.0
"""Distance above the passed barrier, in k T, at which no region has decayed."""
REACH = {"normal": 8.0, "uniform": math.sqrt(3)}
"""Ends of a distribution of deviation 1; the normal one is negligible beyond."""
STEPS = {"normal": 32, "uniform": 64}
"""Points of a quadrature for each k T of deviation, and smallest total."""
CHUNK = 1 << 16
"""Number of quadrature points computed at once."""
GUMBEL_MEAN = 0.5772156649015329
GUMBEL_VARIANCE = math.pi**2 / 6
"""Moments of the logarithm of an exponential decay's time, on the axis of barriers."""


@dataclass(frozen=True)
class Retention(Parameters):
    """Decay of R_AH by thermal activation.

    Parameters
    ----------
    barrier : float or tuple of float
        Mean barrier of a cell in eV, 0 to 100: one value, or 2 to 128 values along the range of
        R_AH with linear interpolation.
    attempt_time : float
        Attempt time in s, 1e-15 to 1.
    positions : tuple of float
        Position of each barrier as a fraction of the range, from the lowest R_AH (0) to the highest
        (1), rising; evenly spaced if empty. Beyond the outermost positions the barrier is constant.
    within : float
        Standard deviation of the barriers of a cell's regions, in eV, 0 to 100.
    between : float
        Standard deviation between the mean barriers of cells, in eV, 0 to 100.
    distribution : str
        Distribution of the regions' barriers, one of `DISTRIBUTIONS`. The means of cells are
        normally distributed.
    equilibrium : float
        R_AH after infinite time: 0 is the middle of the range, -1 and 1 are its ends.
    temperature : float
        Temperature in K, 1 to 2000.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    barrier: float | tuple[float, ...]
    attempt_time: float = number(1e-9, 1e-15, 1.0)
    positions: tuple[float, ...] = ()
    within: float = number(0.0, 0.0, MAX_BARRIER)
    between: float = number(0.0, 0.0, MAX_BARRIER)
    distribution: str = choice("normal", DISTRIBUTIONS)
    equilibrium: float = number(0.0, -1.0, 1.0)
    temperature: float = number(300.0, MIN_TEMPERATURE, MAX_TEMPERATURE)

    def __post_init__(self) -> None:
        super().__post_init__()
        barriers = _numbers("barrier", self.barrier, MAX_BARRIER)
        if not 1 <= len(barriers) <= MAX_BARRIERS:
            raise ValueError(f"barrier must be 1 to {MAX_BARRIERS} numbers, not {len(barriers)}")
        object.__setattr__(self, "barrier", barriers[0] if len(barriers) == 1 else barriers)
        positions = _numbers("positions", self.positions, 1.0)
        if positions and len(positions) != len(barriers):
            raise ValueError(
                f"positions must be as many as barriers, {len(barriers)}, not {len(positions)}"
            )
        if any(after <= before for before, after in itertools.pairwise(positions)):
            raise ValueError("positions must rise")
        object.__setattr__(self, "positions", positions)

    @property
    def thermal_energy(self) -> float:
        """``k T`` in eV."""
        return BOLTZMANN * self.temperature

    @property
    def barriers(self) -> tuple[float, ...]:
        """All barriers as a tuple."""
        return self.barrier if isinstance(self.barrier, tuple) else (self.barrier,)

    def barrier_at(self, position: npt.ArrayLike) -> Array:
        """Return the mean barrier in eV of a cell whose R_AH is at a fraction of the range."""
        places = self.positions or np.linspace(0, 1, max(len(self.barriers), 2))
        barriers = np.broadcast_to(np.asarray(self.barriers), len(places))
        return np.asarray(np.interp(np.asarray(position, np.float64), places, barriers), np.float64)

    def passed(self, age: float) -> float:
        """Return the barrier, in k T, passed after `age` seconds: ``ln(age / attempt_time)``."""
        return math.log(age / self.attempt_time)

    def kept(self, position: npt.ArrayLike, age: float, deviate: npt.ArrayLike = 0.0) -> Array:
        """Return the kept share of a cell's distance from the equilibrium R_AH.

        Parameters
        ----------
        position : array_like of float
            Written R_AH as a fraction of the range, 0 to 1.
        age : float
            Seconds since the write.
        deviate : array_like of float
            The cell's own deviation between cells, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            Share from 0 to 1.
        """
        own = self.barrier_at(position) + self.between * np.asarray(deviate, np.float64)
        if age <= 0:
            return np.ones(own.shape)
        x = own / self.thermal_energy - self.passed(age)
        return survival(x, self.within / self.thermal_energy, self.distribution)

    def readings(self, age: float) -> list[str]:
        """Describe the decay in lines, for reports."""
        low, high = min(self.barriers), max(self.barriers)
        several = f"{low:g} eV" if low == high else f"{low:g} to {high:g} eV along the range"
        spread = [
            f"{value:g} eV {name}"
            for name, value in (
                (f"within a cell ({DISTRIBUTIONS[self.distribution]})", self.within),
                ("between cells", self.between),
            )
            if value
        ]
        about = f", deviation {' and '.join(spread)}" if spread else ""
        return [
            f"thermal activation over barriers of {several}{about}; attempt time "
            f"{self.attempt_time:g} s",
            f"kept for {age:g} s at {self.temperature:g} K",
        ]


def _numbers(name: str, value: object, high: float) -> tuple[float, ...]:
    """Check a number or a list of numbers, and return a tuple."""
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(check_number(name, one, 0.0, high) for one in several)


@lru_cache(maxsize=32)
def _quadrature(spread: float, distribution: str) -> tuple[Array, Array]:
    """Return points u of a distribution of deviation 1, and their weights.

    Both densities are sampled at the middles of equal steps, which resolve the exponential's step
    of width 1 against a distribution of deviation `spread`.
    """
    if not spread:
        return np.zeros(1), np.ones(1)
    reach = REACH[distribution]
    count = STEPS[distribution] * math.ceil(max(spread, 1.0))
    u = reach * ((2 * np.arange(count) + 1) / count - 1)
    weights = np.exp(-(u**2) / 2) if distribution == "normal" else np.ones(count)
    return u, weights / weights.sum()


def survival(x: npt.ArrayLike, spread: float, distribution: str = "normal") -> Array:
    """Return the share of regions that have not decayed.

    Parameters
    ----------
    x : array_like of float
        Distance of the mean barrier above the passed barrier, in k T.
    spread : float
        Standard deviation of the barriers, in k T.
    distribution : str
        One of `DISTRIBUTIONS`.

    Returns
    -------
    ndarray of float64, the shape of `x`
        Share from 0 to 1.
    """
    above = np.asarray(x, np.float64)
    if spread > BROAD:
        return _broad(above, spread, distribution)
    u, weights = _quadrature(spread, distribution)
    kept = np.empty(above.size)
    chunk = max(CHUNK // u.size, 1)
    with np.errstate(over="ignore"):  # exp(-inf) is 0
        for place in range(0, above.size, chunk):
            some = above.reshape(-1)[place : place + chunk, np.newaxis] + spread * u
            kept[place : place + chunk] = np.exp(-np.exp(-some)) @ weights
    return kept.reshape(above.shape)


def _broad(above: Array, spread: float, distribution: str) -> Array:
    """Compute `survival` with the exponential as a step against a broad distribution."""
    if distribution == "uniform":
        half = REACH["uniform"] * spread
        return (_passed_over(above + half) - _passed_over(above - half)) / (2 * half)
    # SciPy takes long to import.
    from scipy.special import ndtr

    wide = math.hypot(spread, math.sqrt(GUMBEL_VARIANCE))
    return np.asarray(ndtr((above - GUMBEL_MEAN) / wide))


def _passed_over(x: Array) -> Array:
    """Integrate ``exp(-exp(-v))`` over v up to x: the exponential integral E1 of ``exp(-x)``."""
    # SciPy takes long to import.
    from scipy.special import exp1

    with np.errstate(over="ignore"):
        return np.where(x > FAR, x - GUMBEL_MEAN, exp1(np.exp(-np.minimum(x, FAR))))
