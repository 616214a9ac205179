"""What an array of Hall crosses computes: each column's voltage, by the current of each row.

With fixed resistances the array is a linear network, so its transfer functions are all of it.
They are exact for the network that `allspin.sim.device.hall_array.HallArray` describes; films
that warm themselves, and time, are not in it.

``series`` and ``selected`` are solved by nodes. A transfer function is read the other way round:
one ampere through a column's two ends, in the array whose Hall resistances have the other sign,
makes between the ends of a row the voltage that one ampere through this row makes in the column
(H. B. G. Casimir, Rev. Mod. Phys. 17, 343, 1945). The resistances are solved at once
(`ResistiveGrid`) and the Hall voltages by iteration, whose error falls with each step by the Hall
angle. Double precision leaves an error of some 1e-15 of the resistance of a whole column's arms:
1e-10 ohm for 784 arms of 312 ohm, and 1e-4 ohm for as many of 300 megohm.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.device.hall_array import HallArray

Reals = npt.NDArray[np.float64]

TOLERANCE = 1e-13
"""Share of a node's potential that the iteration may miss."""
AT_ONCE = 10
"""Columns that are solved side by side, so that memory stays small."""


def transfer(array: HallArray, hall: npt.ArrayLike) -> Reals:
    """Transfer functions of an array, or of a tile of one that stands alone.

    Parameters
    ----------
    array : HallArray
        How it is joined, driven and read.
    hall : array_like of float, shape (rows, columns)
        Hall resistance of each cell, in ohm, each at most `array.most` in magnitude.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        Volt in a column for each ampere of a row, in ohm. In an ideal array it is `hall`.

    Raises
    ------
    ValueError
        If a Hall resistance is too large.
    """
    hall = np.asarray(hall, np.float64)
    if array.reading == "ideal":
        return hall.copy()
    most = array.most * (1 + 1e-9)
    if not np.all(np.abs(hall) <= most):
        raise ValueError(
            f"Hall resistances must be from {-array.most:g} to {array.most:g} ohm, the geometric "
            "mean of a cross's longitudinal resistance and its arms"
        )
    if array.reading == "buffered":
        return _buffered(array, hall)
    return _series(array, hall) if array.reading == "series" else _selected(array, hall)


def _series(array: HallArray, hall: Reals) -> Reals:
    rows, columns = hall.shape
    open_ends, impedance = np.empty((rows, columns)), np.empty((columns, columns))
    solver = _Solver(array, hall, array.column_arm)
    for some in _batches(columns):
        open_ends[:, some], along_columns = solver.solve(some)
        impedance[some] = along_columns.T
    # Amplifiers load the columns: each of these is a source with a resistance of its own.
    loaded = np.eye(columns) + impedance / array.input_impedance
    return np.linalg.solve(loaded, open_ends.T).T.astype(np.float64)


def _selected(array: HallArray, hall: Reals) -> Reals:
    solver = _Solver(
        array, hall, array.column_arm + array.switch_off, array.column_arm + array.switch_on
    )
    found = np.empty(hall.shape)
    for some in _batches(hall.shape[1]):
        along_rows, along_columns = solver.solve(some)
        found[:, some] = along_rows / (1 + np.diagonal(along_columns[some]) / array.input_impedance)
    return found


def _buffered(array: HallArray, hall: Reals) -> Reals:
    # An amplifier draws its current from one arm into the other, so cells of a row have one
    # current, and rows have nothing to do with one another.
    load = 2 * array.column_arm + array.input_impedance
    lengths = 2 * array.row_arm + hall**2 / load
    whole = lengths.sum(axis=1, keepdims=True)
    # Potential of a cell's centre for one ampere, from the right end on.
    common = whole - np.cumsum(lengths, axis=1) + lengths / 2
    if array.supply == "isolated":
        # Equal leakage of all amplifiers, however small, holds their mean at ground.
        common -= common.mean(axis=1, keepdims=True)
    reached = 1.0 if math.isinf(array.input_impedance) else array.input_impedance / load
    current = 1 / (1 + whole / array.supply_impedance)
    return current * (hall * reached + common / array.rejection)


def _batches(columns: int) -> list[npt.NDArray[np.int64]]:
    return [np.arange(first, min(first + AT_ONCE, columns)) for first in range(0, columns, AT_ONCE)]


class _Solver:
    """An array that is fed through the ends of its columns.

    Parameters
    ----------
    array : HallArray
        What it is.
    hall : ndarray of float64, shape (rows, columns)
        Hall resistances, in ohm.
    arm : float
        From a cell's centre to its Hall terminals, in ohm.
    selected : float, optional
        The same in the column that is fed.
    """

    def __init__(
        self, array: HallArray, hall: Reals, arm: float, selected: float | None = None
    ) -> None:
        from scipy.sparse import csr_array

        self._array, self._arm, self._selected = array, arm, selected
        self._nodes = Nodes(*hall.shape)
        self._cells = self._nodes.of_cells()
        # The other way round, R_AH has the other sign.
        cells = admittances(-hall, array.row_arm, arm)
        self._changes = (
            None if selected is None else admittances(-hall, array.row_arm, selected) - cells
        )
        into = np.broadcast_to(self._cells[..., :, None], cells.shape)
        of = np.broadcast_to(self._cells[..., None, :], cells.shape)
        count = self._nodes.count
        self._matrix = csr_array((cells.ravel(), (into.ravel(), of.ravel())), shape=(count, count))
        least = min(arm, arm if selected is None else selected)
        angle = float(np.abs(hall).max(initial=0)) / (2 * math.sqrt(array.row_arm * least))
        rate = angle / math.hypot(1, angle)
        self._steps = 1 + (math.ceil(math.log(TOLERANCE) / math.log(rate)) if rate else 0)
        self._supply = 1 / array.supply_impedance
        self._grid = None if selected is not None else self._made(np.full((hall.shape[1], 1), arm))

    def _made(self, arms: Reals) -> "ResistiveGrid":
        grounded = self._array.supply == "grounded"
        return ResistiveGrid(self._nodes, self._array.row_arm, arms, self._supply, grounded)

    def _drawn(self, potentials: Reals, some: npt.NDArray[np.int64]) -> Reals:
        """Currents (nodes, b) that the array draws at some potentials."""
        drawn = self._matrix @ potentials
        if self._changes is not None:
            for place, column in enumerate(some):
                cells = self._cells[:, column]
                more = np.einsum("rij,rj->ri", self._changes[:, column], potentials[cells, place])
                np.add.at(drawn[:, place], cells, more)
        if self._supply:
            rows, _ = self._nodes.parts(potentials)
            across = self._supply * (rows[0] - rows[-1])
            into, _ = self._nodes.parts(drawn)
            into[0] += across
            into[-1] -= across
        return drawn

    def solve(self, some: npt.NDArray[np.int64]) -> tuple[Reals, Reals]:
        """With an ampere through the ends of each of b columns the voltages, in volt.

        They are those from the left end of each row to the right one, shape (rows, b), and from the
        head of each column to its foot, shape (columns, b).
        """
        grid = self._grid
        if grid is None:
            assert self._selected is not None
            arms = np.full((self._nodes.columns, len(some)), self._arm)
            arms[some, np.arange(len(some))] = self._selected
            grid = self._made(arms)
        fed = np.zeros((self._nodes.count, len(some)))
        fed[self._nodes.column(0, some), np.arange(len(some))] = 1
        fed[self._nodes.column(self._nodes.rows, some), np.arange(len(some))] = -1
        potentials = grid.solve(fed)
        for _ in range(self._steps):
            potentials += grid.solve(fed - self._drawn(potentials, some))
        rows, columns = self._nodes.parts(potentials)
        return rows[0] - rows[-1], columns[:, 0] - columns[:, -1]


# A Hall cross: four terminals around a centre, told by currents or by voltages.
#
# Terminals go round the cross: `LEFT`, `TOP`, `RIGHT`, `BOTTOM`. With currents i into the
# terminals, r the resistance from the centre to each of them, and V the centre's potential::
#
#     v[k] = V + r[k] i[k] + R_H / 4 (i[k - 1] - i[k + 1])        i[0] + i[1] + i[2] + i[3] = 0
#
# So a current I from left to right makes ``v[TOP] - v[BOTTOM] = R_H I``, and one from top to bottom
# makes ``v[RIGHT] - v[LEFT] = R_H I``: the Hall resistance changes its sign where current and
# voltage change places, as the reciprocity of a magnetised conductor demands (H. B. G. Casimir,
# Rev. Mod. Phys. 17, 343, 1945).

LEFT, TOP, RIGHT, BOTTOM = range(4)
HALL = np.array([[0, -1, 0, 1], [1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0]]) / 4
"""What R_H times the currents adds to the voltages."""


def admittances(hall: npt.ArrayLike, row_arm: float, column_arm: float) -> Reals:
    """Currents into each cell's terminals, by the voltages of its terminals.

    Parameters
    ----------
    hall : array_like of float, any shape
        Hall resistance of each cell, in ohm.
    row_arm, column_arm : float
        From the centre to left and right, and to top and bottom, in ohm.

    Returns
    -------
    ndarray of float64, shape (..., 4, 4)
        In siemens; rows and columns add up to 0.
    """
    arms = np.diag([row_arm, column_arm, row_arm, column_arm])
    inverse = np.linalg.inv(arms + np.asarray(hall, np.float64)[..., None, None] * HALL)
    # The centre's potential follows from the currents, which add up to 0.
    out, into = inverse.sum(axis=-1), inverse.sum(axis=-2)
    return inverse - out[..., :, None] * into[..., None, :] / out.sum(axis=-1)[..., None, None]


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

    All rows are alike, so cosines along the columns part the grid into independent chains, one for
    each cosine, and a chain is solved by elimination (B. L. Buzbee, G. H. Golub, C. W. Nielson,
    SIAM J. Numer. Anal. 7, 627, 1970). A column may have arms of its own.

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
            # Injected currents sum to zero, so this row draws none: it only fixes the potential.
            diagonal[0, 0] += self._row
        # Gauss elimination of the chains.
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
            ends[0], ends[-1] = 1, -1
            answer = self._chains(ends)
            self._ring = answer * supply / (1 + supply * (answer[0] - answer[-1]))

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
        chains[: self._length] = np.asarray(idct(waves, axis=1, norm="ortho", overwrite_x=True))
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
