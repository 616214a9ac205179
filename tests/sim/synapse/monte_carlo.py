"""Films that are pulsed one by one, by lookup tables as CrossSim writes them.

Written without the code under test: the distribution is interpolated here, without a grid of
states.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]
LOW, HIGH = 1e-5, 3e-5


class Table:
    """A lookup table of a film that moves by skewed changes of a twelfth of the range or so.

    Parameters
    ----------
    sign : int
        1 for rising conductance, -1 for falling.
    noise : float
        Deviation of a change, as a share of the range.
    bend : float
        Distance beyond the end that the film would go, in ranges.
    """

    def __init__(self, sign: int, noise: float = 0.05, bend: float = 0.3) -> None:
        self.sign = sign
        self.places = np.linspace(LOW, HIGH, 60)
        self.shares = np.linspace(0, 1, 201)
        gone = (self.places - LOW) / (HIGH - LOW)
        left = 1 + bend - (gone if sign > 0 else 1 - gone)
        # Few pulses move much: skewed to the right.
        skewed = np.array(stats.gamma(2).ppf(np.clip(self.shares, 1e-3, 1 - 1e-3)), np.float64)
        skewed = (skewed - 2) / np.sqrt(2)
        spread = noise * (0.4 + gone)
        self.changes = sign * (0.1 * left + np.outer(skewed, spread)) * (HIGH - LOW)

    @property
    def start(self) -> float:
        """Conductance from which its pulses start."""
        return LOW if self.sign > 0 else HIGH

    def write(self, path: Path) -> Path:
        """Write it as CrossSim does."""
        rows = [self.places, self.shares, *self.changes]
        lines = ["1st Row = Gbins, 2nd Row = CDF Points, 3rd row onward =  dG matrix"]
        lines += [",".join(f"{value:.12g}" for value in row) for row in rows]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    def pulsed(self, films: Array, rng: np.random.Generator, even: bool = False) -> Array:
        """Films after one pulse each.

        With `even` the distribution is cut into as many equal parts, with one film in each: films
        are not independent of each other, and their mean scatters less.
        """
        chance = rng.random(films.size)
        if even:
            chance = (rng.permutation(films.size) + chance) / films.size
        chance *= self.shares.size - 1
        row, place = chance.astype(int), (films - LOW) / (HIGH - LOW) * (self.places.size - 1)
        column = np.minimum(place.astype(int), self.places.size - 2)
        across, along = chance - row, place - column
        first = self.changes[row, column] * (1 - across) + self.changes[row + 1, column] * across
        second = self.changes[row, column + 1] * (1 - across)
        second += self.changes[row + 1, column + 1] * across
        return np.clip(films + first * (1 - along) + second * along, LOW, HIGH)

    def trains(self, pulses: int, films: int, rng: np.random.Generator) -> Array:
        """Films after each pulse, from the start, shape (pulses + 1, films)."""
        found = [np.full(films, self.start)]
        for _ in range(pulses):
            found.append(self.pulsed(found[-1], rng, even=True))
        return np.array(found)
