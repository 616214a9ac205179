"""Sections of the page, and the elements that they consist of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import htpy as h
from matplotlib.figure import Figure

from allspin.host.draw.html import chart, html_table, spelled, take_title
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.show.table import Table

TO_HAVE_IT = "To have it:"
"""Text above the command of a section that has nothing to show."""
CHART = PictureStyle(width=140, points=8)
"""Size of a chart and of its text: legible on a wide page and on a phone."""
SHORT = 24
"""Most rows of a table that does not scroll."""


@dataclass(frozen=True)
class Section:
    """Section of the page.

    Parameters
    ----------
    name : str
        Identifier of letters and hyphens.
    title : str
        Heading.
    body : Node
        Content; text is escaped.
    commands : sequence of str
        Commands that compute its figures again, one a line.
    lead : str
        Text above the commands.
    """

    name: str
    title: str
    body: h.Node
    commands: Sequence[str] = ()
    lead: str = "The same again:"


def section_element(section: Section) -> h.Element:
    """Return a section with its heading and its commands."""
    heading = f"{section.name}-heading"
    commands = [command_element(line) for line in section.commands]
    box = None
    if commands:
        box = h.div(class_="reproduce")[h.p(class_="again")[section.lead], commands]
    return h.section(id=section.name, aria_labelledby=heading)[
        h.h2(id=heading)[spelled(section.title)], section.body, box
    ]


def command_element(line: str) -> h.Element:
    """Return a command line that breaks between words only."""
    words: list[h.Node] = []
    for place, word in enumerate(line.split(" ")):
        words.append([" " if place else None, h.span[word]])
    return h.pre(class_="command")[h.code[words]]


def paragraph(text: str) -> h.Element:
    """Return a paragraph."""
    return h.p[spelled(text)]


def note(text: str) -> h.Element:
    """Return a note below a picture."""
    return h.p(class_="note")[spelled(text)]


def facts(values: Mapping[str, h.Node]) -> h.Element:
    """Return names and values side by side, without empty values."""
    return h.dl(class_="facts")[
        [h.div[h.dt[spelled(key)], h.dd[spelled(value)]] for key, value in values.items() if value]
    ]


@dataclass(frozen=True, eq=False)
class ReportPicture:
    """Picture with its title above it, and a note and its numbers below it.

    Parameters
    ----------
    name : str
        Identifier in the page: letters, digits and hyphens.
    picture : Figure
        The picture; showing or saving changes it, so only one of them is possible.
    tables : sequence of Table
        Numbers that no earlier picture shows.
    note : str
        Text below it.
    """

    name: str
    picture: Figure
    tables: Sequence[Table]
    note: str = ""

    @cached_property
    def _element(self) -> h.Element:
        title = take_title(self.picture)
        return h.figure(id=self.name)[
            h.figcaption[spelled(title)],
            chart(self.picture, title, CHART),
            note(self.note) if self.note else None,
            numbers(*self.tables) if self.tables else None,
        ]

    def __html__(self) -> str:
        return str(self._element)


def pictures(body: Any) -> list[ReportPicture]:
    """Return the pictures of a section's body, in order."""
    if isinstance(body, ReportPicture):
        return [body]
    if not isinstance(body, list | tuple):
        return []
    return [picture for part in body for picture in pictures(part)]


def numbers(*tables: Table) -> h.Element:
    """Return tables behind a picture, which the reader unfolds."""
    return h.details(class_="numbers")[
        h.summary["Numbers", h.span(class_="quiet")[spelled(f": {tables[0].title}")]],
        [scrolling(table) for table in tables],
    ]


def scrolling(table: Table) -> h.Element:
    """Return a table in a box that scrolls on a narrow page, and is reached by keyboard."""
    kind = "scroll whole" if len(table.rows) <= SHORT else "scroll"
    return h.div(class_=kind, role="region", aria_label=table.title, tabindex=0)[html_table(table)]


def tiles(kind: str, images: Sequence[tuple[h.VoidElement, h.Node]]) -> h.Element:
    """Return small images with captions below each."""
    return h.div(class_=f"tiles {kind}")[
        [h.figure(class_="tile")[image, h.figcaption[caption]] for image, caption in images]
    ]
