"""The client in ``docs/virtual-board.md``, as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_networks import random_network

pytestmark = pytest.mark.long

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "virtual-board.md"


def test_the_client_gets_an_answer(tmp_path):
    client = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)[0]
    save_network(random_network((24, 12, 6), 1), tmp_path / "net.safetensors")
    running = subprocess.Popen(
        [sys.executable, "-m", "allspin", "virtual", "net.safetensors", "--port", "board"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("/dev/")
        done = subprocess.run(
            [sys.executable, "-c", client],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        running.terminate()
        running.communicate()
    assert (done.stdout, done.stderr) == ("b'ASPN' version 3 layers 2\n", "")
    assert running.returncode == 0
