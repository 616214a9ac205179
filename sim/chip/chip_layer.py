"""A layer of a chip, whose cells hold R_AH words of their own."""

from dataclasses import dataclass, field

from allspin.sim.chip.words import Words
from allspin.sim.network.layer import Layer


@dataclass(frozen=True, eq=False)
class ChipLayer(Layer):
    """A layer whose cells hold R_AH words of their own, not those of their states.

    Parameters
    ----------
    cells : ndarray of int8, shape (rows, columns)
        R_AH words; a keyword argument.
    """

    cells: Words = field(kw_only=True)

    @property
    def words(self) -> Words:
        """R_AH words of the crossbar, shape (rows, columns)."""
        return self.cells
