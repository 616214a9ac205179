"""What each column of a file is, by its name, its unit and its cells, and why."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

from allspin.host.lab.quantities import SHOWN, base_of, number
from allspin.host.lab.tables import CsvFile
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

_NO = r"(no|nr|num|number|count|counter|index|idx|id|#|n)"
"""What stands for a number in a name."""
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
"""What each column may be called, as `plain` has it, the likelier names first."""
KINDS = {
    "resistance": (("ohm", "", "S", "V"), "ohm, mohm, S, mV"),
    "current": (("A", ""), "A, mA, uA"),
    "pulse": (("",), "plain numbers"),
    "time": (("s", ""), "s, ms, min or h"),
    "temperature": (("K", "C", ""), "K or \N{DEGREE SIGN}C"),
}
"""Units that a column can have, and how messages tell them."""
POLARITIES = {
    Polarity.POTENTIATION: (
        *("potentiation", "pot", "potentiate", "p", "ltp", "up", "+", "+1", "1", "positive", "pos"),
        *("set", "write", "program", "increase", "inc", "v+", "auf", "potenzierung"),
    ),
    Polarity.DEPRESSION: (
        *("depression", "dep", "depress", "d", "ltd", "down", "-", "-1", "negative", "neg"),
        *("reset", "erase", "decrease", "dec", "v-", "ab", "depression"),
    ),
}
WAYS = {word: polarity for polarity, words in POLARITIES.items() for word in words}
"""The polarity that a word in small letters means."""
ESSENTIAL = ("pulse", "resistance", "current", "time")
"""Columns that are taken by their names even if their units are wrong, which is then said."""


def plain(name: str) -> str:
    """A column's name without capitals, and with one sign for what separates words."""
    return re.sub(r"[\s_.:-]+", "_", name.strip().lower()).strip("_<>|*") or name.strip()


class ColumnMap:
    """What each column of a file is, and why.

    Parameters
    ----------
    file : CsvFile
        The table.
    given : callable
        Names of a kind of column in a file, where they differ from the usual ones.

    Attributes
    ----------
    headings : list of str
        Names of all columns, as `plain` has them.
    places : dict of str to list of int
        Places of each kind of column that there is, by the keys of `NAMES`; several of R_AH.
    why : dict of int to (str, str)
        For each of these what it is, and what tells it.

    Raises
    ------
    UserError
        If a column that was named is lacking, or two are called the same.
    """

    def __init__(self, file: CsvFile, given: Callable[[str, Path], list[str]]) -> None:
        self.file = file
        self.headings = [plain(column.name) for column in file.columns]
        # A time ``t`` and a temperature ``T`` may do without units.
        pairs = [(name if len(name) == 1 else plain(name), unit) for name, unit in file.columns]
        for heading, unit in pairs:
            if heading and pairs.count((heading, unit)) > 1:
                raise UserError(f"{file.path}: two columns are called {heading}; rename one")
        self.places: dict[str, list[int]] = {}
        self.why: dict[int, tuple[str, str]] = {}
        for what in NAMES:
            found = [self._named(what, name) for name in given(what, file.path)]
            why = f"by --{what}-column" if found else "by its name"
            found = found or self._usual(what)
            if not found and what == "polarity":
                found, why = self._of_words(), "by its cells"
            self.places |= {what: found} if found else {}
            self.why |= dict.fromkeys(found, (what, why))

    def place(self, what: str) -> int | None:
        """Place of the column of a kind, if there is one."""
        return next(iter(self.places.get(what, ())), None)

    def find(self, name: str) -> int | None:
        """Place of a column by its name as it is written, or else as `plain` has it."""
        names = [column.name for column in self.file.columns]
        headings, wanted = (names, name) if name in names else (self.headings, plain(name))
        return headings.index(wanted) if wanted in headings else None

    def _named(self, what: str, name: str) -> int:
        """Place of a column that was given by name."""
        place = self.find(name)
        if place is None:
            raise UserError(
                f"{self.file.path} has no column {name} (it has {self._listed()}); mend "
                f"--{what}-column, which may be for one file as FILE:NAME"
            )
        return place

    def _usual(self, what: str) -> list[int]:
        """Places of a column by its usual names; of R_AH also R_AH_1, R_AH_2 ... as many cycles."""
        for known in NAMES[what]:
            found = [place for place in self._called(known) if place not in self.why]
            fit = [place for place in found if self._fits(what, place)]
            if fit or (found and what in ESSENTIAL):
                return (fit or found)[:1]
        known = rf"({'|'.join(NAMES['resistance'])})_?(cycle_?)?\d+|cycle_?\d+"
        return self._called(known) if what == "resistance" else []

    def _called(self, known: str) -> list[int]:
        """Places of the columns whose names match; RH in per cent is a humidity."""
        return [
            n
            for n, heading in enumerate(self.headings)
            if re.fullmatch(known, heading) and "".join(self.file.columns[n]) != "RH%"
        ]

    def _fits(self, what: str, place: int) -> bool:
        """Whether a column's unit is one that its kind can have; a ``T`` of none is no time."""
        name, unit = self.file.columns[place]
        letter = {"t": "time", "T": "temperature"}.get(name, what) if not unit else what
        known = KINDS.get(what)
        return letter == what and (not known or base_of(unit) in known[0])

    def _of_words(self) -> list[int]:
        """The first column whose cells are words for either polarity, and nothing else."""
        for place in range(len(self.headings)):
            words = {cells[place].lower() for _, cells in self.file.rows if cells[place]}
            if {WAYS.get(word) for word in words} == set(Polarity) and place not in self.why:
                return [place] * any(number(word) is None for word in words)
        return []

    def _listed(self) -> str:
        return ", ".join(column.name or "(no name)" for column in self.file.columns)

    def lacks(self, what: str, called: str, option: str) -> UserError:
        """An error that says which column is lacking, and which ones may be meant."""
        columns = self.file.columns
        like = [n for n in range(len(columns)) if n not in self.why and self._is_like(what, n)]
        meant = " or ".join(f'{option} "{columns[place].name}"' for place in like[:SHOWN])
        return UserError(
            f"{self.file.path} has no column of {called} (it has {self._listed()}); rename one"
            + f", or name it with {option}" * bool(option)
            + f"; is it {meant}?" * bool(meant)
        )

    def _is_like(self, what: str, place: int) -> bool:
        """Whether a column may be one of a kind: by its unit, or a count that begins anew."""
        base, cells = base_of(self.file.columns[place].unit), self.file.cells
        if what != "pulse":
            return bool(base) and base in KINDS[what][0]
        values = [number(cell) or 0.0 for cell in cells(place, range(len(self.file.rows)))]
        return sum(after - one == 1 for one, after in itertools.pairwise(values)) > len(values) / 2
