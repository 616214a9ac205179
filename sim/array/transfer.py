"""Transfer functions of an array of Hall crosses: each column's voltage per current of each row.

With fixed resistances the array is a linear network, which its transfer functions describe
completely. They are exact for the network of `allspin.sim.device.hall_array.HallArray`; heating of
the devices, and time, are not included.

The readings ``series`` and ``selected`` are solved by nodal analysis, using reciprocity: in the
array whose Hall resistances have the opposite sign, 1 A through a column's two ends causes between
a row's ends the voltage that 1 A through this row causes in the column (H. B. G. Casimir, Rev. Mod.
Phys. 17, 343, 1945). `ResistiveGrid` solves the resistances directly; an iteration adds the Hall
voltages, and each step reduces its error by the Hall angle. Double precision leaves an error of
some 1e-15 of the resistance of a whole column's arms: 1e-10 ohm for 784 arms of 312 ohm, and 1e-4
ohm for 784 arms of 300 megohm.
"""

import math

import numpy as np
import numpy.typing as npt

from allspin.sim.array.array_nodes import Nodes
from allspin.sim.array.hall_cross import admittances
from allspin.sim.array.resistive_grid import ResistiveGrid
from allspin.sim.device.hall_array import HallArray

Reals = npt.NDArray[np.float64]

TOLERANCE = 1e-13
"""Relative error of a node's potential at which the iteration ends."""
AT_ONCE = 10
"""Number of columns solved at once, which limits the memory."""


def transfer(array: HallArray, hall: npt.ArrayLike) -> Reals:
    """Compute the transfer functions of an array, or of one tile.

    Parameters
    ----------
    array : HallArray
        Connections, supply and reading of the array.
    hall : array_like of float, shape (rows, columns)
        Hall resistance of each cell, in ohm, each at most `array.most` in magnitude.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        Voltage of a column per current of a row, in ohm; equal to `hall` in an ideal array.

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
    if array.reading == "series":
        return _series(array, hall)
    return _selected(array, hall)


def _series(array: HallArray, hall: Reals) -> Reals:
    rows, columns = hall.shape
    open_ends = np.empty((rows, columns))
    impedance = np.empty((columns, columns))
    solver = _Solver(array, hall, array.column_arm)
    for some in _batches(columns):
        open_ends[:, some], along_columns = solver.solve(some)
        impedance[some] = along_columns.T
    # Amplifiers load the columns, each of which is a source with an internal resistance.
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
    # An amplifier draws its current from one arm into the other. All cells of a row therefore have
    # the same current, and rows do not influence one another.
    load = 2 * array.column_arm + array.input_impedance
    lengths = 2 * array.row_arm + hall**2 / load
    whole = lengths.sum(axis=1, keepdims=True)
    # Potential of a cell's centre for 1 A, relative to the right end.
    common = whole - np.cumsum(lengths, axis=1) + lengths / 2
    if array.supply == "isolated":
        # Equal leakage of all amplifiers, of any size, holds their mean at ground.
        common -= common.mean(axis=1, keepdims=True)
    reached = 1.0 if math.isinf(array.input_impedance) else array.input_impedance / load
    current = 1 / (1 + whole / array.supply_impedance)
    return current * (hall * reached + common / array.rejection)


def _batches(columns: int) -> list[npt.NDArray[np.int64]]:
    return [np.arange(first, min(first + AT_ONCE, columns)) for first in range(0, columns, AT_ONCE)]


class _Solver:
    """Solver of an array whose columns are fed through their ends.

    Parameters
    ----------
    array : HallArray
        Connections, supply and reading of the array.
    hall : ndarray of float64, shape (rows, columns)
        Hall resistances, in ohm.
    arm : float
        Resistance from a cell's centre to its Hall terminals, in ohm.
    selected : float, optional
        That resistance in the column that is fed, if it differs.
    """

    def __init__(
        self, array: HallArray, hall: Reals, arm: float, selected: float | None = None
    ) -> None:
        # SciPy takes long to import, and most arrays are ideal.
        from scipy.sparse import csr_array

        self._array = array
        self._arm = arm
        self._selected = selected
        self._nodes = Nodes(*hall.shape)
        self._cells = self._nodes.of_cells()
        # Reciprocity changes the sign of R_AH.
        cells = admittances(-hall, array.row_arm, arm)
        self._changes = None
        if selected is not None:
            self._changes = admittances(-hall, array.row_arm, selected) - cells
        into = np.broadcast_to(self._cells[..., :, None], cells.shape)
        of = np.broadcast_to(self._cells[..., None, :], cells.shape)
        count = self._nodes.count
        self._matrix = csr_array((cells.ravel(), (into.ravel(), of.ravel())), shape=(count, count))
        least = min(arm, arm if selected is None else selected)
        angle = float(np.abs(hall).max(initial=0)) / (2 * math.sqrt(array.row_arm * least))
        rate = angle / math.hypot(1, angle)
        self._steps = 1 + (math.ceil(math.log(TOLERANCE) / math.log(rate)) if rate else 0)
        self._supply = 1 / array.supply_impedance
        self._grid = None
        if selected is None:
            self._grid = self._make_grid(np.full((hall.shape[1], 1), arm))

    def _make_grid(self, arms: Reals) -> ResistiveGrid:
        grounded = self._array.supply == "grounded"
        return ResistiveGrid(self._nodes, self._array.row_arm, arms, self._supply, grounded)

    def _drawn(self, potentials: Reals, some: npt.NDArray[np.int64]) -> Reals:
        """Return the currents (nodes, b) that the array draws at given potentials."""
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
        """Return the voltages along rows and columns for 1 A through each of b columns, in V.

        The first are from the left to the right end of each row, shape (rows, b), the second from
        the head of each column to its foot, shape (columns, b).
        """
        grid = self._grid
        if grid is None:
            assert self._selected is not None
            arms = np.full((self._nodes.columns, len(some)), self._arm)
            arms[some, np.arange(len(some))] = self._selected
            grid = self._make_grid(arms)
        fed = np.zeros((self._nodes.count, len(some)))
        fed[self._nodes.column(0, some), np.arange(len(some))] = 1
        fed[self._nodes.column(self._nodes.rows, some), np.arange(len(some))] = -1
        potentials = grid.solve(fed)
        for _ in range(self._steps):
            potentials += grid.solve(fed - self._drawn(potentials, some))
        rows, columns = self._nodes.parts(potentials)
        return rows[0] - rows[-1], columns[:, 0] - columns[:, -1]
