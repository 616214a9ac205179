"""``allspin info``: what it finds, and what it says of what it does not find."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from allspin.hdl.cache import build_once
from allspin.hdl.cache.size import SEAL
from allspin.host.cli import info
from allspin.host.cli.main import main
from allspin.host.link import transport as serial_port
from allspin.host.machines import opening


@pytest.fixture
def ports(monkeypatch):
    """Choose the serial ports."""
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.05)

    def choose(*names):
        monkeypatch.setattr(opening, "serial_ports", lambda: list(names))

    choose()
    return choose


def test_json_is_one_object(ports, capsys):
    assert main(["info", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["packages"]["numpy"] == importlib.metadata.version("numpy")
    assert set(result["tools"]) == {"c++", "perl", "verilator", "iverilog", "git"}
    assert result["networks"]["mnist-10"] == {
        "topology": [784, 100, 10],
        "states": 10,
        "pixel_bits": 4,
        "hidden_bits": 4,
        "neuron": "sot",
    }
    assert result["ports"] == {}


def test_what_is_missing_is_said(ports, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(info, "PACKAGES", ("numpy", "no-such-package"))
    ports("/dev/nowhere")
    assert main(["info"]) == 0
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "no-such-package not installed" in out
    assert "c++ not found; wanted by the virtual board, and sim on Verilator" in out
    assert "commit not known" in out
    assert "mnist-100 784-100-10, 100 states, sot neurons" in out
    assert "/dev/nowhere no board answers" in out


def test_what_the_cache_holds_is_told(ports, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ALLSPIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ALLSPIN_CACHE_LIMIT", "5M")

    def build(folder: Path) -> None:
        (folder / "file").write_bytes(bytes(2_000_000))

    built = build_once("one", build)
    size = 2_000_000 + (built / SEAL).stat().st_size
    assert main(["info", "--json"]) == 0
    told = {"folder": str(tmp_path / "cache"), "builds": 1, "size": size, "limit": 5_000_000}
    assert json.loads(capsys.readouterr().out)["cache"] == told
    assert main(["info"]) == 0
    assert "2.0 MB of 5.0 MB at most in 1 builds" in capsys.readouterr().out
    monkeypatch.setenv("ALLSPIN_CACHE", "/dev/null/cache")
    assert main(["info"]) == 0
    assert "cannot make the cache folder" in capsys.readouterr().out
