"""A figure, its deviation and its unit stay on one line."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

SPACE = re.compile(r"(?<=[0-9]) (?=±|%|MHz|images/s)|(?<=±) (?=[0-9])")


def _join(app: Sphinx, doctree: nodes.document) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if SPACE.search(text) and not isinstance(
            text.parent, nodes.FixedTextElement | nodes.literal
        ):
            text.parent.replace(text, nodes.Text(SPACE.sub("\N{NO-BREAK SPACE}", text)))


def setup(app: Sphinx) -> dict[str, Any]:
    """Take part in a build."""
    app.connect("doctree-read", _join)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
