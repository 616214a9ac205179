"""The command on a small tree of its own: what it finds, and that it goes on where it was."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
TOOL = (
    *("__main__", "designs", "mutations", "plugin"),
    *("reference", "server", "table", "tree", "trial"),
)
FILES = {
    **{f"{layer}/__init__.py": "" for layer in ("sim", "hdl", "boards", "host")},
    "allspin/__init__.py": "__path__.append(__path__[0].removesuffix('allspin'))\n",
    ".gitignore": "/build/\n__pycache__/\n",
    "sim/sums.py": "LIMIT = 3\n\n\ndef add(a, b):\n    return a + b\n\n\n"
    "def clip(a):\n    return LIMIT if a > LIMIT else a\n",
    "tests/sim/test_sums.py": "from allspin.sim.sums import add, clip\n\n\n"
    "def test_add():\n    assert add(2, 3) == 5\n\n\n"
    "def test_clip():\n    assert clip(7) == 3\n    assert clip(2) == 2\n",
    # Its design is the text that it makes; the lowest bit of the number is not in it.
    "hdl/block.py": "def text(width=6):\n    if width < 1:\n        raise ValueError('narrow')\n"
    "    return str(['w'] * (width // 2))\n",
    "tests/hdl/test_block.py": "from allspin.hdl.block import text\n\n\n"
    "def test_text():\n    assert text()\n",
    "tests/mutants/table.toml": 'include = ["sim/*.py", "hdl/*.py"]\n[tests]\n',
}
DESIGNS = """
from allspin.hdl.block import text

def yosys_command():
    return ["false"]

class Block:
    elaborate = text = staticmethod(text)

def designs():
    return {"block": Block()}
"""


@pytest.fixture
def tree(tmp_path):
    """A tree with the tool in it, and two files that have mutants."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in TOOL:
        shutil.copy(HERE / f"{name}.py", tmp_path / "tests" / "mutants")
    # The designs are the tree's, what is made of them is the tool's.
    path = tmp_path / "tests" / "mutants" / "designs.py"
    ours = re.compile(r"^(?:from|import) (?:amaranth|allspin)[^\n(]*(?:\([^)]*\))?\n", re.MULTILINE)
    body = ours.sub("", path.read_text()).replace("def designs()", "def none()")
    path.write_text("from __future__ import annotations\n" + body.replace(
        'if __name__ ==', f"{DESIGNS}\nif __name__ =="
    ))  # fmt: skip
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def command(tree, *arguments):
    (tree / "build" / "tmp").mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "TMPDIR": str(tree / "build" / "tmp"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.mutants", *arguments],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(tree, *arguments):
    process = command(tree, *arguments)
    out, err = process.communicate()
    return process.returncode, out, err


def results(tree) -> dict[str, str]:
    path = tree / "build" / "mutants" / "results.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return {entry["mutant"]: entry["outcome"]["outcome"] for entry in entries}


def test_what_becomes_of_each(tree):
    before = {name: (tree / name).read_text() for name in FILES}
    status, out, err = run(tree, "--count", "0", "--jobs", "2")
    assert (status, err) == (0, "")
    found = results(tree)
    outcome = {name.split(": ", 1)[1]: outcome for name, outcome in found.items()}
    assert outcome["a + b -> (a - b)"] == "killed"
    assert outcome["a > LIMIT -> True"] == "killed"
    # It makes no difference, and no test of numbers can see it.
    assert outcome["a > LIMIT -> (a >= LIMIT)"] == "survived"
    assert outcome["6 -> 7"] == "equivalent"
    # The text is another, and there still is one.
    assert outcome["width // 2 -> (width * 2)"] == "survived"
    assert outcome["2 -> 1"] == "survived"
    assert outcome["['w'] * (width // 2) -> (['w'] + width // 2)"] == "stillborn"
    # What is refused, a design does not tell.
    assert outcome["width < 1 -> False"] == "survived"
    counts = [list(outcome.values()).count(name) for name in ("killed", "survived")]
    assert f": {100 * counts[0] / sum(counts):.1f} % of {sum(counts)} killed.\n" in out
    assert "- `sim/sums.py:9:21: a > LIMIT -> (a >= LIMIT)`" in out
    assert {name: (tree / name).read_text() for name in FILES} == before


def test_a_run_that_was_killed_goes_on(tree):
    path = tree / "build" / "mutants" / "results.jsonl"
    process = command(tree, "--count", "4", "--jobs", "1", "--files", "sim/*")
    while not path.exists() or path.read_text().count("\n") < 2:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # As if it had been killed in the middle of a line.
    known, cut = path.read_text().splitlines(keepends=True)[:2]
    path.write_text(known + cut[:20])
    status, _, _ = run(tree, "--count", "4", "--jobs", "2", "--files", "sim/*")
    assert status == 0
    # What it had left is gone too.
    assert list((tree / "build" / "tmp").iterdir()) == []
    assert path.read_text().startswith(known)
    assert len(results(tree)) == 4


def test_a_test_that_has_killed_is_asked_first(tree):
    only = ("--count", "0", "--jobs", "1", "--files", "sim/*", "--line", "5")
    run(tree, *only)
    # What comes first of all tests would now see it first.
    test = tree / "tests/sim/test_sums.py"
    test.write_text("def test_a():\n    import allspin.sim.sums as s\n    assert s.add(1, 1) == 2\n"
                    + test.read_text())  # fmt: skip
    assert "test_sums.py::test_add" in run(tree, *only)[1]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_signal_leaves_no_process(tree, number, status):
    mark = tree / "build" / "pid"
    (tree / "tests/sim/test_sums.py").write_text(
        f"import os, pathlib, time\n\n\ndef test():\n"
        f"    pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\n    time.sleep(60)\n"
    )
    process = command(tree, "--count", "3", "--jobs", "1", "--files", "sim/*")
    while not (mark.exists() and mark.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    place = Path("/proc") / mark.read_text()
    folder = place.joinpath("cwd").readlink()

    def running() -> bool:
        try:
            return place.joinpath("cwd").readlink() == folder
        except OSError:
            return False

    assert running()
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status
    deadline = time.monotonic() + 30
    while running():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_test_that_fails_by_itself_kills_nothing(tree):
    test = tree / "tests/sim/test_sums.py"
    test.write_text("def test_wrong():\n    assert False\n\n\n" + test.read_text())
    status, _, err = run(tree, "--count", "1", "--jobs", "1", "--files", "sim/*")
    assert status == 2
    assert "test_sums.py::test_wrong fails without a mutant: " in err


@pytest.mark.parametrize("waits", ["k", "not time.sleep(0.001) and k"])
def test_a_mutant_that_never_ends_is_killed(tree, waits):
    """A busy one, and one that sleeps, which takes no time of the processor."""
    (tree / "sim/sums.py").write_text(
        "import time\n\n\ndef count(n):\n    k = n\n"
        f"    while {waits}:\n        k -= 1\n    return n\n"
    )
    (tree / "tests/sim/test_sums.py").write_text(
        "from allspin.sim.sums import count\n\n\ndef test():\n    assert count(3) == 3\n"
    )
    plugin = tree / "tests/mutants/plugin.py"
    plugin.write_text(plugin.read_text().replace("LEAST_SECONDS = 30.0", "LEAST_SECONDS = 0.3")
                      .replace("UNKNOWN_SECONDS = 2.0", "UNKNOWN_SECONDS = 0.01"))  # fmt: skip
    status, _, _ = run(tree, "--count", "0", "--jobs", "2", "--files", "sim/*", "--line", "7")
    assert status == 0
    found = {name.split(": ", 1)[1]: outcome for name, outcome in results(tree).items()}
    assert found["k -= 1 -> pass"] == "killed"


def test_a_file_without_tests_is_refused(tree):
    """Its mutants would be tried with every test that there is."""
    (tree / "sim" / "lonely.py").write_text("X = 1\n")
    status, _, err = run(tree, "--count", "0")
    said = "no tests: sim/lonely.py; give them a row in table.toml\n"
    assert (status, err) == (2, said)
