"""The testbenches of docs/export.md run the exported core, and print the golden logits."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.hdl.bench.tools import find_tools
from allspin.host.chips.chip_options import ChipOptions
from allspin.host.cli.main import main
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Network
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.random_network import random_images, random_network
from tests.docs.documents import blocks, read

pytestmark = pytest.mark.long

TESTBENCH, CORE_BENCH = blocks(read("export.md"), "verilog")
(LITEX,) = blocks(read("export.md"), "python")
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


def build_with_verilator(path: Path, parameters: dict[str, int], *more: str) -> list[str]:
    _, search = find_tools("verilator")
    command = ["verilator", "--binary", "-Wno-fatal", "-Wno-lint", "--output-split", "0"]
    command += ["--top-module", "testbench", "-Mdir", "build", "-o", "simulation"]
    command += ["-CFLAGS", "-std=c++20"]  # the testbench's delays become coroutines
    command += [f"-G{name}={value}" for name, value in parameters.items()]
    environment = {**os.environ, "PATH": search, "MAKEFLAGS": "OPT_GLOBAL=-O0"}
    command += ["testbench.v", path.name, *more]
    subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, check=True)
    return ["build/simulation"]


def build_with_icarus(path: Path, parameters: dict[str, int], *more: str) -> list[str]:
    standard = {".v": "2005", ".sv": "2012"}[path.suffix]
    command = ["iverilog", f"-g{standard}", "-s", "testbench", "-o", "simulation.vvp"]
    command += [f"-Ptestbench.{name}={value}" for name, value in parameters.items()]
    subprocess.run([*command, "testbench.v", path.name, *more], cwd=path.parent, check=True)
    return ["vvp", "simulation.vvp"]


def printed(program: list[str], folder: Path, line: str, network: Network) -> Any:
    """Numbers that a simulation prints: images x classes x numbers of a line."""
    done = subprocess.run(
        program, cwd=folder, capture_output=True, text=True, check=True, timeout=600
    )
    lines = [each for each in done.stdout.splitlines() if re.fullmatch(line, each)]
    results = np.array([[int(word) for word in each.split()] for each in lines])
    return results.reshape(len(IMAGES), network.classes, -1)


ICARUS = pytest.mark.tool("iverilog", "vvp")


# All benches give Verilator SystemVerilog.
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
    results = printed(build(path, parameters), path.parent, r"-?\d+ [01] \d+", NETWORK)
    golden = GoldenModel(NETWORK)
    assert np.array_equal(results[:, :, 0], golden.logits(IMAGES))
    assert np.array_equal(results[:, :, 1], np.eye(NETWORK.classes, dtype=int)[[-1] * len(IMAGES)])
    assert np.array_equal(results[:, -1, 2], golden.classify(IMAGES))


TEN = random_network((24, 12, 10), 4)


def export_core(folder: Path, profile: str, *more: str, streams: bool = False) -> dict[str, int]:
    """Write core.v and all that is beside it, and events.mem; the testbench's parameters."""
    save_network(TEN, folder / "net")
    words = ["export", str(folder / "net"), "--verilog", str(folder / "core.v")]
    assert main([*words, "--profile", profile, *more]) == 0
    slots = int(re.findall(r"for each of (\d+) rows", (folder / "core.v").read_text())[0])
    events = []
    for values in quantise_pixels(IMAGES, TEN.pixel_bits):
        rows = np.flatnonzero(values).tolist() or [0]
        for row in rows:
            word, place = row | int(values[row]) << 16, 31
            if streams:
                word, place = row // slots | int(values[row]) << 16, 32 * slots
                word <<= 32 * (row % slots)
            events.append(word | (row == rows[-1]) << place)
    (folder / "events.mem").write_text("".join(f"{word:x}\n" for word in events))
    (folder / "testbench.v").write_text(CORE_BENCH)
    writes = (folder / "core.mem").read_text().splitlines()
    return {
        "WRITES": sum(not line.startswith("//") for line in writes),
        "EVENTS": len(events),
        "RESULTS": len(IMAGES) * TEN.classes,
        "STREAMS": int(streams),
        "SLOTS": slots,
    }


@pytest.mark.parametrize(
    ("build", "profile", "streams", "chip"),
    [
        (build_with_verilator, "ulx3s-85f:fast", True, None),
        pytest.param(build_with_icarus, "icebreaker:ideal", False, None, marks=ICARUS),
        pytest.param(build_with_icarus, "ulx3s-25f:chips", True, 7, marks=ICARUS),
    ],
)
def test_core_that_is_programmed_over_its_bus_has_the_golden_logits(
    build, profile, streams, chip, tmp_path
):
    seed = () if chip is None else ("--chip", str(chip))
    parameters = export_core(tmp_path, profile, *seed, streams=streams)
    program = build(tmp_path / "core.v", parameters)
    results = printed(program, tmp_path, r"[01] \d+ -?\d+", TEN)
    golden = GoldenModel(TEN)
    if chip is not None:
        made = ChipOptions(chip).make(TEN)
        golden = GoldenModel(made.network, noise=made.noise)
    assert np.array_equal(results[:, :, 2], golden.logits(IMAGES))
    assert np.array_equal(results[:, -1, 1], golden.classify(IMAGES))


LITEX_BENCH = """
module testbench;
  parameter RESULTS = 0;
  reg clk = 0, rst = 1;
  wire [31:0] logit;
  wire valid, last, failed;
  integer results = 0;
  top dut(.clk(clk), .rst(rst), .logit(logit), .valid(valid), .last(last), .failed(failed));
  always #5 clk = ~clk;
  initial begin
    repeat (3) @(negedge clk);
    rst = 0;
  end
  always @(negedge clk) begin
    if (!rst && valid) begin
      $display("%0d %0d", last, $signed(logit));
      results = results + 1;
    end
    if (failed || results == RESULTS) $finish;
  end
endmodule
"""


@pytest.mark.tool("litex_sim")
def test_a_master_in_a_litex_system_reads_ten_logits(tmp_path):
    # LiteX may have an environment of its own.
    python = Path(str(shutil.which("litex_sim"))).resolve().parent / "python"
    parameters = export_core(tmp_path, "icebreaker:ideal")
    (tmp_path / "soc.py").write_text(LITEX)
    (tmp_path / "testbench.v").write_text(LITEX_BENCH)
    subprocess.run([str(python), "soc.py"], cwd=tmp_path, check=True, capture_output=True)
    here = {"RESULTS": parameters["RESULTS"]}
    program = build_with_verilator(tmp_path / "core.v", here, "system.v")
    results = printed(program, tmp_path, r"[01] -?\d+", TEN)
    assert np.array_equal(results[:, :, 1], GoldenModel(TEN).logits(IMAGES))


@pytest.mark.tool("fusesoc")
def test_fusesoc_lints_the_core(tmp_path):
    export_core(tmp_path, "icebreaker:ideal")
    _, search = find_tools("verilator")
    done = subprocess.run(
        ["fusesoc", "--cores-root", ".", "run", "--target", "lint", "allspin:core:core"],
        cwd=tmp_path,
        env={**os.environ, "PATH": search},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
