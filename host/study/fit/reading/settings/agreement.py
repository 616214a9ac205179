"""Settings of curves that are taken for cycles of one device: no two files may give two values."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from allspin.host.study.fit.reading.columns import Columns, plain
from allspin.host.study.fit.reading.options import ReadOptions
from allspin.host.study.fit.reading.pulses import Part
from allspin.host.study.fit.reading.settings.conditions import is_bookkeeping, is_named
from allspin.host.study.fit.reading.settings.settings import ALIKE, CURRENT, NAMES, lines_of
from allspin.host.study.fit.reading.settings.varying import RESULTS, STEADY
from allspin.host.study.fit.reading.table import cells
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.device.synapse.response import Polarity
from allspin.sim.errors import UserError


@dataclass(frozen=True)
class Setting:
    """What one table gives for all of a device's curves of one polarity.

    Attributes
    ----------
    device, polarity
        Of the curves.
    name : str
        What is set, by one name for all of its names.
    value : float or str
        In the base unit, or as it is written.
    exact : bool
        Whether it is the same number in every row, and no reading.
    column : str or None
        The column that has it; None for a line before the table.
    shown, where : str
        How messages give name and value, and the table.
    """

    device: str
    polarity: Polarity | None
    name: str
    value: float | str
    exact: bool
    column: str | None
    shown: str
    where: str

    def differs(self, other: "Setting") -> float:
        """Of the larger magnitude, by how much another value differs; 1 for another text."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            return float(self.value != other.value)
        top = max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) / top if top else 0.0


def _one_name(name: str) -> str:
    """A setting's name, the same for each way to write it."""
    heading = plain(name)
    if CURRENT.fullmatch(heading):
        return "current"
    return next((key for key, (_, known) in NAMES.items() if known.fullmatch(heading)), heading)


def _in_base(value: float, unit: str) -> float:
    known = unit_of(unit)
    if known is None:
        return value
    return (abs(value) if known[0] == "A" else value) * known[1]


class _Table:
    """Curves of one device and one polarity in one block of a file."""

    def __init__(self, file: CsvFile, block: int, parts: list[Part]) -> None:
        self.file, self.block = file, block
        self.device, self.polarity = parts[0].run.device, parts[0].polarity
        self.rows = [row for part in parts for row in part.rows]
        line = file.blocks[block][0] if file.blocks else 0
        self.where = f"{file.path}" + f", line {line}" * (len(file.blocks) > 1)

    def _setting(
        self, name: str, value: float | str, unit: str, exact: bool, column: bool
    ) -> Setting:
        text = value if isinstance(value, str) else f"{value:.4g} {unit}".rstrip()
        known = value if isinstance(value, str) else _in_base(value, unit)
        return Setting(
            self.device,
            self.polarity,
            _one_name(name),
            known,
            exact,
            name if column else None,
            f"{name} {text}",
            self.where,
        )

    def settings(self, columns: Columns, ignored: set[str]) -> list[Setting]:
        """What lines and columns give; a column knows better, and lines may contradict another."""
        found: dict[str, Setting | None] = {}
        for one in self._lines():
            other = found.setdefault(one.name, one)
            if other is None or one.differs(other) > ALIKE:
                found[one.name] = None
        found |= {one.name: one for one in self._columns(columns, ignored)}
        return [one for one in found.values() if one is not None]

    def _lines(self) -> Iterator[Setting]:
        preamble = self.file.preamble[self.block] if self.file.preamble else []
        for line in lines_of(preamble):
            if is_named(plain(line.name), line.unit):
                yield self._setting(line.name, line.value, line.unit, False, False)

    def _columns(self, columns: Columns, ignored: set[str]) -> Iterator[Setting]:
        """Settings that columns give which are the same all along."""
        for place, heading in enumerate(columns.headings):
            column = self.file.columns[place]
            named = is_named(heading, column.unit)
            if place in columns.used or heading in ignored or is_bookkeeping(heading):
                continue
            if (unit_of(column.unit) or ("",))[0] in RESULTS:
                continue
            texts = [self.file.rows[row][1][place] for row in self.rows]
            numbers = [cells.number(text) for text in texts]
            if any(value is None for value in numbers):
                if len(set(texts)) == 1:
                    yield self._setting(column.name, texts[0].lower(), "", True, True)
                continue
            values = np.array([one for one in numbers if one and math.isfinite(one)])
            if not values.size:
                continue
            scatter = float(np.ptp(values) / np.abs(values).max())
            if not scatter or (named and scatter <= STEADY):
                value = float(np.median(values))
                yield self._setting(column.name, value, column.unit, not scatter, True)


def _tables(file: CsvFile, parts: Iterable[Part]) -> list[_Table]:
    found: dict[tuple[str, Polarity | None, int], list[Part]] = {}
    for part in parts:
        heads = [line for line, _ in file.blocks if line < part.run.line]
        key = (part.run.device, part.polarity, max(len(heads) - 1, 0))
        found.setdefault(key, []).append(part)
    return [_Table(file, block, own) for (_, _, block), own in found.items()]


def settings_by_table(
    file: CsvFile, columns: Columns, options: ReadOptions, parts: Iterable[Part]
) -> list[Setting]:
    """What a file's tables give for their curves.

    Parameters
    ----------
    file : CsvFile
        The tables.
    columns : Columns
        What its columns are.
    options : ReadOptions
        Which columns may vary.
    parts : iterable of Part
        The curves.
    """
    ignored = {plain(name) for name in options.ignored}
    found = [
        setting for table in _tables(file, parts) for setting in table.settings(columns, ignored)
    ]
    # A neuron's current is what its curves are over, whatever else is said of currents.
    return [one for one in found if not (columns.neuron and "current" in one.name)]


def check_agreement(settings: Iterable[Setting]) -> list[str]:
    """Refuse curves as cycles of one device where their tables give different settings.

    Returns
    -------
    list of str
        What is said of readings of a setting that differ a little.

    Raises
    ------
    UserError
        With both values and where they are.
    """
    first: dict[tuple[str, Polarity | None, str], Setting] = {}
    notes: list[str] = []
    for own in settings:
        other = first.setdefault((own.device, own.polarity, own.name), own)
        apart = own.differs(other)
        if apart <= ALIKE:
            continue
        if apart <= STEADY and not (own.exact and other.exact):
            note = (
                f"{own.where}: {own.shown} and {other.shown} ({other.where}) differ by "
                f"{apart:.1%} and are taken as one"
            )
            notes += [] if note in notes else [note]
            continue
        more = f', or let it vary with --ignore-column "{own.column}"' if own.column else ""
        raise UserError(
            f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
            f"{other.where}; they are no cycles of one curve: give those of one value, or call "
            f"the device differently{more}"
        )
    return notes
