"""``docs/verification.md``: each block has a row, with the tests and proofs that there are."""

import pytest

from tests.verification import blocks
from tests.verification.__main__ import MARKS

DOCUMENT = blocks.ROOT / "docs" / "verification.md"


def test_the_table_of_blocks_is_what_the_tree_has(monkeypatch):
    # Netlists take long to elaborate; they are what the command wrote.
    monkeypatch.setattr(blocks, "elaborated", lambda board: frozenset())
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = MARKS.around(DOCUMENT)
    written = text[len(before) + len(MARKS.begin) : len(text) - len(after) - len(MARKS.end)]
    found = [line.rpartition("|")[0].rpartition("|")[0] for line in written.split("\n") if line]
    assert found == [line.rpartition("|")[0].rpartition("|")[0] for line in blocks.rows(text)]


@pytest.mark.parametrize(
    ("line", "kind", "hits"),
    [
        ("Queue.i                1,204          18     174,796", "Queue", 3),
        ("Dispatcher.errors          25         275       never", "Dispatcher", 2),
        ("Crossbar: largest sum                              27", "Crossbar", 1),
        ("CobsEncoder.place: wraps                            5", "CobsEncoder", 1),
    ],
)
def test_lines_of_the_coverage_are_understood(line, kind, hits):
    [(found, numbers)] = blocks.BINS.findall(line)
    assert found == kind
    assert len([n for n in numbers.split() if n != "never"]) == hits
