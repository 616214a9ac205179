"""The test that docs/testing.md shows is a test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
(EXAMPLE,) = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL | re.MULTILINE
)


def run_example(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_mine.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_passes(tmp_path):
    done = run_example(tmp_path, EXAMPLE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_it_fails_when_it_should(tmp_path):
    # An image that was not sent: its logits are expected in vain.
    wrong = EXAMPLE.replace(
        "    await bench.finish()",
        "    bench.logits.expect((1, 0, None))\n    await bench.finish()",
    )
    assert wrong != EXAMPLE
    done = run_example(tmp_path, wrong)
    assert done.returncode == 1
    assert "failed: images_in_a_storm_of_stalls" in done.stdout
    assert "1 logits did not come" in done.stdout
