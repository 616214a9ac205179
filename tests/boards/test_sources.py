"""The digest of sources knows those of neurons from elsewhere."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from allspin.boards.sources import sources_digest
from allspin.hdl.neuron import neuron as gateware
from allspin.hdl.neuron.neuron import ReluNeuron, SotNeuron
from allspin.sim.network.neuron import NEURONS

SOURCE = """
from allspin.hdl.neuron.neuron import ReluNeuron, register_gateware


@register_gateware("cmos-bare")
class Mine(ReluNeuron):
    width = {width}
"""


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    with patch.dict(NEURONS), patch.dict(gateware.NEURONS), patch.dict(sys.modules):
        yield


def digest_with(path: Path, width: int) -> str:
    path.write_text(SOURCE.format(width=width))
    spec = importlib.util.spec_from_file_location("mine", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["mine"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return sources_digest()


def test_other_gateware_of_a_users_is_another_digest(tmp_path: Path) -> None:
    plain = sources_digest()
    assert sources_digest() == plain
    one, two = (digest_with(tmp_path / "mine.py", width) for width in (1, 2))
    assert len({plain, one, two}) == 3
    assert digest_with(tmp_path / "mine.py", 1) == one


def test_what_was_typed_in_is_never_taken_for_the_same() -> None:
    gateware.NEURONS["cmos-bare"] = type("Typed", (SotNeuron,), {"__module__": "typed"})
    assert sources_digest() != sources_digest()
    gateware.NEURONS["cmos-bare"] = ReluNeuron
    assert sources_digest() == sources_digest()
