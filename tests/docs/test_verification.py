"""``docs/verification.md``: each block has a row, with its existing tests and proofs."""

from tests.docs.documents import DOCS, between, read
from tests.verification import blocks
from tests.verification.__main__ import MARKS


def test_the_table_of_blocks_is_that_of_the_tree(monkeypatch):
    # Netlists take long to elaborate, so the command's column is taken as it is.
    monkeypatch.setattr(blocks, "elaborated", lambda board: frozenset())
    written = between(DOCS / "verification.md", MARKS).split("\n")
    found, made = (
        [line.rpartition("|")[0].rpartition("|")[0] for line in lines if line]
        for lines in (written, blocks.rows(read("verification.md")))
    )
    assert found == made
