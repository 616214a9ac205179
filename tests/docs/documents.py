"""Documents as tests read them: their code, their tables, and programs that run beside them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from allspin.host.show.document import Marks

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^(`{3,})([^`\n]*)\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
"""A block of code, or a directive of the site such as a notebook's cell."""


def read(name: str) -> str:
    """A document of docs/, or of the repository's folder where the name says so."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Contents of a document's code blocks in one language."""
    return [body for _, kind, body in FENCE.findall(text) if kind == language]


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the rows of the first table with a given head line."""
    lines = text.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]


def between(path: Path, marks: Marks) -> str:
    """Text that a command has written between its marks."""
    before, after = marks.around(path)
    text = path.read_text(encoding="utf-8")
    return text[len(before) + len(marks.begin) : len(text) - len(after) - len(marks.end)]


def python(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with this checkout's allspin."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
