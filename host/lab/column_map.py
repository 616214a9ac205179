"""Column map of a file: the kind, unit and factor of each column, by names, units and cells."""

import re

from allspin.host.lab.quantities import base_of, number, unit_of
from allspin.host.lab.reading import ColumnNames, ReadOptions
from allspin.host.lab.tables import CsvFile
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

_NO = r"(no|nr|num|number|count|counter|index|idx|id|#|n)"
"""Words for a number in a name."""
_RES = r"(r|res|resistance)"
NAMES: dict[str, tuple[str, ...]] = {
    "pulse": (
        rf"({_NO}_?(of_?)?)?((programming|write|applied|input|total)_)?pulses?(_?{_NO}|_applied)?",
        r"n|p|#",
        r"puls_?(nr|nummer|zahl|anzahl|folge)?|anzahl_(der_)?pulse",
    ),
    "resistance": (
        rf"r_?ahe?|ahe?(_?{_RES})?|anomalous_hall_{_RES}",
        rf"r_?(h|hall|xy|yx)|(hall|transverse|xy)_?{_RES}(_?r_?(xy|h|ahe?))?|"
        rf"{_RES}_(hall|xy|ahe?)|hall",
        rf"((delta_?|d_?)?{_RES})",
        r"conductance|g(_?(ahe?|h|hall|xy))?",
        r"v_?(ahe?|h|hall|xy|yx)|(ahe?|hall|transverse)_?(v|voltage|spannung)",
        r"((anomaler_)?hall_?)?widerstand",
    ),
    "cycle": (
        rf"({_NO}_?(of_?)?)?(cycle|cyc|run|sweep|repeat|loop|iteration|iter|rep|repetition|trial)s?"
        rf"(_?{_NO})?",
        r"zyklus|zyklen|durchlauf|durchgang|wiederholung",
    ),
    "device": (
        rf"(device|sample|dut|dev|(hall_?)?bar|die|chip|cell|junction|neuron|synapse)s?(_?(name|label|{_NO}))?",
        r"probe|bauteil|bauelement|zelle",
    ),
    "polarity": (
        r"polarity|direction|pulse_?(type|polarity|direction|sign)|polarit\w+t|(puls_?)?richtung",
    ),
    "current": (
        r"current|i|i_?x|input_current|pulse_current|i_?pulse",
        r"i_?(p|in|write|prog|set|source|src|dc|app|applied)|amplitude|"
        r"(write|source|drive|programming|applied|dc|sourced)_?(current|i)|"
        r"((puls|schreib)_?)?strom",
    ),
    "read": (rf"(read|reading)s?(_?{_NO})?",),
    "temperature": (
        r"((stage|sample|chuck|cryostat|base|bath|set)_?)?temp(erature)?s?|t_?k|t_?(sample|stage)",
        r"t|(proben)?temperatur",
    ),
    "time": (
        r"((elapsed|relative|waiting|wait|delay|retention|hold)_?)?time(_?stamp|_after_\w+)?",
        r"t|delay|wait|age|elapsed|t_?(wait|delay|ret)|(warte)?zeit",
    ),
}
"""Patterns of each kind's names, as `plain` has them, the likelier ones first."""
READ_CURRENT = re.compile(r"(read|sense|probe)_current|i_?(read|sense|probe)|(lese|mess)_?strom")
"""Names of the current of reads."""
UNITS = {
    "resistance": (("ohm", "", "S", "V"), "ohm, mohm, S, mV"),
    "current": (("A", ""), "A, mA, uA"),
    "pulse": (("",), "plain numbers"),
    "time": (("s", ""), "s, ms, min or h"),
    "temperature": (("K", "C", ""), "K or \N{DEGREE SIGN}C"),
}
"""Base units that a kind can have, and their names in messages."""
WORDS = {
    Polarity.POTENTIATION: (
        *("potentiation", "pot", "potentiate", "p", "ltp", "up", "+", "+1", "1", "positive", "pos"),
        *("set", "write", "program", "increase", "inc", "v+", "auf", "potenzierung"),
    ),
    Polarity.DEPRESSION: (
        *("depression", "dep", "depress", "d", "ltd", "down", "-", "-1", "negative", "neg"),
        *("reset", "erase", "decrease", "dec", "v-", "ab", "depression"),
    ),
}
POLARITIES = {word: polarity for polarity, words in WORDS.items() for word in words}
"""Polarity that a word in lower case means."""
ESSENTIAL = ("pulse", "resistance", "current", "time")
"""Kinds that a name alone gives; a wrong unit is then refused."""


def plain(name: str) -> str:
    """Return a column's name in lower case, with one character between words."""
    return re.sub(r"[\s_.:-]+", "_", name.strip().lower()).strip("_<>|*") or name.strip()


class ColumnMap:
    """Kind of each column of a file, and the reason.

    Parameters
    ----------
    file : CsvFile
        The table.
    names : ColumnNames
        Names that differ from the usual ones.

    Attributes
    ----------
    headings : list of str
        Names of all columns, as `plain` has them.
    places : dict of str to list of int
        Places of each kind of column that the file has, by the keys of `NAMES`; R_AH may have
        several.
    reasons : dict of int to (str, str)
        Kind of each of these columns, and the reason.

    Raises
    ------
    UserError
        If the file lacks a named column, or has two of one name.
    """

    def __init__(self, file: CsvFile, names: ColumnNames) -> None:
        self.file = file
        self.headings = [plain(column.name) for column in file.columns]
        self._check_headings()
        self.places: dict[str, list[int]] = {}
        self.reasons: dict[int, tuple[str, str]] = {}
        for kind in NAMES:
            reason = "by the option column"
            places = [self._named(kind, name) for name in names.given(kind, file.path)]
            if not places:
                reason = "by its name"
                places = self._usual(kind)
            if not places and kind == "polarity":
                reason = "by its cells"
                places = self._polarity_words()
            if places:
                self.places[kind] = places
            self.reasons |= dict.fromkeys(places, (kind, reason))

    def place(self, kind: str) -> int | None:
        """Return the place of the column of a kind, or None."""
        return self.places[kind][0] if kind in self.places else None

    def find(self, name: str) -> int | None:
        """Return the place of a column by its name as written, or else as `plain` has it."""
        names = [column.name for column in self.file.columns]
        if name in names:
            return names.index(name)
        return self.headings.index(plain(name)) if plain(name) in self.headings else None

    def _check_headings(self) -> None:
        # A time ``t`` and a temperature ``T`` may do without units.
        pairs = [
            (name if len(name) == 1 else plain(name), unit) for name, unit in self.file.columns
        ]
        for heading, unit in pairs:
            if heading and pairs.count((heading, unit)) > 1:
                raise UserError(f"{self.file.path}: two columns are called {heading}; rename one")

    def _named(self, kind: str, name: str) -> int:
        """Return the place of a column that an option names."""
        place = self.find(name)
        if place is None:
            raise UserError(
                f"{self.file.path} has no column {name} (it has {self._listed()}); mend "
                f"`column` {kind}={name}, which may be for one file as {kind}=FILE:NAME"
            )
        return place

    def _usual(self, kind: str) -> list[int]:
        """Return the place of a column by its usual names; R_AH_1, R_AH_2 ... are cycles."""
        for known in NAMES[kind]:
            found = [place for place in self._matching(known) if place not in self.reasons]
            fit = [place for place in found if self._has_unit_of(kind, place)]
            if fit or (found and kind in ESSENTIAL):
                return (fit or found)[:1]
        if kind != "resistance":
            return []
        return self._matching(rf"({'|'.join(NAMES[kind])})_?(cycle_?)?\d+|cycle_?\d+")

    def _matching(self, known: str) -> list[int]:
        """Return the places of columns whose names match a pattern."""
        return [
            place
            for place, heading in enumerate(self.headings)
            # RH in per cent is a humidity.
            if re.fullmatch(known, heading) and "".join(self.file.columns[place]) != "RH%"
        ]

    def _has_unit_of(self, kind: str, place: int) -> bool:
        """Return True if a column's unit is one of its kind; a ``T`` without one is no time."""
        name, unit = self.file.columns[place]
        if not unit and name in ("t", "T"):
            return kind == ("time" if name == "t" else "temperature")
        return kind not in UNITS or base_of(unit) in UNITS[kind][0]

    def _polarity_words(self) -> list[int]:
        """Return the first column whose cells are words of both polarities and no others."""
        for place in range(len(self.headings)):
            words = {cell.lower() for cell in self.file.cells(place) if cell}
            if {POLARITIES.get(word) for word in words} == set(Polarity):
                if place in self.reasons:
                    continue
                return [place] if any(number(word) is None for word in words) else []
        return []

    def _listed(self) -> str:
        return ", ".join(column.name or "(no name)" for column in self.file.columns)

    def lacks(self, kind: str, called: str, named: bool = True) -> UserError:
        """Return an error on a lacking column.

        Parameters
        ----------
        kind : str
            Kind of the column.
        called : str
            Its name in the message.
        named : bool
            True if `ReadOptions.columns` can name a column of this kind.
        """
        advice = f", or name it with `column` {kind}=NAME" if named else ""
        return UserError(
            f"{self.file.path} has no column of {called} (it has {self._listed()}); rename one"
            f"{advice}"
        )


class CurveColumns(ColumnMap):
    """Columns of the curves of one file.

    Parameters
    ----------
    file : CsvFile
        The table.
    options : ReadOptions
        Names that differ from the usual ones, and the current that a Hall voltage was read with.
    decay : bool
        True if curves are over time.

    Attributes
    ----------
    kind : str
        Abscissa of the curves: ``pulse``, ``current`` of a neuron, or ``time``.
    x : int
        Place of the abscissa.
    x_unit, x_factor
        Its base unit, and its factor.
    resistances : dict of int to float
        Places of R_AH's columns, and their factors.
    unit : str
        Base unit of R_AH.
    used : set of int
        Places of the columns that curves are made of.

    Raises
    ------
    UserError
        If a column or its unit is lacking or unknown.
    """

    def __init__(self, file: CsvFile, options: ReadOptions, decay: bool = False) -> None:
        super().__init__(file, options.columns)
        if decay:
            self.kind = "time"
        else:
            self.kind = "pulse" if "pulse" in self.places else "current"
        self.x = self._abscissa()
        self.x_unit, self.x_factor = self._unit(self.x, self.kind)
        places = self.places.get("resistance", [])
        if not places:
            raise self.lacks("resistance", "resistance such as R_AH (ohm)")
        units = [self._unit(place, "resistance") for place in places]
        self.unit = units[0][0]
        if any(unit != self.unit for unit, _ in units):
            raise UserError(
                f"{file.path}: columns of R_AH have different units; give them all in ohm"
            )
        current = 1.0
        if self.unit == "V":
            current = options.read_current or self._read_current(places[0])
            self.unit = "ohm"
        pairs = zip(places, units, strict=True)
        self.resistances = {place: factor / current for place, (_, factor) in pairs}
        self.used = {self.x, *places}
        for kind in ("cycle", "device", "polarity", "read"):
            self.used.update(self.places.get(kind, [])[:1])
        if decay:
            self.used.update(self.places.get("temperature", [])[:1])

    def _abscissa(self) -> int:
        place = self.place(self.kind)
        if place is None and self.kind == "time":
            raise self.lacks("time", "time", named=False)
        if place is None:
            raise self.lacks("pulse", "pulse nor one of current")
        return place

    def _read_current(self, voltage: int) -> float:
        """Return the current of reads in ampere that a column or a line before a table gives."""
        file = self.file
        facts = [fact for block in file.blocks for fact in file.facts(block.line + 1)]
        for place, (name, unit) in enumerate(file.columns):
            facts += [(name, unit, cell) for cell in set(file.cells(place))]
        amperes = set()
        for name, unit, value in facts:
            if READ_CURRENT.fullmatch(plain(name)) and base_of(unit) == "A":
                amperes.add((number(value) or 0.0) * (unit_of(unit) or ("", 0.0))[1])
        if len(amperes) != 1 or 0.0 in amperes:
            raise UserError(
                f"{file.path}: column {file.columns[voltage].name} is a voltage; give the current "
                "that it was read with, such as `read_current` 0.1mA"
            )
        return amperes.pop()

    def _unit(self, place: int, kind: str) -> tuple[str, float]:
        """Return the base unit of a column and its factor."""
        column = self.file.columns[place]
        known, listed = UNITS[kind]
        unit = unit_of(column.unit)
        if unit is None and kind == "pulse":
            unit = ("", 1.0)  # a count in any word that is no unit
        if unit is None or unit[0] not in known:
            raise UserError(
                f"{self.file.path}: column {column.name} is in {column.unit}, which is not known "
                f"for a {kind}; give it in {listed}"
            )
        return unit


def is_decay(file: CsvFile, names: ColumnNames | None = None) -> bool:
    """Return True if a file holds decays: it is over time, without pulses, at one current."""
    columns = ColumnMap(file, names or ColumnNames())
    currents = {cell for place in columns.places.get("current", ()) for cell in file.cells(place)}
    return "time" in columns.places and "pulse" not in columns.places and len(currents) < 2
