"""Digest of the sources, under which results for a design are remembered."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from allspin.boards import sources
from allspin.boards.sources import PACKAGES, ROOT, sources_digest
from allspin.hdl.neuron import neuron_kinds as gateware
from allspin.hdl.neuron.neuron_kinds import ReluGateware, TableNeuron


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return tmp_path


def test_it_changes_with_each_file(copy):
    found = {sources_digest()}
    sources.ROOT = ROOT
    assert {sources_digest()} == found  # independent of the folder
    sources.ROOT = copy
    files = [*sorted(copy.rglob("*.py")), copy / "hdl" / "more.py"]
    files[-1].touch()
    assert sources_digest() not in found
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2 : len(content) // 2] = b" "
        path.write_bytes(content)
        found.add(sources_digest())
    assert len(found) == 1 + len(files)
    assert len(files) > 100


def test_it_changes_with_amaranth_and_python(monkeypatch):
    found = {sources_digest()}
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0")
    found.add(sources_digest())
    monkeypatch.setattr(sys, "version", "0")
    found.add(sources_digest())
    assert len(found) == 3


SOURCE = """
from allspin.hdl.neuron.neuron_kinds import ReluGateware, register_gateware


@register_gateware("cmos-bare")
class Mine(ReluGateware):
    width = {width}
"""


@pytest.fixture
def kept() -> Iterator[None]:
    with patch.dict(gateware.NEURONS), patch.dict(sys.modules):
        yield


def digest_with(path: Path, width: int) -> str:
    path.write_text(SOURCE.format(width=width))
    spec = importlib.util.spec_from_file_location("mine", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["mine"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return sources_digest()


def test_other_gateware_of_a_users_is_another_digest(kept: None, tmp_path: Path) -> None:
    plain = sources_digest()
    assert sources_digest() == plain
    one, two = (digest_with(tmp_path / "mine.py", width) for width in (1, 2))
    assert len({plain, one, two}) == 3
    assert digest_with(tmp_path / "mine.py", 1) == one


def test_a_class_that_was_typed_in_never_has_the_same_digest(kept: None) -> None:
    gateware.NEURONS["cmos-bare"] = type("Typed", (TableNeuron,), {"__module__": "typed"})
    assert sources_digest() != sources_digest()
    gateware.NEURONS["cmos-bare"] = ReluGateware
    assert sources_digest() == sources_digest()
