"""A section of the page, and what it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import htpy as h
from matplotlib.figure import Figure

from allspin.host.draw.html import chart, html_table, spelled, take_title
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.show.table import Table

TO_HAVE_IT = "To have it:"
"""What stands above the command of a section that has nothing to show."""
CHART = PictureStyle(width=140, points=8)
"""Size of a chart and of its text: legible on a wide page and on a phone."""
SHORT = 24
"""Rows of a table that is shown whole; a longer one scrolls."""


@dataclass(frozen=True)
class Section:
    """A section.

    Parameters
    ----------
    name : str
        Its id: letters and hyphens.
    title : str
        Its heading.
    body : Node
        What it holds; text is escaped.
    commands : sequence of str
        That give its figures again, one a line.
    lead : str
        What stands above them.
    """

    name: str
    title: str
    body: h.Node
    commands: Sequence[str] = ()
    lead: str = "The same again:"


def section(content: Section) -> h.Element:
    """A section with its heading and its commands."""
    heading = f"{content.name}-heading"
    commands = [command(line) for line in content.commands]
    return h.section(id=content.name, aria_labelledby=heading)[
        h.h2(id=heading)[spelled(content.title)],
        content.body,
        commands and h.div(class_="reproduce")[h.p(class_="again")[content.lead], commands],
    ]


def command(line: str) -> h.Element:
    """A command line, which breaks between words only."""
    words = [[" " if place else None, h.span[word]] for place, word in enumerate(line.split(" "))]
    return h.pre(class_="command")[h.code[words]]


def paragraph(content: str) -> h.Element:
    """A paragraph."""
    return h.p[spelled(content)]


def note(content: str) -> h.Element:
    """What is said below a picture."""
    return h.p(class_="note")[spelled(content)]


def facts(values: Mapping[str, h.Node]) -> h.Element:
    """Names and what they are, side by side; names without anything are left out."""
    return h.dl(class_="facts")[
        [h.div[h.dt[spelled(key)], h.dd[spelled(value)]] for key, value in values.items() if value]
    ]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture with its title above it, and a note and its numbers below it.

    Parameters
    ----------
    name : str
        Its id in the page: letters, digits and hyphens.
    picture : Figure
        The picture; it is changed as it is shown or saved, so that only one of them is possible.
    tables : sequence of Table
        Its numbers, where no picture before it has them.
    said : str
        The note.
    """

    name: str
    picture: Figure
    tables: Sequence[Table]
    said: str = ""

    @cached_property
    def _element(self) -> h.Element:
        title = take_title(self.picture)
        return h.figure(id=self.name)[
            h.figcaption[spelled(title)],
            chart(self.picture, title, CHART),
            self.said and note(self.said),
            numbers(*self.tables) if self.tables else None,
        ]

    def __html__(self) -> str:
        return str(self._element)


def pictures(content: Any) -> list[Drawn]:
    """The pictures of a section's body, in order."""
    inside = content if isinstance(content, list | tuple) else ()
    return [content] if isinstance(content, Drawn) else [*chain(*map(pictures, inside))]


def numbers(*tables: Table) -> h.Element:
    """Tables behind a picture, shown when asked for."""
    return h.details(class_="numbers")[
        h.summary["Numbers", h.span(class_="quiet")[spelled(f": {tables[0].title}")]],
        [scrolling(table) for table in tables],
    ]


def scrolling(table: Table) -> h.Element:
    """A table, in a box that scrolls where the page is narrow, and is reached by keyboard."""
    kind = "scroll whole" if len(table.rows) <= SHORT else "scroll"
    return h.div(class_=kind, role="region", aria_label=table.title, tabindex=0)[html_table(table)]


def tiles(kind: str, images: Sequence[tuple[h.VoidElement, h.Node]]) -> h.Element:
    """Small images with what stands below each."""
    return h.div(class_=f"tiles {kind}")[
        [h.figure(class_="tile")[shown, h.figcaption[below]] for shown, below in images]
    ]
