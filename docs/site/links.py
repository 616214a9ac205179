"""Links of the pages: those to the repository's files resolved, those that lead out listed."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from relinked import TOP, relinked
from sphinx.application import Sphinx
from sphinx.util import logging

OUTSIDE = "external-links.txt"
"""File of the site's external links, an address a line; it lies beside the site."""

logger = logging.getLogger(__name__)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    """Take the text of a document at the top for its page, and put links right."""
    docs = Path(app.srcdir).resolve()
    page = (docs / name).parent
    folder, text = page, source[0]
    tops = {page_: document for document, page_ in TOP.items() if page_ != "index"}
    if name in tops:
        path = docs.parent / tops[name]
        folder, text = docs.parent, path.read_text(encoding="utf-8")
        app.env.note_dependency(str(path))
    source[0] = relinked(text, folder, page, docs)


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None:
        return
    found = {
        node["refuri"]
        for name in app.env.found_docs
        for node in app.env.get_doctree(name).findall(nodes.reference)
        if re.match(r"[a-z]+://", node.get("refuri", ""))
    }
    path = Path(app.outdir).parent / OUTSIDE
    path.write_text("".join(f"{address}\n" for address in sorted(found)), encoding="utf-8")
    logger.info("%d links lead elsewhere; none was fetched: %s", len(found), path)


def setup(app: Sphinx) -> dict[str, Any]:
    """Take part in a build."""
    app.connect("source-read", _read)
    app.connect("build-finished", _write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
