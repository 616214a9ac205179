"""Public functions: the forms of a network that each accepts."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import allspin
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network

NAMES = (
    *("build", "classify", "compare", "load_network", "load_test_set", "measure_chips"),
    *("open_machine", "report", "run", "simulate_engine"),
)


class Enough(Exception):
    """The network was found, and the rest would take long."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Callable[[Any], object]]:
    """Call of each function with a network; it ends once the network is understood."""
    pixels = np.zeros((2, 28, 28), np.uint8)

    def enough(*_: object, **__: object) -> None:
        raise Enough

    for place in (
        "allspin.host.bitstreams.builds.build_board",
        "allspin.host.report.page.find",
        "allspin.host.compare.comparison.neuron_figures",
        "allspin.host.run.simulate.find_tools",
    ):
        monkeypatch.setattr(place, enough)
    one = allspin.MeasureOptions(chips=1, columns=(allspin.Column("C2C", ("c2c",), "open-loop"),))
    image = tmp_path / "digit.png"
    PIL.Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(image)
    return {
        "build": lambda network: allspin.build("icebreaker", network),
        "classify": lambda network: allspin.classify(network, [image]),
        "compare": allspin.compare,
        "load_network": allspin.load_network,
        "load_test_set": lambda network: allspin.load_test_set(networks=network),
        "measure_chips": lambda network: allspin.measure_chips(network, options=one, images=5),
        "open_machine": lambda network: allspin.open_machine("golden", network).close(),
        "report": lambda network: allspin.report(network, tmp_path / "report.html"),
        "run": lambda network: allspin.run(network, images=5),
        "simulate_engine": lambda network: allspin.simulate_engine(network, pixels),
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_takes_a_network_its_name_and_its_file(
    name: str, calls: dict[str, Callable[[Any], object]], tmp_path: Path
) -> None:
    network = allspin.load_network("mnist-10")
    save_network(network, tmp_path / "net")
    for given in ("mnist-10", str(tmp_path / "net"), tmp_path / "net", network):
        with contextlib.suppress(Enough):
            calls[name](given)
    with pytest.raises(UserError, match="there is no network 'nothing'"):
        calls[name]("nothing")
