"""Stuck cells of a chip: which they are, and what is read of them whatever is written."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.fixed_point import WORD_BITS, Integers
from allspin.sim.chip.generator import Purpose, draw_bits
from allspin.sim.device.imperfections import Imperfections


@dataclass(frozen=True, eq=False)
class Stuck:
    """Stuck cells of a crossbar.

    Attributes
    ----------
    cells : ndarray of bool, shape (rows, columns)
        Which cells.
    bits : ndarray of uint32, shape (rows, columns)
        Random bits that say where a cell is stuck.
    at : str
        One of `allspin.sim.device.imperfections.STUCK_ENDS`.
    """

    cells: npt.NDArray[np.bool_]
    bits: npt.NDArray[np.uint32]
    at: str

    def held(self, ends: tuple[int, int], opened: int = 0) -> Integers:
        """What stuck cells hold, shape (rows, columns), in units of ``2**-21`` words.

        Those of the other cells have no meaning.

        Parameters
        ----------
        ends : (int, int)
            Words of the lowest and the highest R_AH. Between them each word has an equal chance.
        opened : int
            What an open cell holds, in units of ``2**-21`` words.
        """
        low, high = ends
        match self.at:
            case "open":
                return np.full(self.bits.shape, opened, np.int64)
            case "between":
                words = low + (self.bits.astype(np.int64) * (high - low + 1) >> 32)
            case "either":
                words = np.where(self.bits >= 2**31, high, low).astype(np.int64)
            case _:
                words = np.full(self.bits.shape, high if self.at == "high" else low, np.int64)
        return words << WORD_BITS


def stuck_cells(
    seed: int, layer: int, shape: tuple[int, int], imperfections: Imperfections
) -> Stuck | None:
    """Stuck cells of a crossbar; None where no cell is stuck by design.

    Parameters
    ----------
    seed, layer : int
        Chip and layer.
    shape : tuple of int
        Rows and columns.
    imperfections : Imperfections
        Share of stuck cells, and where they are stuck.
    """
    if not imperfections.stuck:
        return None
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
    bits = draw_bits(seed, layer, Purpose.STUCK, rows, columns)
    drawn = imperfections.stuck_at in ("either", "between")
    where = draw_bits(seed, layer, Purpose.STUCK_END, rows, columns) if drawn else bits
    return Stuck(bits < round(imperfections.stuck * 2**32), where, imperfections.stuck_at)
