"""Pages and cards as Python's own HTML parser reads them."""

from html.parser import HTMLParser
from itertools import pairwise

VOID = {"br", "img", "link", "meta"}


class Reader(HTMLParser):
    """Reads a page into elements, and notes faults of its form.

    Attributes
    ----------
    elements : list of (str, dict)
        Names and attributes, in order.
    texts : list of (str, str)
        Text, with the name of the element that holds it.
    faults : list of str
        Faults of the page's form.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, name: str) -> list[dict[str, str]]:
        """Attributes of all elements of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]

    def said(self, name: str) -> list[str]:
        """Each text that stands directly in an element of a name."""
        return [text for holder, text in self.texts if holder == name]

    def facts(self) -> dict[str, str]:
        """Rows of a table: the text of each head cell, and the text of the data cell after it."""
        cells = [(name, text) for name, text in self.texts if name in ("th", "td")]
        return {
            text: after[1]
            for (name, text), after in pairwise(cells)
            if (name, after[0]) == ("th", "td")
        }

    def text_of(self, name: str) -> str:
        """All text directly in elements of a name."""
        return "".join(self.said(name))
