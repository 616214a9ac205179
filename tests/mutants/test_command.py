"""The command on a small tree of its own: its outcomes, and its way on after an interruption."""

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

from tests.processes import PATIENCE

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
TOOL = (
    *("__main__", "designs", "mutations", "plugin"),
    *("reference", "table", "tree", "trial"),
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
    # The designs are the tree's, the code that digests them is the tool's.
    path = tmp_path / "tests" / "mutants" / "designs.py"
    ours = re.compile(
        r"^(?:from|import) (?:amaranth|allspin|tests)[^\n(]*(?:\([^)]*\))?\n", re.MULTILINE
    )
    body = ours.sub("", path.read_text()).replace("def designs()", "def none()")
    body = body.replace("if __name__ ==", f"{DESIGNS}\nif __name__ ==")
    path.write_text(f"from __future__ import annotations\n{body}")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "build" / "tmp").mkdir(parents=True)
    return tmp_path


def command(tree, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.mutants", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "TMPDIR": str(tree / "build" / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(tree, *arguments):
    process = command(tree, *arguments)
    out, err = process.communicate()
    return process.returncode, out, err


def wait_for(condition, process=None):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None
        time.sleep(0.05)


def entries(tree) -> list[dict]:
    path = tree / "build" / "mutants" / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def outcomes(tree) -> dict[str, str]:
    return {e["mutant"].split(": ", 1)[1]: e["outcome"]["outcome"] for e in entries(tree)}


def test_outcome_of_each(tree):
    before = {name: (tree / name).read_text() for name in FILES}
    status, out, err = run(tree, "--count", "0", "--jobs", "2")
    assert (status, err) == (0, "")
    found = outcomes(tree)
    expected = {
        "a + b -> (a - b)": "killed",
        "a > LIMIT -> True": "killed",
        # It makes no difference, and no test of numbers can see it.
        "a > LIMIT -> (a >= LIMIT)": "survived",
        "6 -> 7": "equivalent",
        # The text is another, and the test asks only for a text.
        "width // 2 -> (width * 2)": "survived",
        "2 -> 1": "survived",
        "['w'] * (width // 2) -> (['w'] + width // 2)": "stillborn",
        # A design does not show a refusal.
        "width < 1 -> False": "survived",
    }
    assert found.items() >= expected.items()
    counts = [list(found.values()).count(name) for name in ("killed", "survived")]
    assert f": {100 * counts[0] / sum(counts):.1f} % of {sum(counts)} killed.\n" in out
    assert "- `sim/sums.py:9:21: a > LIMIT -> (a >= LIMIT)`: no test sees it yet\n" in out
    assert {name: (tree / name).read_text() for name in FILES} == before


def test_a_run_that_was_killed_goes_on(tree):
    path = tree / "build" / "mutants" / "results.jsonl"
    process = command(tree, "--count", "4", "--jobs", "1", "--files", "sim/*")
    wait_for(lambda: path.exists() and path.read_text().count("\n") >= 2, process)
    process.kill()
    process.communicate()
    # The file ends like that of a run killed in the middle of a line.
    *known, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join(known) + last[:20])
    status, out, _ = run(tree, "--count", "4", "--jobs", "2", "--files", "sim/*")
    assert status == 0
    # Known mutants are not tried again.
    lines = path.read_text().splitlines(keepends=True)
    assert lines[: len(known)] == known
    assert len(lines) == int(out.split()[0]) + 1


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
    wait_for(lambda: mark.exists() and mark.read_text(), process)
    environment = Path("/proc", mark.read_text(), "environ")
    assert str(tree).encode() in environment.read_bytes()
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == status

    def ended():
        try:
            return not environment.read_bytes()
        except OSError:
            return True

    wait_for(ended)


def test_a_test_that_fails_by_itself_kills_nothing(tree):
    test = tree / "tests/sim/test_sums.py"
    test.write_text("def test_wrong():\n    assert False\n\n\n" + test.read_text())
    status, _, err = run(tree, "--count", "1", "--jobs", "1", "--files", "sim/*")
    assert status == 2
    assert "test_sums.py::test_wrong fails without a mutant: " in err


def test_a_mutant_that_runs_or_sleeps_for_ever_is_killed(tree):
    """Sleep takes no processor time, so wall time has a limit too."""
    (tree / "sim/sums.py").write_text(
        "import time\n\n\ndef count(n):\n    k = 0\n    while k < n:\n        k += 1\n"
        "    while n > 0:\n        time.sleep(0.001)\n        n -= 1\n    return k\n"
    )
    (tree / "tests/sim/test_sums.py").write_text(
        "from allspin.sim.sums import count\n\n\ndef test():\n    assert count(3) == 3\n"
    )
    plugin = tree / "tests/mutants/plugin.py"
    quick = plugin.read_text().replace("LEAST_SECONDS = 30.0", "LEAST_SECONDS = 0.3")
    plugin.write_text(quick.replace("UNKNOWN_SECONDS = 30.0", "UNKNOWN_SECONDS = 0.01"))
    status, out, _ = run(tree, "--count", "0", "--jobs", "2", "--files", "sim/*")
    assert status == 0
    found = outcomes(tree)
    assert {found[name] for name in ("k += 1 -> pass", "k < n -> (k <= n)", "n -= 1 -> pass")} == {
        "killed"
    }
    # A stopped test counts as a failed one: survivors are those that all tests passed.
    survived = [each for each in entries(tree) if each["outcome"]["outcome"] == "survived"]
    assert len(survived) == out.count("no test sees it yet")
