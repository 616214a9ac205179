"""Columns beside those of the model: rows chosen by them, and none that varies unseen."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from allspin.host.study.fit.reading.columns import Columns, plain
from allspin.host.study.fit.reading.options import Condition, ReadOptions
from allspin.host.study.fit.reading.pulses import Part
from allspin.host.study.fit.reading.settings.varying import Varying
from allspin.host.study.fit.reading.table import cells as cell_text
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.errors import UserError

KNOWN = re.compile(
    r"((read_|write_|pulse_|bias_)?(current|width|duration|length|amplitude)|i|i_?pulse|i_?write|"
    r"t_?pulse|([a-z]+_)*field|[bh]_?[xyz]?|temperature|temp|gate|v_?g|v_?gate)(_.*)?"
)
"""Names of what an experiment sets."""
BOOKKEEPING = re.compile(
    r"|(time|date|timestamp|elapsed|clock|index|row|line|no|point|step|id|number|count|comment|"
    r"remark|note|operator|user|file|unnamed|error|status|std|sigma|uncertainty)(_.*|s)?"
)
"""Names of what every row may have of its own."""
WORDS = re.compile(
    r"(.*_)?(currents?|width|duration|amplitude|field|temperature|temp|gate|bias|"
    r"[iv]_?(src|source|bias|pulse|write|prog|set)|"
    r"(pulse|source|write|set|programming|bias|drive|gate)_(voltage|level|power))(_.*)?"
)
"""The same among other words, as in ``Stage temperature``."""
UNITS = ("A", "T", "Oe", "K")
"""Units of what an experiment sets, whatever it is called."""
READINGS = {
    *("meas", "measured", "sense", "sensed", "leak", "leakage", "noise", "std", "sigma", "error"),
    *("uncertainty", "compliance", "limit", "range", "max", "min", "start", "stop"),
}
"""Words of what is read, or bounds it, in such a unit."""
SHOWN = 4
"""Values that a message has."""


def is_bookkeeping(heading: str) -> bool:
    """Whether a column, by its plain name, is what every row may have of its own."""
    return BOOKKEEPING.fullmatch(heading) is not None


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    if READINGS & set(heading.split("_")):
        return False
    known = unit_of(unit)
    called = KNOWN.fullmatch(heading) or WORDS.fullmatch(heading)
    return called is not None or (known is not None and known[0] in UNITS)


def choose_rows(
    file: CsvFile, columns: Columns, options: ReadOptions
) -> tuple[list[int], set[str]]:
    """The rows for which all conditions hold, and the columns of those that the file has.

    A neuron's current is what its curve is over, and no condition.

    Raises
    ------
    UserError
        If a condition leaves no row, or is about a column that curves are over.
    """
    chosen = list(range(len(file.rows)))
    used: set[str] = set()
    for condition in options.conditions():
        name = plain(condition.column)
        if name not in columns.headings:
            continue
        place = columns.headings.index(name)
        if place == columns.x or place in columns.resistances:
            if columns.neuron:
                continue
            raise UserError(
                f"{file.path}: --where {condition} is about the curves themselves; choose by "
                "another column"
            )
        used.add(name)
        cells = _filled(file, place, chosen) if place == columns.current else {}
        kept = [
            index
            for index in chosen
            if condition.takes(cells.get(index, file.rows[index][1][place]))
        ]
        if not kept:
            there = _few({file.rows[index][1][place] for index in chosen})
            raise UserError(f"{file.path}: no row has {condition}; {condition.column} has {there}")
        chosen = kept
    return chosen, used


def _filled(file: CsvFile, place: int, chosen: list[int]) -> dict[int, str]:
    """Pulse currents of rows that have none: those of the next pulse, or of the last."""
    found: dict[int, str] = {}
    for order in (reversed(chosen), iter(chosen)):
        last = ""
        for index in order:
            cell = found.get(index, file.rows[index][1][place])
            value = cell_text.number(cell)
            if value is None or value:
                last = cell if value is None or value == value else last
            if value is not None and (not value or value != value) and last:
                found[index] = last
    return found


def check_used(conditions: Iterable[Condition], used: set[str]) -> None:
    """Refuse a condition on a column that no file has.

    Raises
    ------
    UserError
        With its column.
    """
    for condition in conditions:
        if plain(condition.column) not in used:
            raise UserError(f"no file has a column {condition.column}; mend --where {condition}")


def _plainly(text: str) -> str:
    """A value without a decimal comma, as a condition takes it."""
    value = cell_text.number(text)
    return text if value is None or math.isnan(value) else f"{value:.10g}"


def _ordered(values: set[str]) -> list[str]:
    def order(text: str) -> tuple[float, str]:
        value = cell_text.number(text)
        return (math.inf if value is None or math.isnan(value) else abs(value), text)

    return sorted(map(_plainly, values), key=order)


def _few(values: set[str]) -> str:
    shown = [text or "nothing" for text in _ordered(values)]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" * (len(shown) > SHOWN))


def check_steady(
    file: CsvFile, columns: Columns, options: ReadOptions, parts: Mapping[str, Sequence[Part]]
) -> list[str]:
    """Refuse a column that varies where curves are taken for cycles of one another.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : Columns
        What its columns are.
    options : ReadOptions
        Which columns may vary.
    parts : mapping of str to sequence of Part
        The curves, by what they are of.

    Returns
    -------
    list of str
        What is said of settings that scatter a little.

    Raises
    ------
    UserError
        With the column and its values.
    """
    notes = []
    ignored = {plain(name) for name in options.ignored}
    for name in sorted(ignored - set(columns.headings)):
        raise UserError(f"{file.path} has no column {name}; mend --ignore-column")
    for place, heading in enumerate(columns.headings):
        if place in columns.used or heading in ignored:
            continue
        column = file.columns[place]
        named = is_named(heading, column.unit)
        all_parts = {what: Varying(file, place, own) for what, own in parts.items()}
        for what, varies in all_parts.items():
            if len(varies.values) < 2:
                continue
            if varies.is_setting(named, is_bookkeeping(heading), columns):
                others = [other for one, other in all_parts.items() if one != what]
                name = column.name or f"number {place + 1}"
                raise UserError(
                    f"{file.path}: column {name} varies within {what} ({_few(varies.texts)}) and "
                    f"has no part in the model; {_advice(name, varies, others)}, or let it "
                    f'vary with --ignore-column "{name}"'
                )
            if named:
                notes.append(
                    f"{file.path}: column {column.name} scatters by {varies.scatter:.1%} within "
                    f"{what} and is taken as constant"
                )
    return notes


def _advice(name: str, varies: Varying, others: list[Varying]) -> str:
    """How to choose one of the values, with one of those that other curves have.

    Those are such as the current of the other polarity.
    """
    if varies.repeated or not varies.numbers:
        rest = set().union(*(other.texts for other in others)) - varies.texts
        wanted = [_ordered(varies.texts)[0], *_ordered(rest)[:1]]
        return f'choose by --where "{name}={",".join(wanted)}"'
    own = varies.ranges()
    rest = [
        (low, high)
        for other in others
        for low, high in other.ranges()
        if all(high < start or low > end for start, end in own)
    ]
    if len(own) + len(rest) < 2:
        return f'choose by a range, as in --where "{name}=LOW..HIGH"'
    ranges = [f"{low:.6g}..{high:.6g}" for low, high in (*own[:1], *rest[:1])]
    return f'choose by --where "{name}={",".join(ranges)}"'
