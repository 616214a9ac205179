"""An array of Hall crosses as a deck for ngspice, element by element.

Each cell is a subcircuit: four arms with a resistor, a source of 0 V that measures the arm's
current, and two sources that the currents of the neighbouring arms control. The deck's control
section drives one row after another with an ampere and prints the voltage of each column.
"""

import math

import numpy as np
import numpy.typing as npt

from allspin.sim.array.in_array import ohm_of_word
from allspin.sim.device.hall_array import HallArray
from allspin.sim.errors import check_range
from allspin.sim.network.network import Network

LEAK = 1e9
"""Ohm from each input of an amplifier at a cell to ground, where an isolated row has no other."""
SHORT = 1e-5
"""Ohm that stand for 0, which a resistor of SPICE may not have."""

ARMS = "lrtb"
NEIGHBOURS = {"l": "bt", "t": "lr", "r": "tb", "b": "rl"}
"""Of each arm, the ones before and after it around the cross."""


def spice_deck(array: HallArray, hall: npt.ArrayLike, title: str) -> str:
    """The deck of an array.

    Parameters
    ----------
    array : HallArray
        How it is joined, driven and read.
    hall : array_like of float, shape (rows, columns)
        Hall resistance of each cell, in ohm.
    title : str
        First line of the deck, printable.

    Returns
    -------
    str
        Run by ``ngspice -b`` it prints ``row R column C: V`` for each cell, V in volt for an
        ampere in row R: what `allspin.sim.array.transfer.transfer` computes.

    Raises
    ------
    ValueError
        If the reading is ``ideal``, which is no circuit.
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
    """The deck of a corner of a network's layer, or of its first tile, which stands alone.

    Parameters
    ----------
    network : Network
        Its words are what the cells hold; the outermost level is `HallArray.hall`.
    array : HallArray
        How it is joined, driven and read.
    title : str
        What the first line calls the network, printable.
    layer : int
        Which layer, from 0.
    rows, columns : int, optional
        The first so many of either; all. Of a layer with tiles at most the rows of one: each tile
        is an array of its own.

    Raises
    ------
    ValueError
        If the layer, rows or columns are not there, or the reading is ``ideal``.
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
    """The subcircuit of a cell, with half of the lines to its neighbours in its arms."""
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
    """A row's supply."""
    end = "0" if array.supply == "grounded" else f"n{row}_{columns}"
    lines = [f"i{row} {end} n{row}_0 dc 0"]
    if array.supply == "grounded":
        lines.append(f"vend{row} n{row}_{columns} 0 0")
    if math.isfinite(array.supply_impedance):
        lines.append(f"rs{row} n{row}_0 {end} {_ohm(array.supply_impedance)}")
    return lines


def _placed(array: HallArray, row: int, column: int, hall: float) -> list[str]:
    """A cell, and what joins its Hall terminals to its column."""
    at, ends = f"{row}_{column}", f"m{row}_{column} m{row + 1}_{column}"
    lines = []
    if array.reading == "selected":
        top, bottom = ends.split()
        off = _ohm(array.switch_off)
        lines = [f"rt{at} {top} t{at} {off}", f"rb{at} b{at} {bottom} {off}"]
    elif array.reading == "buffered":
        # An amplifier at the cell: its output is added to those of the rows above.
        half, above = 0.5 / array.rejection, f"s{row - 1}_{column}" if row else "0"
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
    """Amplifiers at the feet of columns; where nothing is ground, a place that is."""
    if array.reading == "buffered":
        return []
    lines = ["vground n0_0 0 0"] if array.supply == "isolated" else []
    if math.isfinite(array.input_impedance):
        # One amplifier for all columns is only at the selected one.
        ohm = array.input_impedance if array.reading == "series" else 1e30
        lines += [
            f"ra{column} m0_{column} m{rows}_{column} {ohm:.12g}" for column in range(columns)
        ]
    return lines


def _control(array: HallArray, rows: int, columns: int) -> list[str]:
    """Drive each row, read each column; a column at a time where it must be selected."""
    lines, selected = [], array.reading == "selected"
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
    """Turn the switches of a column, and join its ends to the amplifier or not."""
    arms = [f"alter r{arm}{row}_{column} = {_ohm(switches)}" for row in range(rows) for arm in "tb"]
    if math.isfinite(array.input_impedance):
        arms.append(f"alter ra{column} = {amplifier:.12g}")
    return arms
