"""Direct solution of the resistive part of an array of Hall crosses."""

import numpy as np
import numpy.typing as npt

from allspin.sim.array.array_nodes import Nodes

Reals = npt.NDArray[np.float64]


class ResistiveGrid:
    """An array of crosses whose Hall resistance is 0, ready to be solved.

    All rows are equal, so a cosine transform along the columns separates the grid into independent
    chains, which elimination solves (B. L. Buzbee, G. H. Golub, C. W. Nielson, SIAM J. Numer.
    Anal. 7, 627, 1970). Each column may have its own arms.

    Parameters
    ----------
    nodes : Nodes
        Nodes of the array.
    row_arm : float
        Resistance from a cell's centre to its row terminals, in ohm.
    column_arms : ndarray of float64, shape (columns, b)
        Resistance from a cell's centre to its Hall terminals, by column, in ohm; b is 1, or the
        number of arrays that `solve` solves at once.
    supply : float
        Conductance between a row's ends, in siemens.
    grounded : bool
        True if the right ends of the rows are ground. Otherwise the first row's left end has
        potential 0, and the currents that are fed must sum to 0.
    """

    def __init__(
        self, nodes: Nodes, row_arm: float, column_arms: Reals, supply: float, grounded: bool
    ) -> None:
        self._nodes = nodes
        self._grounded = grounded
        self._row = 1 / row_arm
        self._columns = 1 / column_arms[:, None, :]
        rows = nodes.rows
        columns = nodes.columns
        # Conductances along the chain: end, centres, end. A grounded right end is known.
        self._along = np.full(columns + 1, self._row / 2)
        self._along[[0, -1]] = self._row
        self._length = columns + 1 if grounded else columns + 2
        diagonal = np.zeros((columns + 2, rows, column_arms.shape[1]))
        diagonal[:-1] += self._along[:, None, None]
        diagonal[1:] += self._along[:, None, None]
        waves = 2 - 2 * np.cos(np.pi * np.arange(rows) / rows)
        diagonal[1:-1] += waves[:, None] * self._columns / 2
        if grounded:
            diagonal[0] += supply
        else:
            # Fed currents sum to 0, so this row draws none: it only fixes the potential.
            diagonal[0, 0] += self._row
        # Gaussian elimination of the chains.
        self._inverse = np.empty_like(diagonal[: self._length])
        self._factor = np.empty_like(self._inverse)
        for place in range(self._length):
            left = self._along[place - 1] * self._factor[place - 1] if place else 0
            self._inverse[place] = 1 / (diagonal[place] - left)
            if place < len(self._along):
                self._factor[place] = self._along[place] * self._inverse[place]
        self._ring: Reals | None = None
        if supply and not grounded:
            ends = np.zeros_like(diagonal)
            ends[0] = 1
            ends[-1] = -1
            answer = self._chains(ends)
            self._ring = answer * supply / (1 + supply * (answer[0] - answer[-1]))

    def _chains(self, fed: Reals) -> Reals:
        """Replace fed currents by the potentials of the chains (length, rows, b)."""
        for place in range(self._length):
            if place:
                fed[place] += self._along[place - 1] * fed[place - 1]
            fed[place] *= self._inverse[place]
        for place in range(self._length - 2, -1, -1):
            fed[place] += self._factor[place] * fed[place + 1]
        return fed

    def solve(self, fed: Reals) -> Reals:
        """Return the potentials of all nodes for fed currents.

        Parameters
        ----------
        fed : ndarray of float64, shape (nodes, b)
            Currents into the nodes, in A. A current into ground has no effect.

        Returns
        -------
        ndarray of float64, the shape of `fed`
            Potentials in V.
        """
        # SciPy takes long to import, and most arrays are ideal.
        from scipy.fft import dct, idct

        rows, columns = self._nodes.parts(fed)
        chains = np.zeros((len(rows) + 1, *rows.shape[1:]))
        chains[0] = rows[0]
        chains[-1] = rows[-1]
        # A node between two centres passes half of its current to each.
        half = rows[1:-1] / 2
        chains[1:-2] += half
        chains[2:-1] += half
        shares = columns / 2
        shares[:, [0, -1]] = columns[:, [0, -1]]
        chains[1:-1] += shares[:, :-1] + shares[:, 1:]
        waves = np.asarray(dct(chains[: self._length], axis=1, norm="ortho", overwrite_x=True))
        waves = self._chains(waves)
        if self._ring is not None:
            waves -= self._ring * (waves[0] - waves[-1])
        chains[: self._length] = np.asarray(idct(waves, axis=1, norm="ortho", overwrite_x=True))
        if self._grounded:
            chains[-1] = 0
        answer = np.empty_like(fed)
        rows_answer, columns_answer = self._nodes.parts(answer)
        rows_answer[0] = chains[0]
        rows_answer[-1] = chains[-1]
        rows_answer[1:-1] = (chains[1:-2] + chains[2:-1] + rows[1:-1] / self._row) / 2
        centres = chains[1:-1]
        columns_answer[:] = columns / self._columns
        columns_answer[:, 1:-1] += centres[:, :-1] + centres[:, 1:]
        columns_answer[:, 1:-1] /= 2
        columns_answer[:, 0] += centres[:, 0]
        columns_answer[:, -1] += centres[:, -1]
        return answer
