"""Numbering of the nodes of an array of Hall crosses."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Nodes:
    """Numbers of an array's nodes.

    Parameters
    ----------
    rows, columns : int
        Rows and columns of cells. A row has ``columns + 1`` nodes and a column ``rows + 1``. The
        node between two cells is the right terminal of one and the left terminal of the next (or
        the bottom and the top terminal).
    """

    rows: int
    columns: int

    @property
    def of_rows(self) -> int:
        """Number of nodes along rows, which have the lowest numbers."""
        return self.rows * (self.columns + 1)

    @property
    def count(self) -> int:
        """Number of all nodes."""
        return self.of_rows + (self.rows + 1) * self.columns

    def row(self, row: npt.ArrayLike, place: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the node left of cell `place` of a row; place `columns` is the right end."""
        return np.asarray(place) * self.rows + np.asarray(row)

    def column(self, place: npt.ArrayLike, column: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the node above cell `place` of a column; place `rows` is the foot."""
        return self.of_rows + np.asarray(column) * (self.rows + 1) + np.asarray(place)

    def of_cells(self) -> npt.NDArray[np.int64]:
        """Return the nodes of each cell (rows, columns, 4), from `LEFT` to `BOTTOM`."""
        row, column = np.mgrid[: self.rows, : self.columns]
        left = self.row(row, column)
        right = self.row(row, column + 1)
        top = self.column(row, column)
        bottom = self.column(row + 1, column)
        return np.stack([left, top, right, bottom], axis=-1)

    def parts(self, values: Reals) -> tuple[Reals, Reals]:
        """Return views of node values (count, b) along rows and along columns.

        Their shapes are (columns + 1, rows, b) and (columns, rows + 1, b).
        """
        along_rows = values[: self.of_rows].reshape(self.columns + 1, self.rows, -1)
        return along_rows, values[self.of_rows :].reshape(self.columns, self.rows + 1, -1)
