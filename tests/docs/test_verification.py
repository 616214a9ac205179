"""``docs/verification.md``: each block has a row, with the tests and proofs that there are."""

from tests.docs.documents import DOCS, between, read
from tests.verification import blocks
from tests.verification.__main__ import MARKS


def test_the_table_of_blocks_is_what_the_tree_has(monkeypatch):
    # Netlists take long to elaborate; they are what the command wrote.
    monkeypatch.setattr(blocks, "elaborated", lambda board: frozenset())
    written = between(DOCS / "verification.md", MARKS).split("\n")
    found, made = (
        [line.rpartition("|")[0].rpartition("|")[0] for line in lines if line]
        for lines in (written, blocks.rows(read("verification.md")))
    )
    assert found == made
