"""HTML of tables, images and pictures, for notebooks and reports."""

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import htpy as h
import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from allspin.host.draw.picture_files import svg_of
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.draw.style import R_AH
from allspin.host.show.table import Cell, Table, shown

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that HTML must not hold: controls, halves of surrogate pairs, noncharacters."""
LOWERED = Markup("R<sub>AH</sub>")
WIDTH = 380
"""Width of a card's picture in pixels."""
BOX = "display:flex;flex-wrap:wrap;gap:1em 1.5em;align-items:flex-start;margin:0.5em 0"


def render(content: h.Node) -> str:
    """Return the HTML of some content, with each `UNPRINTABLE` character replaced."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(h.fragment[content]))


def spelled(content: h.Node) -> h.Node:
    """Lower the index of R_AH in a string, as in print."""
    return escape(content).replace("R_AH", LOWERED) if isinstance(content, str) else content


def html_table(table: Table, style: str | None = None) -> h.Node:
    """Return a table, with its notes below it.

    Parameters
    ----------
    table : Table
        The table; numbers get the class ``number``.
    style : str, optional
        CSS of the cells that hold no numbers.
    """
    attributes: list[dict[str, Any]] = []
    for place in range(len(table.columns)):
        attributes.append({"class_": "number"} if table.is_number(place) else {"style": style})

    def row_of_cells(row: Sequence[Cell]) -> h.Element:
        cells = []
        for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
            if place < table.keys:
                element = h.th(scope="row", **attributes[place])
            else:
                element = h.td(**attributes[place])
            cells.append(element[spelled(shown(cell, column))])
        return h.tr[cells]

    heads = [
        h.th(scope="col", **attributes[place])[spelled(column.head)]
        for place, column in enumerate(table.columns)
    ]
    return h.fragment[
        h.table[
            h.caption(style=style)[h.b[spelled(table.title)]],
            h.thead[h.tr[heads]] if table.headed else None,
            h.tbody[[row_of_cells(row) for row in table.rows]],
        ],
        [h.p(class_="note")[note] for note in table.notes],
    ]


def image(pixels: npt.NDArray[np.uint8], alt: str, **attributes: Any) -> h.VoidElement:
    """Return a small image, grey or RGBA, as an element that holds its data."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    height, width = pixels.shape[:2]
    return h.img(src=source, alt=alt, **{"width": width, "height": height, **attributes})


def take_title(figure: Figure) -> str:
    """Remove a figure's title, and return it as plain text for the page."""
    title = figure.get_suptitle().replace(R_AH, "R_AH").replace(r"\$", "$")
    figure.suptitle("")
    return title


def chart(figure: Figure, title: str, style: PictureStyle | None = None) -> h.Node:
    """Return a figure as an element of the page; see `svg_of`."""
    return Markup(svg_of(figure, title, style))


def card_of(tables: Sequence[Table], *pictures: h.Node | Figure) -> str:
    """Return the HTML of a notebook's card: pictures and tables side by side where they fit."""
    parts: list[h.Node] = []
    for picture in pictures:
        if isinstance(picture, Figure):
            content: h.Node = chart(picture, take_title(picture))
        else:
            content = picture
        parts.append(h.div(style=f"width:{WIDTH}px;max-width:100%")[content])
    texts = [html_table(table, style="text-align:left") for table in tables]
    return render(h.div(style=BOX)[parts, h.div[texts]])
