"""A section of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allspin.host.report.markup import Content, Markup, spelled, tag

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
    body : Content
        What it holds; text is escaped.
    commands : sequence of str
        That give its figures again, one a line.
    lead : str
        What stands above them.
    """

    name: str
    title: str
    body: Content
    commands: Sequence[str] = ()
    lead: str = "The same again:"


def paragraph(*content: Content) -> Markup:
    """A paragraph."""
    return tag("p", [spelled(part) for part in content])


def facts(values: Mapping[str, Content]) -> Markup:
    """Names and what they are, side by side."""
    return tag(
        "dl",
        [
            tag("div", tag("dt", spelled(name)), tag("dd", spelled(value)))
            for name, value in values.items()
        ],
        class_="facts",
    )


def command(line: str) -> Markup:
    """A command line, which breaks between words only."""
    words = [
        [" " if place else None, tag("span", word)] for place, word in enumerate(line.split(" "))
    ]
    return tag("pre", tag("code", words), class_="command")


def section(content: Section) -> Markup:
    """A section with its heading and its commands."""
    heading = f"{content.name}-heading"
    commands = [command(line) for line in content.commands]
    return tag(
        "section",
        tag("h2", spelled(content.title), id=heading),
        content.body,
        tag(
            "div",
            tag("p", content.lead, class_="again"),
            commands,
            class_="reproduce",
        )
        if commands
        else None,
        id=content.name,
        aria_labelledby=heading,
    )
