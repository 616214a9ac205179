"""The table fits this tree, and samples are reproducible."""

import fnmatch

import pytest

from tests.mutants.mutations import find_mutants
from tests.mutants.table import Table, sample

pytestmark = pytest.mark.long

TABLE = Table.read()


def test_every_file_has_tests_and_every_row_files_and_tests():
    assert all(map(TABLE.tests, TABLE.files))
    for of, tests in TABLE.more.items():
        assert fnmatch.filter(TABLE.files, of), of
        for pattern in tests:
            assert [*TABLE.root.glob(pattern)], pattern


def test_every_unseen_entry_is_a_mutant():
    mutants = TABLE.mutants()
    for unseen in TABLE.unseen:
        assert any(unseen.is_of(mutant, TABLE.root) for mutant in mutants), unseen


def test_a_file_s_state_covers_the_imports_of_its_tests(tmp_path):
    sources = {
        "sim/a.py": "import allspin.sim.b\n",
        "sim/b.py": "X = 1\n",
        "sim/c.py": "X = 1\n",
        "tests/conftest.py": "",
        "tests/sim/test_a.py": "from allspin.sim import a\n",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def state(name: str, text: str) -> str:
        # A folder for each, since the imports of a file are cached.
        root = tmp_path / f"{name.replace('/', '_')}-{len(text)}"
        for other, content in sources.items():
            (root / other).parent.mkdir(parents=True, exist_ok=True)
            (root / other).write_text(text if other == name else content)
        return Table(root, ("sim/a.py",), {}, ()).state("sim/a.py")

    before = state("", "")
    assert state("sim/c.py", "X = 22\n") == before
    assert state("sim/a.py", "import allspin.sim.b as c\n") != before
    assert state("sim/b.py", "X = 22\n") != before
    assert state("tests/conftest.py", "X = 22\n") != before
    assert state("tests/sim/test_a.py", "from allspin.sim import a, c\n") != before


def test_a_smaller_sample_is_the_beginning_of_a_larger_one():
    mutants = find_mutants("a.py", "x = [1, 2, 3, 4, 5, 6, 7, 8]\n")
    drawn = sample(mutants, 5, 10)
    assert drawn[:4] == sample(list(reversed(mutants)), 5, 4)
    assert drawn != sample(mutants, 6, 10)
    # Mutants of another file leave them in their order.
    more = [*mutants, *find_mutants("b.py", "y = [1, 2, 3]\n")]
    assert [m for m in sample(more, 5, len(more)) if m.path == "a.py"][:10] == drawn
