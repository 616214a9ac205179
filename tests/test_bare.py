"""A test finds a program only if the README names it, or the test itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.boards.build.tools import PACKAGED
from allspin.host.bitstreams.flash import PACKAGES

HERE = Path(__file__).parent
PREREQUISITES = ("sh", "python3", "make", "c++", "perl", "git")
OTHERS = {
    "iverilog",
    "vvp",
    "ngspice",
    "verilator",
    "chromium",
    "chromedriver",
    *PACKAGED,
    *PACKAGES,
}

PLANTED = """
import shutil
import subprocess

import pytest

FOUND = shutil.which("iverilog")  # while pytest imports this file


def seen():
    return subprocess.run(["sh", "-c", "iverilog; vvp"], capture_output=True, text=True).stdout


def test_unmarked():
    assert (FOUND, shutil.which("iverilog"), seen()) == (None, None, "")


@pytest.fixture(scope="module")
def simulator():
    return shutil.which("iverilog")


@pytest.mark.tool("iverilog")
def test_marked(simulator):
    assert simulator == shutil.which("iverilog") is not None
    assert seen() == "here\\n"


def test_unmarked_afterwards():
    assert shutil.which("iverilog") is None


@pytest.mark.parametrize("tool", ["c++", pytest.param("vvp", marks=pytest.mark.tool("vvp"))])
def test_parameter(tool):
    assert shutil.which(tool)


@pytest.mark.tool("iverilog", "no-such-simulator")
def test_missing():
    assert False
"""
SKIPPED = """
import pytest


@pytest.mark.skip(reason="not today")
def test_marked():
    pass


def test_inside():
    pytest.skip("nor tomorrow")


@pytest.mark.xfail(reason="is known", strict=True)
def test_xfail():
    assert False
"""


@pytest.fixture
def run(tmp_path):
    """Run a file of tests on a machine that has two simulators."""
    shutil.copy(HERE / "conftest.py", tmp_path)
    shutil.copy(HERE / "bare-machine.txt", tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("iverilog", "vvp"):
        (tools / name).write_text("#!/bin/sh\necho here\n")
        (tools / name).chmod(0o755)

    def run(text, *options):
        (tmp_path / "test_planted.py").write_text(text)
        path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-rs", "-v", "--strict-markers", *options],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_tool_is_found_by_a_test_that_asks_for_it_and_by_no_other(run, options):
    done = run(PLANTED, *options)
    assert "5 passed, 1 skipped" in done.stdout, done.stdout
    assert done.returncode == 0
    # The skip says why; without the marks' links the planted tests would fail.
    assert "no-such-simulator is not installed" in done.stdout


def test_there_is_no_other_reason_to_skip_a_test(run):
    done = run(SKIPPED)
    assert done.returncode == 1
    assert "1 failed, 1 xfailed, 1 error" in done.stdout
    for reason in ("not today", "nor tomorrow"):
        assert f"only a test that asks for a tool may be skipped (Skipped: {reason})" in done.stdout


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_no_other_program_of_ours_is(name):
    found = shutil.which(name)
    # `make boards` puts some into the environment that tests run in, which is no system's.
    assert found is None or Path(found).is_relative_to(sys.prefix)
