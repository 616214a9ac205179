"""Retention by thermal activation: what a cell keeps of its R_AH after a time at a temperature.

A region of a film turns over a barrier E after a mean time (L. Neel, Ann. Geophys. 5, 99, 1949;
W. F. Brown, Phys. Rev. 130, 1677, 1963), which is Arrhenius' law::

    tau = attempt_time exp(E / (k T))

One barrier gives an exponential. A cell of many regions, whose barriers are distributed about a
mean E with a deviation `within`, keeps the mean of their exponentials::

    kept = mean over u of exp(-exp(-(x + u within / (k T))))
    x    = E / (k T) - ln(t / attempt_time)

u is normal or uniform, of deviation 1. Where the distribution is broad this falls with the
logarithm of time: by ``k T p(E)`` for each factor e, p being the density of barriers at
``k T ln(t / attempt_time)`` (R. Street, J. C. Woolley, Proc. Phys. Soc. A 62, 562, 1949).
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
"""k in electronvolt a kelvin (exact in the SI, here to ten digits)."""
DISTRIBUTIONS = {
    "normal": "normally distributed",
    "uniform": "evenly distributed",
}
"""How the barriers of a cell's regions are distributed."""
MAX_BARRIERS = 128
"""Places along the range that have a barrier of their own."""
MAX_BARRIER = 100.0
"""In electronvolt: far above any that a film turns over."""
MIN_TEMPERATURE, MAX_TEMPERATURE = 1.0, 2000.0
"""In kelvin."""
MAX_AGE = 1e12
"""Seconds."""
BROAD = 64.0
"""From this deviation on, in k T, a region is either as it was or gone."""
FAR = 40.0
"""Barriers, in k T, that are not turned over to all purposes."""
REACH = {"normal": 8.0, "uniform": math.sqrt(3)}
"""Ends of a distribution of deviation 1, or where it has ended to all purposes."""
STEPS = {"normal": 32, "uniform": 64}
"""Points of a quadrature for each k T of deviation, and at least in all."""
CHUNK = 1 << 16
"""Points and places of a quadrature that are computed at once."""
GUMBEL_MEAN, GUMBEL_VARIANCE = 0.5772156649015329, math.pi**2 / 6
"""Of the logarithm of an exponential's time, as it is read on the axis of barriers."""


@dataclass(frozen=True)
class Retention(Parameters):
    """How cells lose their R_AH by thermal activation.

    Parameters
    ----------
    barrier : float or tuple of float
        Mean barrier of a cell in electronvolt, 0 to 100: one, or 2 to 128 of them along the range
        of R_AH, with straight lines between.
    attempt_time : float
        In seconds, 1e-15 to 1.
    positions : tuple of float
        Where each barrier is, as a fraction of the range from the lowest R_AH (0) to the highest
        (1), rising; evenly spaced from end to end if it is empty. Beyond the outermost ones the
        barrier stays as it is there.
    within : float
        Standard deviation of the barriers of a cell's regions, in electronvolt, 0 to 100.
    between : float
        Standard deviation between the mean barriers of cells, in electronvolt, 0 to 100.
    distribution : str
        One of `DISTRIBUTIONS`: of the regions' barriers; cells' means are normally distributed.
    equilibrium : float
        What R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends.
    temperature : float
        In kelvin, 1 to 2000.

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
        """``k T`` in electronvolt."""
        return BOLTZMANN * self.temperature

    @property
    def barriers(self) -> tuple[float, ...]:
        """The barriers, one or several."""
        return self.barrier if isinstance(self.barrier, tuple) else (self.barrier,)

    def barrier_at(self, position: npt.ArrayLike) -> Array:
        """Mean barrier in electronvolt of a cell that holds R_AH at a fraction of the range."""
        places = self.positions or np.linspace(0, 1, max(len(self.barriers), 2))
        where, held = np.asarray(position, np.float64), np.asarray(self.barriers)
        return np.asarray(np.interp(where, places, np.broadcast_to(held, len(places))), np.float64)

    def passed(self, age: float) -> float:
        """The barrier, in k T, that a time in seconds turns over: ``ln(age / attempt_time)``."""
        return math.log(age / self.attempt_time)

    def kept(self, position: npt.ArrayLike, age: float, deviate: npt.ArrayLike = 0.0) -> Array:
        """Share that a cell keeps of its distance from what R_AH decays to.

        Parameters
        ----------
        position : array_like of float
            R_AH that was written, as a fraction of the range, 0 to 1.
        age : float
            Seconds since then.
        deviate : array_like of float
            The cell's own deviation between cells, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            0 to 1.
        """
        own = self.barrier_at(position) + self.between * np.asarray(deviate, np.float64)
        if age <= 0:
            return np.ones(own.shape)
        x = own / self.thermal_energy - self.passed(age)
        return survival(x, self.within / self.thermal_energy, self.distribution)

    def readings(self, age: float) -> list[str]:
        """What it says, a line each, for reports."""
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
    """One number or a list of them, each checked."""
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(check_number(name, one, 0.0, high) for one in several)


@lru_cache(maxsize=32)
def _quadrature(spread: float, distribution: str) -> tuple[Array, Array]:
    """Places u of a distribution of deviation 1, and the weight of each.

    Both densities are sampled at the middles of equal steps, finely enough for a step of the
    exponential, which is 1 wide against a distribution of deviation `spread`.
    """
    if not spread:
        return np.zeros(1), np.ones(1)
    reach, count = REACH[distribution], STEPS[distribution] * math.ceil(max(spread, 1.0))
    u = reach * ((2 * np.arange(count) + 1) / count - 1)
    weights = np.exp(-(u**2) / 2) if distribution == "normal" else np.ones(count)
    return u, weights / weights.sum()


def survival(x: npt.ArrayLike, spread: float, distribution: str = "normal") -> Array:
    """Share of regions that have not turned yet.

    Parameters
    ----------
    x : array_like of float
        Their mean barrier above the one that the time turns over, in k T.
    spread : float
        Standard deviation of their barriers, in k T.
    distribution : str
        One of `DISTRIBUTIONS`.

    Returns
    -------
    ndarray of float64, the shape of `x`
        0 to 1.
    """
    above = np.asarray(x, np.float64)
    if spread > BROAD:
        return _broad(above, spread, distribution)
    u, weights = _quadrature(spread, distribution)
    kept = np.empty(above.size)
    chunk = max(CHUNK // u.size, 1)
    with np.errstate(over="ignore"):  # long gone: exp(-inf) is 0
        for place in range(0, above.size, chunk):
            some = above.reshape(-1)[place : place + chunk, np.newaxis] + spread * u
            kept[place : place + chunk] = np.exp(-np.exp(-some)) @ weights
    return kept.reshape(above.shape)


def _broad(above: Array, spread: float, distribution: str) -> Array:
    """`survival` where the exponential is a step against the distribution of barriers."""
    if distribution == "uniform":
        half = REACH["uniform"] * spread
        return (_passed_over(above + half) - _passed_over(above - half)) / (2 * half)
    from scipy.special import ndtr

    wide = math.hypot(spread, math.sqrt(GUMBEL_VARIANCE))
    return np.asarray(ndtr((above - GUMBEL_MEAN) / wide))


def _passed_over(x: Array) -> Array:
    """Integral of ``exp(-exp(-v))`` over v up to x: the exponential integral E1 of ``exp(-x)``."""
    from scipy.special import exp1

    with np.errstate(over="ignore"):
        return np.where(x > FAR, x - GUMBEL_MEAN, exp1(np.exp(-np.minimum(x, FAR))))
