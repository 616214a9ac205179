"""Which column is what, and in which unit."""

import re

from allspin.host.study.fit.reading.options import ReadOptions
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.errors import UserError

NAMES = {
    "pulse": ("pulse", "pulses", "pulse number", "pulse no", "pulse #", "n", "p", "#"),
    "resistance": (
        *("r_ah", "rah", "r ah", "r_hall", "r_xy", "rxy", "resistance", "r"),
        *("conductance", "g", "v_ah", "vah", "v_hall", "hall voltage", "v_xy", "vxy", "v_h"),
    ),
    "cycle": ("cycle", "run", "sweep", "repeat"),
    "device": ("device", "sample", "dut"),
    "polarity": ("polarity", "direction", "pulse type"),
    "current": ("current", "i", "i_x", "ix", "input current", "pulse current", "i_pulse"),
    "read": ("read", "reading", "read number"),
}
"""What each column may be called, capitals aside; ``-`` and blanks count as ``_``."""
KINDS = {"resistance": ("ohm", "", "S", "V"), "current": ("A", ""), "pulse": ("",)}
"""Units that a column can have."""
SAID = {"resistance": "ohm, mohm, S, mV", "current": "A, mA, uA", "pulse": "plain numbers"}


def plain(name: str) -> str:
    """A column's name without capitals, and with one sign for what separates words."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


class Columns:
    """The columns of one file by what they are.

    Attributes
    ----------
    pulse, current, cycle, device, polarity, read : int or None
        Place of each column; None where there is none.
    resistances : list of int
        Places of R_AH's columns.
    neuron : bool
        Whether the file has a neuron's curves.
    """

    def __init__(self, file: CsvFile, options: ReadOptions) -> None:
        self.file = file
        self.headings = [plain(column.name) for column in file.columns]
        for place, heading in enumerate(self.headings):
            if heading and heading in self.headings[:place]:
                raise UserError(
                    f"{file.path}: two columns are called {file.columns[place].name}; rename one"
                )
        names = options.columns
        self.pulse = self._find("pulse", names.pulse)
        self.current = self._find("current", names.current)
        self.cycle = self._find("cycle", names.cycle)
        self.device = self._find("device", names.device)
        self.polarity = self._find("polarity", names.polarity)
        self.read = self._find("read", None)
        if names.resistance:
            self.resistances = [self._named("resistance", name) for name in names.resistance]
        else:
            self.resistances = self._all_resistances()
        if self.pulse is None and self.current is None:
            raise self._lacks("pulse", "nor one of current")
        if not self.resistances:
            raise self._lacks("resistance", "such as R_AH (ohm)")
        self.neuron = self.pulse is None

    @property
    def x(self) -> int:
        """Place of the column that curves are over."""
        place = self.current if self.pulse is None else self.pulse
        assert place is not None
        return place

    @property
    def used(self) -> set[int]:
        """Places of columns that have a part."""
        places = {self.x, *self.resistances}
        found = (self.cycle, self.device, self.polarity, self.read)
        return places | {place for place in found if place is not None}

    def _lacks(self, what: str, more: str) -> UserError:
        found = ", ".join(column.name or "(no name)" for column in self.file.columns)
        return UserError(
            f"{self.file.path} has no column of {what} {more} (it has {found}); rename one, or "
            f"name it with --{what}-column"
        )

    def _named(self, what: str, name: str) -> int:
        if plain(name) not in self.headings:
            found = ", ".join(column.name for column in self.file.columns)
            raise UserError(
                f"{self.file.path} has no column {name} (it has {found}); mend --{what}-column"
            )
        return self.headings.index(plain(name))

    def _find(self, what: str, name: str | None) -> int | None:
        if name is not None:
            return self._named(what, name)
        known = {plain(one) for one in NAMES[what]}
        found = [place for place, heading in enumerate(self.headings) if heading in known]
        return found[0] if found else None

    def _all_resistances(self) -> list[int]:
        """R_AH itself, or R_AH_1, R_AH_2 ... for as many cycles."""
        known = [plain(name) for name in NAMES["resistance"]]
        # R_AH goes before a Hall voltage from which it was computed.
        for name in known:
            if name in self.headings:
                return [self.headings.index(name)]
        pattern = re.compile(rf"({'|'.join(map(re.escape, known))})_?(cycle_?)?\d+|cycle_?\d+")
        return [place for place, name in enumerate(self.headings) if pattern.fullmatch(name)]

    def unit(self, place: int, what: str) -> tuple[str, float]:
        """Unit of a column and its factor."""
        column = self.file.columns[place]
        unit = unit_of(column.unit)
        if unit is None or unit[0] not in KINDS[what]:
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}, which is not known "
                f"for a {what}; give it in {SAID[what]}"
            )
        return unit

    def resistance_unit(self, read_current: float | None) -> tuple[str, list[float]]:
        """Unit of R_AH, and the factor of each of its columns.

        Raises
        ------
        UserError
            If it is not known, or a Hall voltage comes without the read current.
        """
        units = [self.unit(place, "resistance") for place in self.resistances]
        if len({unit for unit, _ in units}) > 1:
            raise UserError(
                f"{self.file.path}: columns of R_AH have different units; give them all in ohm"
            )
        unit, factors = units[0][0], [factor for _, factor in units]
        if unit != "V":
            return unit, factors
        if read_current is None:
            raise UserError(
                f"{self.file.path}: column {self.file.columns[self.resistances[0]].name} is a "
                "voltage; give the current that it was read with, such as --read-current 0.1mA"
            )
        return "ohm", [factor / read_current for factor in factors]
