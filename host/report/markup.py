"""What htpy leaves to whoever makes pages: what they may not hold, and R_AH as it is in print."""

import re

from htpy import Node, fragment
from markupsafe import Markup, escape

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def spelled(content: Node, name: str = "R<sub>AH</sub>") -> Node:
    """Content for people to read: in a string R_AH has its index lowered, as in print.

    Parameters
    ----------
    content : Node
        What is no string stays as it is.
    name : str
        HTML that stands for R_AH.
    """
    return escape(content).replace("R_AH", Markup(name)) if isinstance(content, str) else content


def render(content: Node) -> str:
    """The HTML of some content, without a character that no page may hold, wherever it was."""
    return UNPRINTABLE.sub(REPLACEMENT, str(fragment[content]))
