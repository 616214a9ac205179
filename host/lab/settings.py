"""What tables were measured at: two settings are not one, and some are figures of the device.

Columns beside those of the model, lines before a table such as ``Pulse width: 1 ms``, and names of
files say at which currents, fields and times curves were measured. Curves of two values of one of
these are no cycles of one another. Currents and times of pulses and reads have no part in a fit,
but programming's energy and time are made of them.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from allspin.host.lab.columns import READ_CURRENT, FileColumns
from allspin.host.lab.curves import Curve
from allspin.host.lab.facts import bare, quantities
from allspin.host.lab.quantities import number, unit_of
from allspin.host.lab.roles import NAMES, plain
from allspin.host.lab.tables import CsvFile
from allspin.host.lab.varying import STEADY, is_named, may_vary
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

FIGURES = {
    key: (unit, re.compile(known))
    for key, unit, known in (
        ("current", "A", "|".join(NAMES["current"])),
        ("potentiation_current", "A", "potentiation_current"),
        ("depression_current", "A", "depression_current"),
        ("pulse_time", "s", r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|"
                            r"t_?(pulse|write)"),
        ("read_current", "A", READ_CURRENT.pattern),
        ("read_time", "s", r"(read|sense)_(time|width|duration)|t_?(read|sense)"),
        ("saturation_current", "A", r"(saturation|reset)_current|i_?(sat|reset)"),
    )
}  # fmt: skip
"""Unit and names of each figure of a device's ``[synapse.electrical]``; the current of pulses is
one of their polarity's."""


class Setting(NamedTuple):
    """What one table gives for all of a device's curves of one polarity.

    Attributes
    ----------
    device, polarity
        Of the curves.
    name : str
        What is set: by one of `FIGURES`, whatever it is called, or else its heading.
    base : str
        Its base unit.
    value : float or str
        In the base unit, or as it is written.
    column : str or None
        The column that has it; None for a line before the table, or the file's name.
    shown, where : str
        How messages give name and value, and the table.
    """

    device: str
    polarity: Polarity | None
    name: str
    base: str
    value: str | float
    column: str | None
    shown: str
    where: str


def _apart(one: Setting, other: Setting) -> bool:
    """Whether two settings differ, by more than readings of one value may."""
    a, b = one.value, other.value
    if isinstance(a, str) or isinstance(b, str):
        return a != b
    return abs(a - b) > STEADY * max(abs(a), abs(b))


def _name(heading: str, base: str, polarity: Polarity | None) -> str:
    """A setting's name, the same for each way to write it."""
    for key, (unit, known) in FIGURES.items():
        if base in (unit, "") and known.fullmatch(heading):
            own = "" if polarity is None else f"{polarity.name.lower()}_current"
            return "current" if key == own else key
    return heading


def _steady(cells: Sequence[str], named: bool) -> str | float | None:
    """The one value that a column has; None if it has several."""
    numbers = [value for value in map(number, cells) if value is not None]
    if len(numbers) < len(cells):
        return cells[0].lower() if len(set(cells)) == 1 else None
    values = np.array([one for one in numbers if one] or numbers)
    values = values[np.isfinite(values)]
    return (
        float(np.median(values))
        if values.size and np.ptp(values) <= STEADY * named * np.abs(values).max()
        else None
    )


def settings_of(file: CsvFile, columns: FileColumns, curves: Iterable[Curve]) -> list[Setting]:
    """What lines, names and columns of a file's tables give for their curves.

    A column knows better than a line, and lines that contradict one another give nothing. Columns
    of results and of bookkeeping are left out.

    Parameters
    ----------
    file : CsvFile
        The tables.
    columns : FileColumns
        What its columns are.
    curves : iterable of Curve
        The curves.
    """
    tables: dict[tuple[str, Polarity | None, int], list[int]] = {}
    for one in curves:
        key = one.device, one.polarity, file.blocks[file.block_of(one.line)].line
        tables.setdefault(key, []).extend(one.rows[one.rows >= 0].tolist())
    others = {f"{polarity.name.lower()}_current" for polarity in Polarity}
    settings: list[Setting] = []
    for (device, polarity, line), rows in tables.items():
        given: list[tuple[str, str, list[str], str | None]] = [
            (name, unit, [value], None)
            for name, unit, value in [*file.facts(line + 1), *quantities(device)]
        ]
        for place, (column, unit) in enumerate(file.columns):
            if place not in columns.used and not may_vary(columns.headings[place], unit):
                called = "current" if place == columns.place("current") else column
                given.append((called, unit, file.cells(place, rows), column))
        where = f"{file.path}" + f", line {line}" * (len(file.blocks) > 1)
        found: dict[str, Setting | None] = {}
        for called, unit, cells, column in given:
            base, factor = unit_of(unit) or ("", 1.0)
            name = _name(plain(called), base, polarity)
            named = is_named(plain(called), unit) or name in FIGURES
            # A neuron's current is what its curves are over, whatever else is said of currents.
            over = columns.kind == "current" and "current" in name
            if over or name in others or (column is None and not named):
                continue
            value, shown = _steady(cells, named), column or called
            if isinstance(value, float):
                shown = f"{shown} {value:.4g} {unit}".rstrip()
                value = (abs(value) if base == "A" else value) * factor
            elif value is not None:
                shown = f"{shown} {value}"
            known = bare(device), polarity, name, base
            one = None if value is None else Setting(*known, value, column, shown, where)
            other = found.get(name, one) if column is None else one
            found[name] = one if one and other and not _apart(one, other) else None
        settings += filter(None, found.values())
    return settings


def check_agreement(settings: Iterable[Setting]) -> list[str]:
    """What is said of devices at different settings; cycles of one device at two are refused.

    Raises
    ------
    UserError
        With both values and where they are.
    """
    first: dict[tuple[str, Polarity | None, str], Setting] = {}
    notes: dict[str, str] = {}
    for own in settings:
        other = first.setdefault((own.device, own.polarity, own.name), own)
        if _apart(own, other):
            raise UserError(
                f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
                f"{other.where}; they are no cycles of one curve: give those of one value, or call "
                "the device differently"
                + f', or let it vary with --ignore-column "{own.column}"'
                * bool(own.column)
            )
        another = first.setdefault(("", own.polarity, own.name), own)
        if _apart(own, another) and is_named(own.name, own.base):
            notes[own.name] = (
                f"{own.where}: device {own.device} has {own.shown}, but device {another.device} "
                f"{another.shown}; what that changes counts as D2D"
            )
    return list(notes.values())


def figures(settings: Iterable[Setting]) -> tuple[dict[str, float], list[str]]:
    """Figures of a device's ``[synapse.electrical]``, in SI units, and what is said of others.

    What has no unit, or differs, is left out.
    """
    found: dict[str, list[float]] = {}
    for one in settings:
        known = one.base and one.base == FIGURES.get(one.name, ("",))[0]
        if known and one.polarity is not None and isinstance(one.value, float) and one.value:
            own = f"{one.polarity.name.lower()}_" * (one.name == "current")
            # Without what the factor of a unit adds in the last digit.
            found.setdefault(own + one.name, []).append(float(f"{abs(one.value):.12g}"))
    spans = {key: (min(some), max(some)) for key, some in found.items()}
    alike = {key for key, (low, high) in spans.items() if high - low <= STEADY * high}
    return {key: float(np.median(found[key])) for key in found if key in alike}, [
        f"{key} differs ({low:g} to {high:g}) and is left out"
        for key, (low, high) in spans.items()
        if key not in alike
    ]
