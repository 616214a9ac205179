"""The testbench of docs/export.md runs the exported engine, and prints the golden logits."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from allspin.hdl.bench.simulator import find_tools
from allspin.host.cli.main import main
from allspin.sim.network.formats import quantise_pixels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import random_images, random_network
from tests.docs.documents import blocks, read

pytestmark = pytest.mark.long

(TESTBENCH,) = blocks(read("export.md"), "verilog")
NETWORK = random_network((24, 12, 6), 1)
IMAGES = random_images(NETWORK, 25, 11)


def field(header: str, port: str, member: str) -> tuple[int, int]:
    """Lowest bit and width of a payload's member, from the exported file's comment."""
    (line,) = re.findall(rf"^//   {port}__payload: (.*)$", header, re.MULTILINE)
    high, low = re.findall(rf"\b{member} \[(\d+)(?::(\d+))?\]", line)[0]
    return int(low or high), int(high) - int(low or high) + 1


@pytest.fixture
def exported(suffix, tmp_path):
    """Folder with engine.v or engine.sv, engine.mem, events.mem and the testbench's parameters."""
    save_network(NETWORK, tmp_path / "net")
    path = tmp_path / f"engine{suffix}"
    assert main(["export", str(tmp_path / "net"), "--verilog", str(path), "--lanes", "5"]) == 0
    header = path.read_text()
    at = {name: field(header, "events", name)[0] for name in ("row", "value", "last")}
    # The images as payloads of the port events, as docs/export.md says.
    events = []
    for values in quantise_pixels(IMAGES, NETWORK.pixel_bits):
        rows = np.flatnonzero(values).tolist() or [0]
        events += [row << at["row"] | int(values[row]) << at["value"] for row in rows]
        events[-1] |= 1 << at["last"]
    (tmp_path / "events.mem").write_text("".join(f"{payload:x}\n" for payload in events))
    (tmp_path / "testbench.v").write_text(TESTBENCH)
    image = (tmp_path / "engine.mem").read_text()
    logit_offset, logit_bits = field(header, "results", "logit")
    winner_offset, winner_bits = field(header, "results", "winner")
    assert (logit_offset, winner_offset) == (0, logit_bits + 1)
    parameters = {
        "BEATS": sum(not line.startswith("//") for line in image.splitlines()),
        "EVENTS": len(events),
        "RESULTS": len(IMAGES) * NETWORK.classes,
        "EVENT_BITS": at["last"] + 1,
        "RESULT_BITS": winner_offset + winner_bits,
        "LOGIT_BITS": logit_bits,
    }
    return path, parameters


def build_with_verilator(path: Path, parameters: dict[str, int]) -> list[str]:
    _, search = find_tools("verilator")
    command = ["verilator", "--binary", "-Wno-fatal", "-Wno-lint", "--output-split", "0"]
    command += ["--top-module", "testbench", "-Mdir", "build", "-o", "simulation"]
    command += ["-CFLAGS", "-std=c++20"]  # the testbench's delays become coroutines
    command += [f"-G{name}={value}" for name, value in parameters.items()]
    environment = {**os.environ, "PATH": search, "MAKEFLAGS": "OPT_GLOBAL=-O0"}
    command += ["testbench.v", path.name]
    subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, check=True)
    return ["build/simulation"]


def build_with_icarus(path: Path, parameters: dict[str, int]) -> list[str]:
    standard = {".v": "2005", ".sv": "2012"}[path.suffix]
    command = ["iverilog", f"-g{standard}", "-s", "testbench", "-o", "simulation.vvp"]
    command += [f"-Ptestbench.{name}={value}" for name, value in parameters.items()]
    subprocess.run([*command, "testbench.v", path.name], cwd=path.parent, check=True)
    return ["vvp", "simulation.vvp"]


ICARUS = pytest.mark.tool("iverilog", "vvp")


# SystemVerilog is what all benches give to Verilator.
@pytest.mark.parametrize(
    ("build", "suffix"),
    [
        (build_with_verilator, ".v"),
        pytest.param(build_with_icarus, ".v", marks=ICARUS),
        pytest.param(build_with_icarus, ".sv", marks=ICARUS),
    ],
)
def test_testbench_prints_the_golden_logits(build, exported):
    path, parameters = exported
    program = build(path, parameters)
    done = subprocess.run(
        program, cwd=path.parent, capture_output=True, text=True, check=True, timeout=120
    )
    lines = [line for line in done.stdout.splitlines() if re.fullmatch(r"-?\d+ [01] \d+", line)]
    results = np.array([[int(word) for word in line.split()] for line in lines])
    results = results.reshape(len(IMAGES), NETWORK.classes, 3)
    golden = GoldenModel(NETWORK)
    assert np.array_equal(results[:, :, 0], golden.logits(IMAGES))
    assert np.array_equal(results[:, :, 1], np.eye(NETWORK.classes, dtype=int)[[-1] * len(IMAGES)])
    assert np.array_equal(results[:, -1, 2], golden.classify(IMAGES))
