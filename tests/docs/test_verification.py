"""``docs/verification.md``: each block has a row, with the tests and proofs that there are."""

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
