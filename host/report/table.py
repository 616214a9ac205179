"""Tables of the page: the numbers behind the charts."""

from collections.abc import Sequence
from dataclasses import dataclass

from host.report.markup import Markup, tag

Cell = str | int | float | None


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
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    first_is_head: bool = True


def number(value: float) -> str:
    """A number with the digits that matter: at most five, thousands apart."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        digits = f"{value:,.5g}" if abs(value) < 1e3 else f"{value:,.1f}"
        return digits
    return f"{value:.4g}"


def _cell(value: Cell, head: bool) -> Markup:
    if isinstance(value, int | float) and not isinstance(value, bool):
        shown, kind = number(value), "number"
    else:
        shown, kind = "\N{EN DASH}" if value is None else str(value), None
    if head:
        return tag("th", shown, scope="row", class_=kind)
    return tag("td", shown, class_=kind)


def table(content: Table) -> Markup:
    """A table, in a box that scrolls sideways where the page is narrow."""
    numeric = [
        any(isinstance(row[place], int | float) for row in content.rows)
        for place in range(len(content.header))
    ]
    head = tag(
        "tr",
        [
            tag("th", name, scope="col", class_="number" if is_number else None)
            for name, is_number in zip(content.header, numeric, strict=True)
        ],
    )
    rows = [
        tag(
            "tr",
            [
                _cell(value, head=content.first_is_head and place == 0)
                for place, value in enumerate(row)
            ],
        )
        for row in content.rows
    ]
    whole = tag("table", tag("caption", content.title), tag("thead", head), tag("tbody", rows))
    # A box that scrolls must be reachable by keyboard.
    return tag("div", whole, class_="scroll", role="region", aria_label=content.title, tabindex=0)


def numbers(*tables: Table) -> Markup:
    """Tables behind a chart, shown when asked for."""
    return tag(
        "details",
        tag("summary", "Numbers", tag("span", f": {tables[0].title}", class_="quiet")),
        [table(one) for one in tables],
        class_="numbers",
    )
