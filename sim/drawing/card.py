"""What a notebook shows of an object: its name, pictures, and a small table.

A notebook asks an object's ``_repr_html_``. Names come from files that others may have made, so all
text is escaped here, and nothing else makes tags of it.
"""

import re
from collections.abc import Sequence
from html import escape

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LONGEST = 200
"""Characters of a value that are shown."""
BOX = "display:flex;flex-wrap:wrap;gap:1em 1.5em;align-items:flex-start;margin:0.5em 0"
CELL = "text-align:left;vertical-align:top;padding:0.1em 0.8em 0.1em 0"


def shown_text(value: object) -> str:
    """A value as the HTML of a text, cut where it is long."""
    text = UNPRINTABLE.sub(REPLACEMENT, str(value))
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return escape(text)


def card(title: str, facts: Sequence[tuple[str, object]], *pictures: str) -> str:
    """An object's card.

    Parameters
    ----------
    title : str
        What it is, and what it is called.
    facts : sequence of (str, object)
        The rows of its table, name and value; those of None are left out.
    pictures : str
        HTML or SVG, as `allspin.sim.drawing.chart` and `allspin.sim.drawing.raster` make it.
    """
    rows = "".join(
        f'<tr><th scope="row" style="{CELL}">{shown_text(name)}</th>'
        f'<td style="{CELL}">{shown_text(value)}</td></tr>'
        for name, value in facts
        if value is not None
    )
    drawn = "".join(f"<div>{picture}</div>" for picture in pictures)
    return (
        f'<div style="{BOX}">{drawn}<table style="margin:0;border-collapse:collapse">'
        f'<caption style="text-align:left"><b>{shown_text(title)}</b></caption>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def grid(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table with a head, as HTML."""

    def line(cells: tuple[str, ...], tag: str) -> str:
        return "".join(f'<{tag} style="{CELL}">{shown_text(cell)}</{tag}>' for cell in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        '<table style="margin:0;border-collapse:collapse">'
        f'<caption style="text-align:left"><b>{shown_text(title)}</b></caption>'
        f"<thead><tr>{line(header, 'th')}</tr></thead><tbody>{body}</tbody></table>"
    )


def beside(*parts: str) -> str:
    """Pictures and tables beside one another, or below where there is no room."""
    return f'<div style="{BOX}">{"".join(f"<div>{part}</div>" for part in parts)}</div>'
