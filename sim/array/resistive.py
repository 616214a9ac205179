"""The array without its Hall voltages, solved at once: a grid of resistances.

All rows are alike, so cosines along the columns part the grid into independent chains, one for
each cosine, and a chain is solved by elimination (B. L. Buzbee, G. H. Golub, C. W. Nielson, SIAM
J. Numer. Anal. 7, 627, 1970). A column may have arms of its own.

Nodes are the terminals of cells, which neighbours share; see `Nodes`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Nodes:
    """How the terminals of an array are numbered.

    Parameters
    ----------
    rows, columns : int
        Of cells. A row has ``columns + 1`` nodes and a column ``rows + 1``: those between two
        cells are the right terminal of one and the left (or bottom and top) of the next.
    """

    rows: int
    columns: int

    @property
    def of_rows(self) -> int:
        """How many there are along rows; they come first."""
        return self.rows * (self.columns + 1)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.of_rows + (self.rows + 1) * self.columns

    def row(self, row: npt.ArrayLike, place: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Number of the node left of cell `place` of a row; place `columns` is the right end."""
        return np.asarray(place) * self.rows + np.asarray(row)

    def column(self, place: npt.ArrayLike, column: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Number of the node above cell `place` of a column; place `rows` is the foot."""
        return self.of_rows + np.asarray(column) * (self.rows + 1) + np.asarray(place)

    def of_cells(self) -> npt.NDArray[np.int64]:
        """Nodes of each cell, shape (rows, columns, 4), in the order of `cell.LEFT` to `BOTTOM`."""
        row, column = np.mgrid[: self.rows, : self.columns]
        left, right = self.row(row, column), self.row(row, column + 1)
        top, bottom = self.column(row, column), self.column(row + 1, column)
        return np.stack([left, top, right, bottom], axis=-1)

    def parts(self, values: Reals) -> tuple[Reals, Reals]:
        """Views of nodes (count, b): along rows (columns + 1, rows, b), along columns."""
        along_rows = values[: self.of_rows].reshape(self.columns + 1, self.rows, -1)
        return along_rows, values[self.of_rows :].reshape(self.columns, self.rows + 1, -1)


class ResistiveGrid:
    """An array of crosses whose Hall resistance is 0, ready to be solved.

    Parameters
    ----------
    nodes : Nodes
        Of the array.
    row_arm : float
        From a cell's centre to its row terminals, in ohm.
    column_arms : ndarray of float64, shape (columns, b)
        From a cell's centre to its Hall terminals, by column, in ohm; b is 1, or as many
        arrays as `solve` shall solve side by side.
    supply : float
        Between a row's ends, in siemens.
    grounded : bool
        Whether the right ends of the rows are ground. If not, nothing is: the first row's left
        end then has the potential 0, and currents that are fed must add up to 0.
    """

    def __init__(
        self, nodes: Nodes, row_arm: float, column_arms: Reals, supply: float, grounded: bool
    ) -> None:
        self._nodes, self._grounded = nodes, grounded
        self._row, self._columns = 1 / row_arm, 1 / column_arms[:, None, :]
        rows, columns = nodes.rows, nodes.columns
        # Conductances along the chain: end, centres, end. The right end is known if grounded.
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
            # Fed with nothing in all, it draws no current: it only fixes the potential.
            diagonal[0, 0] += self._row
        self._eliminate(diagonal[: self._length])
        self._ring: Reals | None = None
        if supply and not grounded:
            ends = np.zeros_like(diagonal)
            ends[0], ends[-1] = 1, -1
            answer = self._chains(ends)
            self._ring = answer * supply / (1 + supply * (answer[0] - answer[-1]))

    def _eliminate(self, diagonal: Reals) -> None:
        """Gauss elimination of the chains."""
        self._inverse = np.empty_like(diagonal)
        self._factor = np.empty_like(diagonal)
        for place in range(self._length):
            left = self._along[place - 1] * self._factor[place - 1] if place else 0
            self._inverse[place] = 1 / (diagonal[place] - left)
            if place < len(self._along):
                self._factor[place] = self._along[place] * self._inverse[place]

    def _chains(self, fed: Reals) -> Reals:
        """Potentials of the chains (length, rows, b) that currents are fed into, which it uses."""
        for place in range(self._length):
            if place:
                fed[place] += self._along[place - 1] * fed[place - 1]
            fed[place] *= self._inverse[place]
        for place in range(self._length - 2, -1, -1):
            fed[place] += self._factor[place] * fed[place + 1]
        return fed

    def solve(self, fed: Reals) -> Reals:
        """Potentials where currents are fed.

        Parameters
        ----------
        fed : ndarray of float64, shape (nodes, b)
            Currents into the nodes, in ampere. What is fed into ground goes nowhere.

        Returns
        -------
        ndarray of float64, the shape of `fed`
            In volt.
        """
        from scipy.fft import dct, idct

        rows, columns = self._nodes.parts(fed)
        chains = np.zeros((len(rows) + 1, *rows.shape[1:]))
        chains[0], chains[-1] = rows[0], rows[-1]
        # A node between two centres hands half of its current to either.
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
        back = np.asarray(idct(waves, axis=1, norm="ortho", overwrite_x=True))
        chains[: self._length] = back
        if self._grounded:
            chains[-1] = 0
        answer = np.empty_like(fed)
        rows_answer, columns_answer = self._nodes.parts(answer)
        rows_answer[0], rows_answer[-1] = chains[0], chains[-1]
        rows_answer[1:-1] = (chains[1:-2] + chains[2:-1] + rows[1:-1] / self._row) / 2
        centres = chains[1:-1]
        columns_answer[:] = columns / self._columns
        columns_answer[:, 1:-1] += centres[:, :-1] + centres[:, 1:]
        columns_answer[:, 1:-1] /= 2
        columns_answer[:, 0] += centres[:, 0]
        columns_answer[:, -1] += centres[:, -1]
        return answer
