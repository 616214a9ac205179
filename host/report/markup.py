"""What htpy leaves to whoever makes pages: what they may not hold, and R_AH as it is in print."""

import re

from htpy import Node, fragment
from markupsafe import Markup, escape

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
_DOI = re.compile(r"doi (10\.\d{4,9}/[\w.()/:-]*\w)")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def spelled(content: Node, name: str = "R<sub>AH</sub>") -> Node:
    """Content for people to read: in a string R_AH is as in print, and a DOI is a link.

    Parameters
    ----------
    content : Node
        What is no string stays as it is.
    name : str
        HTML that stands for R_AH.
    """
    if not isinstance(content, str):
        return content
    return Markup(_DOI.sub(_linked, str(escape(content).replace("R_AH", Markup(name)))))


def _linked(found: re.Match[str]) -> str:
    """A DOI as a link to what it names; the text is HTML already."""
    return f'<a href="https://doi.org/{found[1]}" rel="noreferrer">{found[0]}</a>'


def render(content: Node) -> str:
    """The HTML of some content, without a character that no page may hold, wherever it was."""
    return UNPRINTABLE.sub(REPLACEMENT, str(fragment[content]))
