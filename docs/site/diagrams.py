"""Flow charts of the documents as pictures in the page, without a script."""

from typing import Any

from docutils import nodes
from layout import parse
from picture import svg
from sphinx.application import Sphinx


def _draw(app: Sphinx, doctree: nodes.document) -> None:
    for number, block in enumerate(list(doctree.findall(nodes.literal_block))):
        if block.get("language") == "mermaid" and app.builder.format == "html":
            drawn = f'<div class="flowchart-box">{svg(parse(block.astext()), number)}</div>'
            block.replace_self(nodes.raw("", drawn, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Take part in a build."""
    app.connect("doctree-read", _draw)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
