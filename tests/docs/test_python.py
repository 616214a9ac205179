"""The examples of ``docs/python.md``, as they stand there, and that there is one of each name."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import allspin

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
ELSEWHERE = {
    "Neuron",
    "NeuronGateware",
    "Response",
    "Synapse",
    "register_gateware",
    "register_neuron",
    "register_response",
    "register_synapse",
}
"""Names whose examples are in docs/extending.md, which has a test of its own."""


def used(code: str) -> set[str]:
    """Names of allspin that some code uses."""
    return {
        node.attr
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "allspin"
    }


def test_each_public_name_has_an_example() -> None:
    extending = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert used("".join(EXAMPLES)) == set(allspin.__all__) - ELSEWHERE - {"UserError"}
    assert {name for name in ELSEWHERE if name in extending} == ELSEWHERE
    assert "`allspin.UserError`" in TEXT


def test_the_examples_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "".join(EXAMPLES)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    # What these say does not hang on how fast this machine is.
    assert "True" in said
    assert re.findall(r"'logits_compared': \d+, 'mismatches': (\d+)", done.stdout) == ["0", "0"]
    assert "[]" in said
    names = {"small.safetensors", "c2c.csv", "mine.toml", "report.html", "pulses.csv"}
    assert {path.name for path in tmp_path.iterdir()} >= names
