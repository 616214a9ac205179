"""What a file says of the pulses and reads themselves: currents, widths and times.

They have no part in a fit, but programming's energy and time are made of them.
"""

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from allspin.host.study.fit.reading.columns import Columns, plain
from allspin.host.study.fit.reading.pulses import Part
from allspin.host.study.fit.reading.table import cells
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.device.synapse.response import Polarity

CURRENT = re.compile(
    r"current|i|i_?x|i_?pulse|i_?write|(input|pulse|write)_(current|amplitude)|amplitude"
)
"""Columns of the current of a pulse."""
NAMES = {
    "pulse_time": ("s", re.compile(r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|"
                                   r"t_?(pulse|write)")),
    "read_current": ("A", re.compile(r"(read|sense)_current|i_?(read|sense)")),
    "read_time": ("s", re.compile(r"(read|sense)_(time|width|duration)|t_?(read|sense)")),
    "saturation_current": ("A", re.compile(r"(saturation|reset)_current|i_?(sat|reset)")),
}  # fmt: skip
"""Unit and columns of each figure that is the same for both polarities."""
SAID = re.compile(
    r"\W*(?P<name>[^\W\d][\w .-]*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]])?\s*[:=\t;,]\s*"
    r"(?P<value>[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?)\s*[\t;,]?\s*(?P<own>[^\W\d]*)\s*"
)
"""A line of a preamble such as ``Pulse width: 1 ms`` or ``Pulse width (ms) = 1``."""
LONGEST = 200
"""Characters of such a line."""
SCATTER = 0.02
"""Of its magnitude, by how much a figure that is read back may scatter."""
ALIKE = 1e-6
"""Of its magnitude, by how much a figure may differ between files."""


def _magnitude(file: CsvFile, place: int, base: str, rows: Iterable[int]) -> float | None:
    """What a column has in some rows; None where it has nothing, or several values."""
    unit = unit_of(file.columns[place].unit)
    if unit is None or unit[0] != base:
        return None
    found = (cells.number(file.rows[row][1][place]) for row in rows)
    values = np.array([abs(value) for value in found if value and math.isfinite(value)])
    if not values.size or np.ptp(values) > SCATTER * values.max():
        return None
    return _rounded(float(np.median(values)) * unit[1])


@dataclass(frozen=True)
class Line:
    """What a line before a table gives.

    Attributes
    ----------
    name : str
        As it is written.
    value : float
        In the unit that is written there.
    unit : str
        As it is written; empty if there is none.
    """

    name: str
    value: float
    unit: str


def lines_of(preamble: Iterable[str]) -> list[Line]:
    """Those lines before a table that give a number, which is not 0."""
    found = []
    short = (line for line in preamble if len(line) <= LONGEST)
    for match in filter(None, map(SAID.fullmatch, short)):
        value = cells.number(match["value"])
        if value and math.isfinite(value):
            found.append(Line(match["name"], value, match["own"] or match["unit"] or ""))
    return found


def _of_preamble(file: CsvFile) -> dict[str, set[float]]:
    """Figures that lines before the tables give."""
    found: dict[str, set[float]] = {}
    for line in lines_of(itertools.chain.from_iterable(file.preamble)):
        name, value, unit = plain(line.name), line.value, unit_of(line.unit)
        if unit is None:
            continue
        keys = [
            key
            for key, (base, known) in NAMES.items()
            if (base == unit[0]) and known.fullmatch(name)
        ]
        if unit[0] == "A":
            keys += [
                f"{polarity.name.lower()}_current"
                for polarity in Polarity
                if CURRENT.fullmatch(name) or name == f"{polarity.name.lower()}_current"
            ]
        for key in keys:
            found.setdefault(key, set()).add(_rounded(abs(value) * unit[1]))
    return found


def _rounded(value: float) -> float:
    """Without what the factor of a unit adds in the last digit."""
    return float(f"{value:.12g}")


def settings_of(
    file: CsvFile, columns: Columns, parts: Iterable[Part]
) -> tuple[dict[str, float], list[str]]:
    """Figures of a device's ``[synapse.electrical]`` that a file of pulses has.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : Columns
        What its columns are.
    parts : iterable of Part
        The curves.

    Returns
    -------
    dict of str to float
        In SI units; of columns, and of lines before the table. What varies within a polarity, or
        has no unit, is left out.
    list of str
        What is said of lines that contradict one another.
    """
    if columns.neuron:
        return {}, []
    rows: dict[Polarity, list[int]] = {polarity: [] for polarity in Polarity}
    for part in parts:
        if part.polarity is not None:
            rows[part.polarity] += part.rows
    every = [row for own in rows.values() for row in own]
    found: dict[str, float | None] = {}
    for place, heading in enumerate(columns.headings):
        if place == columns.current or CURRENT.fullmatch(heading):
            for polarity, own in rows.items():
                key = f"{polarity.name.lower()}_current"
                found.setdefault(key, _magnitude(file, place, "A", own))
            continue
        for key, (base, name) in NAMES.items():
            if name.fullmatch(heading):
                found.setdefault(key, _magnitude(file, place, base, every))
    known = {key: value for key, value in found.items() if value is not None}
    # A column that varies is not what a preamble says once.
    said = {key: some for key, some in _of_preamble(file).items() if key not in found}
    notes = [
        f"{file.path}: lines before the table give several values of {key} ({min(some):g} to "
        f"{max(some):g}); it is left out"
        for key, some in said.items()
        if len(some) > 1
    ]
    return {key: min(some) for key, some in said.items() if len(some) == 1} | known, notes


def together(files: Iterable[Mapping[str, float]]) -> tuple[dict[str, float], list[str]]:
    """Figures of several files, and what is said of those that differ, which are left out."""
    values: dict[str, list[float]] = {}
    for figures in files:
        for key, value in figures.items():
            values.setdefault(key, []).append(value)
    alike = {
        key: some[0] for key, some in values.items() if max(some) - min(some) <= ALIKE * max(some)
    }
    notes = [
        f"{key} differs between the files ({min(some):g} to {max(some):g}) and is left out"
        for key, some in values.items()
        if key not in alike
    ]
    return alike, notes
