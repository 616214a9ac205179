"""Settings of tables: cycles of one device have one setting, and some are figures of the device.

Columns beside those of the model, lines before a table such as ``Pulse width: 1 ms``, and names of
files give currents, fields and times of a measurement. Curves of two values of one of these are no
cycles of one another. Currents and times of pulses and reads have no part in a fit, but the energy
and time of programming follow from them.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from allspin.host.lab.column_map import NAMES, READ_CURRENT, CurveColumns, plain
from allspin.host.lab.curves import Curve
from allspin.host.lab.facts import bare, quantities
from allspin.host.lab.quantities import number, unit_of
from allspin.host.lab.varying import STEADY, is_missing, is_named, may_vary, scatter_of_cells
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

CURRENTS = {f"{polarity.name.lower()}_current": polarity for polarity in Polarity}
"""Names of the current of each polarity's pulses."""
FIGURES = {
    "current": ("A", re.compile("|".join(NAMES["current"]))),
    "potentiation_current": ("A", re.compile("potentiation_current")),
    "depression_current": ("A", re.compile("depression_current")),
    "pulse_time": (
        "s",
        re.compile(r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|t_?(pulse|write)"),
    ),
    "read_current": ("A", READ_CURRENT),
    "read_time": ("s", re.compile(r"(read|sense)_(time|width|duration)|t_?(read|sense)")),
    "saturation_current": ("A", re.compile(r"(saturation|reset)_current|i_?(sat|reset)")),
}
"""Unit and names of each figure of a device's ``[synapse.electrical]``; the current of pulses is
that of their polarity."""


class Setting(NamedTuple):
    """Value that one table gives for all of a device's curves of one polarity.

    Attributes
    ----------
    device, polarity
        Device and polarity of the curves.
    name : str
        Name of the setting: one of `FIGURES`, or else its heading.
    base : str
        Its base unit.
    value : float or str
        In the base unit, or as it is written.
    column : str or None
        Its column; None for a line before the table, or the file's name.
    shown, where : str
        Name with value, and table, for messages.
    """

    device: str
    polarity: Polarity | None
    name: str
    base: str
    value: str | float
    column: str | None
    shown: str
    where: str

    def differs(self, other: "Setting") -> bool:
        """Return True if two settings differ by more than readings of one value may."""
        return scatter_of_cells([str(self.value), str(other.value)]) > STEADY


class _Source(NamedTuple):
    """Name, unit and cells of a setting in a column, or in a line or name (column None)."""

    called: str
    unit: str
    cells: list[str]
    column: str | None


def settings_of(columns: CurveColumns, curves: Iterable[Curve]) -> list[Setting]:
    """Return the settings that lines, names and columns of a file's tables give for their curves.

    A column overrides a line, and lines that contradict one another give nothing. Columns of
    results and of bookkeeping are left out.

    Parameters
    ----------
    columns : CurveColumns
        Columns of the file.
    curves : iterable of Curve
        The curves.
    """
    file = columns.file
    tables: dict[tuple[str, Polarity | None, int], list[int]] = {}
    for curve in curves:
        key = curve.device, curve.polarity, file.block_of(curve.line).line
        tables.setdefault(key, []).extend(curve.rows[curve.rows >= 0].tolist())
    settings: list[Setting] = []
    for (device, polarity, line), rows in tables.items():
        where = f"{file.path}"
        if len(file.blocks) > 1:
            where += f", line {line}"
        found: dict[str, Setting | None] = {}
        for source in _sources(columns, device, line, rows):
            name = _name(columns, source, polarity)
            if not name:
                continue
            setting = _setting(source, device, polarity, name, where)
            other = found.get(name, setting) if source.column is None else setting
            agree = setting and other and not setting.differs(other)
            found[name] = setting if agree else None
        settings += filter(None, found.values())
    return settings


def _sources(columns: CurveColumns, device: str, line: int, rows: list[int]) -> list[_Source]:
    """Return where a table's settings may be: facts first, then columns."""
    file = columns.file
    sources = []
    for name, unit, value in [*file.facts(line + 1), *quantities(device)]:
        sources.append(_Source(name, unit, [value], None))
    for place, (name, unit) in enumerate(file.columns):
        if place in columns.used or may_vary(columns.headings[place], unit):
            continue
        called = "current" if place == columns.place("current") else name
        sources.append(_Source(called, unit, file.cells(place, rows), name))
    return sources


def _name(columns: CurveColumns, source: _Source, polarity: Polarity | None) -> str:
    """Return a setting's name, the same for each spelling; empty for another quantity."""
    heading = plain(source.called)
    base = (unit_of(source.unit) or ("", 1.0))[0]
    name = heading
    for key, (unit, known) in FIGURES.items():
        if base in (unit, "") and known.fullmatch(heading):
            name = key
            break
    if name in CURRENTS:
        if CURRENTS[name] is not polarity:
            return ""
        name = "current"
    # A neuron's current is the abscissa of its curves.
    if columns.kind == "current" and "current" in name:
        return ""
    # A line may say anything; a column is at least in the table.
    if source.column is None and not _is_known(name, source):
        return ""
    return name


def _is_known(name: str, source: _Source) -> bool:
    return name in FIGURES or is_named(plain(source.called), source.unit)


def _setting(
    source: _Source, device: str, polarity: Polarity | None, name: str, where: str
) -> Setting | None:
    """Return the setting of a source, or None if it has several values."""
    base, factor = unit_of(source.unit) or ("", 1.0)
    value = _steady_value(source.cells, _is_known(name, source))
    if value is None:
        return None
    shown = source.column or source.called
    if isinstance(value, float):
        shown = f"{shown} {value:.4g} {source.unit}".rstrip()
        value = (abs(value) if base == "A" else value) * factor
    else:
        shown = f"{shown} {value}"
    return Setting(bare(device), polarity, name, base, value, source.column, shown, where)


def _steady_value(cells: Sequence[str], named: bool) -> str | float | None:
    """Return the single value of some cells, or None if they have several."""
    filled = [cell for cell in cells if not is_missing(cell) and number(cell) != 0] or cells
    if scatter_of_cells(filled) > (STEADY if named else 0.0):
        return None
    value = number(filled[0])
    if value is None:
        return filled[0].lower()
    return None if math.isnan(value) else float(np.median([number(cell) or 0.0 for cell in filled]))


def check_agreement(settings: Iterable[Setting]) -> list[str]:
    """Refuse cycles of one device at two settings, and return notes on devices at different ones.

    Raises
    ------
    UserError
        With both values and their places.
    """
    first: dict[tuple[str, Polarity | None, str], Setting] = {}
    notes: dict[str, str] = {}
    for setting in settings:
        other = first.setdefault((setting.device, setting.polarity, setting.name), setting)
        if setting.differs(other):
            message = (
                f"{setting.where}: device {setting.device} has {setting.shown}, but {other.shown} "
                f"in {other.where}; they are no cycles of one curve: give those of one value, or "
                "call the device differently"
            )
            if setting.column:
                message += f', or let it vary with `column` "ignore={setting.column}"'
            raise UserError(message)
        other = first.setdefault(("", setting.polarity, setting.name), setting)
        if setting.differs(other) and is_named(setting.name, setting.base):
            notes[setting.name] = (
                f"{setting.where}: device {setting.device} has {setting.shown}, but device "
                f"{other.device} {other.shown}; what that changes counts as D2D"
            )
    return list(notes.values())


def figures(settings: Iterable[Setting]) -> tuple[dict[str, float], list[str]]:
    """Return figures of a device's ``[synapse.electrical]`` in SI units, and notes on others.

    A value without a unit is left out, and so is a figure that differs.
    """
    found: dict[str, list[float]] = {}
    for setting in settings:
        known = setting.base and setting.base == FIGURES.get(setting.name, ("",))[0]
        if not known or setting.polarity is None or not isinstance(setting.value, float):
            continue
        if setting.value:
            key = setting.name
            if key == "current":
                key = f"{setting.polarity.name.lower()}_current"
            # Twelve digits are without the rounding of the unit's factor.
            found.setdefault(key, []).append(float(f"{abs(setting.value):.12g}"))
    electrical = {}
    notes = []
    for key, values in found.items():
        low = min(values)
        high = max(values)
        if high - low <= STEADY * high:
            electrical[key] = float(np.median(values))
        else:
            notes.append(f"{key} differs ({low:g} to {high:g}) and is left out")
    return electrical, notes
