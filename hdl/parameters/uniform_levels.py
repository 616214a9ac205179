"""Uniform levels: R_AH words that the numbers of their states stand for.

The word of state s is ``lowest + step * s``. So a column's sum of values times words is
``step * S + lowest * V``: S is its sum of values times states, and V the sum of the values, which
is the same for all columns.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.checks import keep_in_range
from allspin.sim.errors import check_range
from allspin.sim.network.levels import MAX_RAH_BITS, MAX_STATES, MIN_STATES

MOST_WORD = 2 ** (MAX_RAH_BITS - 1) - 1


@dataclass(frozen=True)
class UniformLevels:
    """Levels at equal distances, rising.

    Parameters
    ----------
    count : int
        Number of levels, 2 to 128.
    step : int
        From one to the next, 1 to 255.
    lowest : int
        The word of state 0, -128 to 127.

    Raises
    ------
    ValueError
        If a value is outside its range, or the highest level above 127.
    """

    count: int
    step: int
    lowest: int

    def __post_init__(self) -> None:
        words = -MOST_WORD - 1, MOST_WORD
        steps = 1, 2 * MOST_WORD + 1
        keep_in_range(self, count=(MIN_STATES, MAX_STATES), step=steps, lowest=words)
        check_range("the highest level", self.words[-1], *words)

    @classmethod
    def from_table(cls, levels: npt.NDArray[np.integer]) -> Self | None:
        """Return the levels of a table; None if they are not uniform.

        Parameters
        ----------
        levels : ndarray of int, shape (states,)
            The R_AH word of each state.
        """
        steps = np.diff(levels.astype(int))
        if not len(steps) or steps[0] < 1 or (steps != steps[0]).any():
            return None
        return cls(len(levels), int(steps[0]), int(levels[0]))

    @property
    def bits(self) -> int:
        """Fewest bits that hold a state."""
        return (self.count - 1).bit_length()

    @property
    def words(self) -> range:
        """The word of each state."""
        return range(self.lowest, self.lowest + self.step * (self.count - 1) + 1, self.step)

    def __str__(self) -> str:
        """Return the words that messages use."""
        return f"{self.count} states from {self.lowest} in steps of {self.step}"
