"""An array of Hall crosses as an ngspice deck, element by element.

Each cell is a subcircuit of four arms. An arm has a resistor, a 0 V source that measures its
current, and two sources controlled by the currents of the neighbouring arms. The deck's control
section drives one row after another with 1 A and prints the voltage of each column.
"""

import math

import numpy as np
import numpy.typing as npt

from allspin.sim.array.in_array import ohm_of_word
from allspin.sim.device.hall_array import HallArray
from allspin.sim.errors import check_range
from allspin.sim.network.network import Network

LEAK = 1e9
"""Resistance from each input of a cell's amplifier to ground, in ohm, if rows are isolated."""
SHORT = 1e-5
"""Resistance in place of 0 ohm, which SPICE does not accept for a resistor."""

ARMS = "lrtb"
NEIGHBOURS = {"l": "bt", "t": "lr", "r": "tb", "b": "rl"}
"""Arms before and after each arm around the cross."""


def spice_deck(array: HallArray, hall: npt.ArrayLike, title: str) -> str:
    """Return the deck of an array.

    Parameters
    ----------
    array : HallArray
        Connections, supply and reading of the array.
    hall : array_like of float, shape (rows, columns)
        Hall resistance of each cell, in ohm.
    title : str
        First line of the deck, printable.

    Returns
    -------
    str
        Deck for ``ngspice -b``. It prints ``row R column C: V`` for each cell, with the voltage
        V of column C for 1 A in row R, as `allspin.sim.array.transfer.transfer` computes it.

    Raises
    ------
    ValueError
        If the reading is ``ideal``, which has no circuit.
    """
    if array.reading == "ideal":
        raise ValueError("reading ideal is no circuit: choose series, selected or buffered")
    values = np.asarray(hall, np.float64)
    rows, columns = values.shape
    lines = [title, *(f"* {line}" for line in array.readings()), *_cell(array)]
    for row in range(rows):
        lines += [f"* row {row}", *_row(array, row, columns)]
        for column in range(columns):
            lines += _placed(array, row, column, float(values[row, column]))
    lines += ["* columns", *_columns(array, rows, columns), ".control", "set numdgt=12"]
    lines += [*_control(array, rows, columns), "quit", ".endc", ".end"]
    return "\n".join(lines) + "\n"


def layer_deck(
    network: Network,
    array: HallArray,
    title: str,
    *,
    layer: int = 0,
    rows: int | None = None,
    columns: int | None = None,
) -> str:
    """Return the deck of a corner of a network's layer, or of the layer's first tile.

    Parameters
    ----------
    network : Network
        Network whose words the cells store; the outermost level has `HallArray.hall`.
    array : HallArray
        Connections, supply and reading of the array.
    title : str
        Name of the network in the first line, printable.
    layer : int
        Number of the layer, from 0.
    rows, columns : int, optional
        Number of rows and columns from the first on; all by default. In a layer with tiles at
        most the rows of one tile, since each tile is an array of its own.

    Raises
    ------
    ValueError
        If the layer, rows or columns do not exist, or the reading is ``ideal``.
    """
    chosen = network.layers[check_range("layer", layer, 0, len(network.layers) - 1)]
    most = chosen.rows if chosen.adc is None else min(chosen.rows, chosen.adc.rows)
    high = most if rows is None else check_range("rows", rows, 1, most)
    wide = chosen.columns if columns is None else check_range("columns", columns, 1, chosen.columns)
    words = chosen.words[:high, :wide]
    ohm = 0.0 if array.reading == "ideal" else ohm_of_word(array, chosen)
    return spice_deck(
        array, words * ohm, f"{title}, layer {layer}, {high} rows and {wide} columns of it"
    )


def _ohm(value: float) -> str:
    return f"{max(value, SHORT):.12g}"


def _cell(array: HallArray) -> list[str]:
    """Return the subcircuit of a cell, whose arms include half of the lines to its neighbours."""
    lines = [
        "* a Hall cross: left, right, top, bottom, centre",
        ".subckt cross l r t b c hall=0",
    ]
    for arm in ARMS:
        before, after = NEIGHBOURS[arm]
        ohm = array.row_arm if arm in "lr" else array.column_arm
        lines += [
            f"v{arm} {arm} {arm}1 0",
            f"r{arm} {arm}1 {arm}2 {_ohm(ohm)}",
            f"h{arm}1 {arm}2 {arm}3 v{before} {{hall/4}}",
            f"h{arm}2 c {arm}3 v{after} {{hall/4}}",
        ]
    return [*lines, ".ends"]


def _row(array: HallArray, row: int, columns: int) -> list[str]:
    """Return the supply of a row."""
    end = "0" if array.supply == "grounded" else f"n{row}_{columns}"
    lines = [f"i{row} {end} n{row}_0 dc 0"]
    if array.supply == "grounded":
        lines.append(f"vend{row} n{row}_{columns} 0 0")
    if math.isfinite(array.supply_impedance):
        lines.append(f"rs{row} n{row}_0 {end} {_ohm(array.supply_impedance)}")
    return lines


def _placed(array: HallArray, row: int, column: int, hall: float) -> list[str]:
    """Return an instance of a cell, and the connection of its Hall terminals to the column."""
    at = f"{row}_{column}"
    ends = f"m{row}_{column} m{row + 1}_{column}"
    lines = []
    if array.reading == "selected":
        top, bottom = ends.split()
        off = _ohm(array.switch_off)
        lines = [f"rt{at} {top} t{at} {off}", f"rb{at} b{at} {bottom} {off}"]
    elif array.reading == "buffered":
        # The output of the cell's amplifier is added to those of the rows above.
        half = 0.5 / array.rejection
        above = f"s{row - 1}_{column}" if row else "0"
        lines = [
            f"ep{at} s{at} u{at} t{at} 0 {1 + half:.15g}",
            f"em{at} u{at} {above} b{at} 0 {half - 1:.15g}",
        ]
        if math.isfinite(array.input_impedance):
            lines.append(f"ri{at} t{at} b{at} {_ohm(array.input_impedance)}")
        if array.supply == "isolated":
            lines += [f"rp{at} t{at} 0 {LEAK:g}", f"rm{at} b{at} 0 {LEAK:g}"]
    if array.reading != "series":
        ends = f"t{at} b{at}"
    return [*lines, f"x{at} n{at} n{row}_{column + 1} {ends} c{at} cross hall={hall:.12g}"]


def _columns(array: HallArray, rows: int, columns: int) -> list[str]:
    """Return the amplifiers at the feet of the columns, and a ground for isolated rows."""
    if array.reading == "buffered":
        return []
    lines = ["vground n0_0 0 0"] if array.supply == "isolated" else []
    if math.isfinite(array.input_impedance):
        # A shared amplifier loads only the selected column.
        ohm = array.input_impedance if array.reading == "series" else 1e30
        lines += [
            f"ra{column} m0_{column} m{rows}_{column} {ohm:.12g}" for column in range(columns)
        ]
    return lines


def _control(array: HallArray, rows: int, columns: int) -> list[str]:
    """Return commands that drive each row and read each column, selecting it if necessary."""
    lines = []
    selected = array.reading == "selected"
    for some in [[column] for column in range(columns)] if selected else [range(columns)]:
        if selected:
            lines += _switched(array, some[0], rows, array.switch_on, array.input_impedance)
        for row in range(rows):
            lines += [f"alter i{row} dc = 1", "op"]
            for column in some:
                read = f"v(m0_{column})-v(m{rows}_{column})"
                if array.reading == "buffered":
                    read = f"v(s{rows - 1}_{column})"
                lines += [f"let got = {read}", f'echo "row {row} column {column}: $&got"']
            lines.append(f"alter i{row} dc = 0")
        if selected:
            lines += _switched(array, some[0], rows, array.switch_off, 1e30)
    return lines


def _switched(
    array: HallArray, column: int, rows: int, switches: float, amplifier: float
) -> list[str]:
    """Return commands that set a column's switches and its connection to the amplifier."""
    arms = [f"alter r{arm}{row}_{column} = {_ohm(switches)}" for row in range(rows) for arm in "tb"]
    if math.isfinite(array.input_impedance):
        arms.append(f"alter ra{column} = {amplifier:.12g}")
    return arms
