"""The files of the page, read once: what a page asks for is a name among them, never a path."""

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "page"
"""Where they lie."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
}
"""Kinds of files that are served, by the ends of their names."""
INDEX = "index.html"


@dataclass(frozen=True)
class File:
    """A file of the page.

    Attributes
    ----------
    content : bytes
        What it holds.
    kind : str
        Its media type.
    """

    content: bytes
    kind: str


def page_files() -> dict[str, File]:
    """Every file of the page, by its path under `PAGE`; the page itself also by ``""``."""
    found = {
        path.relative_to(PAGE).as_posix(): File(path.read_bytes(), TYPES[path.suffix])
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in TYPES
    }
    return {"": found[INDEX], **found}
