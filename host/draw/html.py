"""HTML for pages and notebooks: tables, small images, charts; all text is escaped."""

import base64
import io
import re
from typing import Any

import htpy as h
import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from allspin.host.draw.style import R_AH, Look, svg_of
from allspin.host.show.table import Table, shown

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
LOWERED = Markup("R<sub>AH</sub>")


def render(content: h.Node) -> str:
    """The HTML of some content, without a character that no page may hold, wherever it was."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(h.fragment[content]))


def spelled(content: h.Node) -> h.Node:
    """Content for people to read: in a string R_AH has its index lowered, as in print."""
    return escape(content).replace("R_AH", LOWERED) if isinstance(content, str) else content


def html_table(table: Table, style: str | None = None) -> h.Node:
    """A table, with its notes below it.

    Parameters
    ----------
    table : Table
        The table; numbers have the class ``number``.
    style : str, optional
        Of the cells that hold no numbers.
    """
    numeric = [table.is_number(place) for place in range(len(table.columns))]
    looks: list[dict[str, Any]] = [
        {"class_": "number"} if is_number else {"style": style} for is_number in numeric
    ]

    def line(row: Any) -> h.Element:
        cells = []
        for place, (cell, column, look) in enumerate(zip(row, table.columns, looks, strict=True)):
            made = h.th(scope="row", **look) if place < table.keys else h.td(**look)
            cells.append(made[spelled(shown(cell, column))])
        return h.tr[cells]

    heads = [
        h.th(scope="col", **look)[spelled(column.head)]
        for column, look in zip(table.columns, looks, strict=True)
    ]
    return h.fragment[
        h.table[
            h.caption(style=style)[h.b[spelled(table.title)]],
            h.thead[h.tr[heads]] if table.headed else None,
            h.tbody[map(line, table.rows)],
        ],
        [h.p(class_="note")[note] for note in table.notes],
    ]


def image(pixels: npt.NDArray[np.uint8], alt: str, **attributes: Any) -> h.VoidElement:
    """A small image that the page holds itself: grey levels or RGBA, a pixel each."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    height, width = pixels.shape[:2]
    return h.img(src=source, alt=alt, **{"width": width, "height": height, **attributes})


def caption_of(figure: Figure) -> str:
    """A figure's title as plain text; it is taken from the figure, for the page to say it."""
    title = figure.get_suptitle().replace(R_AH, "R_AH").replace(r"\$", "$")
    figure.suptitle("")
    return title


def chart(figure: Figure, title: str, look: Look | None = None) -> h.Node:
    """A figure as an element of the page; see `allspin.host.draw.style.svg_of`."""
    return Markup(svg_of(figure, title, look))
