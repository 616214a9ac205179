"""A section of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.tables import spelled

TO_HAVE_IT = "To have it:"
"""What stands above the command of a section that has nothing to show."""


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


def paragraph(*content: h.Node) -> h.Element:
    """A paragraph."""
    return h.p[[spelled(part) for part in content]]


def facts(values: Mapping[str, h.Node]) -> h.Element:
    """Names and what they are, side by side."""
    return h.dl(class_="facts")[
        [h.div[h.dt[spelled(name)], h.dd[spelled(value)]] for name, value in values.items()]
    ]


def command(line: str) -> h.Element:
    """A command line, which breaks between words only."""
    words = [[" " if place else None, h.span[word]] for place, word in enumerate(line.split(" "))]
    return h.pre(class_="command")[h.code[words]]


def section(content: Section) -> h.Element:
    """A section with its heading and its commands."""
    heading = f"{content.name}-heading"
    commands = [command(line) for line in content.commands]
    return h.section(id=content.name, aria_labelledby=heading)[
        h.h2(id=heading)[spelled(content.title)],
        content.body,
        commands and h.div(class_="reproduce")[h.p(class_="again")[content.lead], commands],
    ]
