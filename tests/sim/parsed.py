"""What a card is to a parser that is none of ours."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = {"img"}
"""Elements without an end tag."""


@dataclass
class Parsed:
    """The elements of some HTML.

    Attributes
    ----------
    elements : list of (str, dict)
        Tags with their attributes, in order.
    texts : list of (str, str)
        Texts with the tag that they stand in, in order.
    """

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def of(self, tag: str) -> list[dict[str, str]]:
        """Attributes of all elements of a tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        """Texts of all elements of a tag."""
        return [text for name, text in self.texts if name == tag]

    def facts(self) -> dict[str, str]:
        """Rows of a card's table: what stands in a head, and what follows it."""
        cells = [(name, text) for name, text in self.texts if name in ("th", "td")]
        return {
            text: cells[number + 1][1]
            for number, (name, text) in enumerate(cells[:-1])
            if name == "th" and cells[number + 1][0] == "td"
        }


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found, self.open = Parsed(), list[str]()

    def handle_starttag(self, tag, attrs):
        self.found.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.found.texts.append((self.open[-1], data))


def parsed(html: str) -> Parsed:
    """Parse some HTML, in which every element ends where it should."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.found


def points(element: dict[str, str]) -> list[tuple[float, float]]:
    """Points of a path of straight lines."""
    pairs = element["d"].removeprefix("M").split("L")
    return [tuple(map(float, pair.split())) for pair in pairs]  # type: ignore[misc]
