"""Tables of the page: the numbers behind the charts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import htpy as h
from htpy import Node, fragment
from markupsafe import Markup, escape

from allspin.host.show.table import significant
from allspin.sim.drawing import REPLACEMENT, UNPRINTABLE

# What htpy leaves to whoever makes pages: what they may not hold, and R_AH as it is in print.


def spelled(content: Node, name: str = "R<sub>AH</sub>") -> Node:
    """Content for people to read: in a string R_AH has its index lowered, as in print.

    Parameters
    ----------
    content : Node
        What is no string stays as it is.
    name : str
        HTML that stands for R_AH.
    """
    return escape(content).replace("R_AH", Markup(name)) if isinstance(content, str) else content


def render(content: Node) -> str:
    """The HTML of some content, without a character that no page may hold, wherever it was."""
    return UNPRINTABLE.sub(REPLACEMENT, str(fragment[content]))


Cell = str | int | float | None
SHORT = 24
"""Rows of a table that is shown whole; a longer one scrolls."""


@dataclass(frozen=True)
class Table:
    """A table.

    Parameters
    ----------
    title : str
        What it shows.
    header : sequence of str
        Columns, with units.
    rows : sequence of sequence of Cell
        Text and numbers; None is what is not known.
    first_is_head : bool
        Whether a row's first cell says what the row is.
    digits : int, optional
        How many digits of its numbers count, where it is not as many as `number` shows.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    first_is_head: bool = True
    digits: int | None = None


def number(value: float) -> str:
    """A number with the digits that matter: at most five, thousands apart."""
    if isinstance(value, int):
        return f"{value:,}"
    if 1e3 <= abs(value) < 1e9:
        return f"{value:,.1f}" if abs(value) < 1e5 else f"{value:,.0f}"
    return f"{value:.5g}"


PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M"}
"""Prefixes of units by their power of ten."""


def quantity(value: float, unit: str) -> str:
    """A value with its unit, with the prefix that suits it, to three digits."""
    if value == 0:
        return f"0 {unit}"
    power = min(max(3 * math.floor(math.log10(abs(value) * 1.0005) / 3), -18), 6)
    return f"{value / 10.0**power:.3g} {PREFIXES[power]}{unit}"


def _column(values: Sequence[Cell]) -> Callable[[float], str]:
    """How a column's numbers are shown: as many decimals each, where one size fits them."""
    sizes = [abs(value) for value in values if isinstance(value, float) and value]
    if not sizes or max(sizes) >= 1e5 or min(sizes) < max(max(sizes) * 1e-3, 1e-3):
        return number
    decimals = max(0, 3 - math.floor(math.log10(max(sizes))))
    return lambda value: f"{value:,.{decimals}f}" if isinstance(value, float) else number(value)


def _significant(digits: int) -> Callable[[float], str]:
    return lambda value: number(value) if isinstance(value, int) else significant(value, digits)


def _cell(value: Cell, head: bool, say: Callable[[float], str]) -> h.Element:
    if isinstance(value, int | float) and not isinstance(value, bool):
        shown, kind = say(value), "number"
    else:
        shown, kind = "\N{EN DASH}" if value is None else str(value), None
    return (h.th(scope="row", class_=kind) if head else h.td(class_=kind))[shown]


def table(content: Table) -> h.Element:
    """A table, in a box that scrolls sideways where the page is narrow."""
    numeric = [
        any(isinstance(row[place], int | float) for row in content.rows)
        for place in range(len(content.header))
    ]
    say = [_column([row[place] for row in content.rows]) for place in range(len(content.header))]
    if content.digits is not None:
        said = _significant(content.digits)
        # Percents are shares of images, which are counted.
        say = [
            one if "(%)" in name else said for one, name in zip(say, content.header, strict=True)
        ]
    head = [
        h.th(scope="col", class_="number" if is_number else None)[spelled(name)]
        for name, is_number in zip(content.header, numeric, strict=True)
    ]
    rows = [
        h.tr[
            [
                _cell(value, content.first_is_head and place == 0, say[place])
                for place, value in enumerate(row)
            ]
        ]
        for row in content.rows
    ]
    # A box that scrolls must be reachable by keyboard.
    kind = "scroll whole" if len(content.rows) <= SHORT else "scroll"
    return h.div(class_=kind, role="region", aria_label=content.title, tabindex=0)[
        h.table[h.caption[spelled(content.title)], h.thead[h.tr[head]], h.tbody[rows]]
    ]


def numbers(*tables: Table) -> h.Element:
    """Tables behind a chart, shown when asked for."""
    return h.details(class_="numbers")[
        h.summary["Numbers", h.span(class_="quiet")[spelled(f": {tables[0].title}")]],
        [table(one) for one in tables],
    ]
