"""What an array of Hall crosses computes: each column's voltage, by the current of each row.

With fixed resistances the array is a linear network, so its transfer functions are all of it.
They are exact for the network that `allspin.sim.device.hall_array.HallArray` describes; films
that warm themselves, and time, are not in it.

``series`` and ``selected`` are solved by nodes. A transfer function is read the other way round:
one ampere through a column's two ends, in the array whose Hall resistances have the other sign,
makes between the ends of a row the voltage that one ampere through this row makes in the column
(H. B. G. Casimir, Rev. Mod. Phys. 17, 343, 1945). The resistances are solved at once
(`allspin.sim.array.resistive`) and the Hall voltages by iteration, whose error falls with each
step by the Hall angle. Double precision leaves an error of some 1e-15 of the resistance of a
whole column's arms: 1e-10 ohm for 784 arms of 312 ohm, and 1e-4 ohm for as many of 300 megohm.
"""

import math

import numpy as np
import numpy.typing as npt

from allspin.sim.array.resistive import Nodes, ResistiveGrid, admittances
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
    return _READERS[array.reading](array, hall)


def _series(array: HallArray, hall: Reals) -> Reals:
    rows, columns = hall.shape
    open_ends, impedance = np.empty((rows, columns)), np.empty((columns, columns))
    solver = _Solver(array, hall, array.column_arm)
    for some in _batches(columns):
        answer = solver.solve(some)
        open_ends[:, some] = solver.along_rows(answer)
        impedance[some] = solver.along_columns(answer).T
    # Amplifiers load the columns: each of these is a source with a resistance of its own.
    loaded = np.eye(columns) + impedance / array.input_impedance
    return np.linalg.solve(loaded, open_ends.T).T.astype(np.float64)


def _selected(array: HallArray, hall: Reals) -> Reals:
    solver = _Solver(
        array, hall, array.column_arm + array.switch_off, array.column_arm + array.switch_on
    )
    found = np.empty(hall.shape)
    for some in _batches(hall.shape[1]):
        answer = solver.solve(some)
        own = np.diagonal(solver.along_columns(answer)[some])
        found[:, some] = solver.along_rows(answer) / (1 + own / array.input_impedance)
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


_READERS = {"series": _series, "selected": _selected, "buffered": _buffered}


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

    def _made(self, arms: Reals) -> ResistiveGrid:
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

    def solve(self, some: npt.NDArray[np.int64]) -> Reals:
        """Potentials (nodes, b) with an ampere through the ends of each of b columns, in volt."""
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
        return potentials

    def along_rows(self, potentials: Reals) -> Reals:
        """Voltage from the left end of each row to the right one, shape (rows, b)."""
        rows, _ = self._nodes.parts(potentials)
        return rows[0] - rows[-1]

    def along_columns(self, potentials: Reals) -> Reals:
        """Voltage from the head of each column to its foot, shape (columns, b)."""
        _, columns = self._nodes.parts(potentials)
        return columns[:, 0] - columns[:, -1]
