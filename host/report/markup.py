"""What htpy leaves to whoever makes pages: what they may not hold, and R_AH as it is in print."""

from htpy import Node, fragment
from markupsafe import Markup, escape

from allspin.sim.drawing.card import REPLACEMENT, UNPRINTABLE


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
