"""A new kind of neuron is one class, and every command takes it: train, run, compare, report."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.hdl import Module

from allspin.boards.top import Top
from allspin.hdl.engine.engine import Engine
from allspin.hdl.neuron import neuron_kinds as gateware
from allspin.hdl.neuron.neuron import NeuronGateware
from allspin.hdl.neuron.neuron_kinds import neuron_gateware, register_gateware
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.data.datasets import load_dataset
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.neuron import NEURONS, register_neuron
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.network.random_network import random_network
from tests.hdl.streams import StreamBench

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class ClippedNeuron(Neuron):
    """A straight line from no current on, cut off where it reaches full scale."""

    full: float = 0.5

    name: ClassVar[str] = "clipped"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"full": (0.05, 1.0)}

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.clip(np.asarray(current, np.float64) / self.full, 0.0, 1.0)


@dataclass(frozen=True)
class StepNeuron(Neuron):
    """Neuron whose output is 0 or 1, by the current's highest bit."""

    name: ClassVar[str] = "step"
    has_table: ClassVar[bool] = False

    def response(self, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return (np.asarray(current, np.float64) >= 0.5).astype(np.float64)


class StepGateware(NeuronGateware):
    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.load.ready.eq(1)
        with m.If(~self.activations.valid | self.activations.ready):
            m.d.comb += self.currents.ready.eq(1)
            answer = self.activations.payload
            m.d.sync += [
                self.activations.valid.eq(self.currents.valid),
                answer.last.eq(self.currents.payload.last),
                answer.activation.eq(
                    self.currents.payload.current[-1].replicate(len(answer.activation))
                ),
            ]
        return m


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with patch.dict(NEURONS), patch.dict(gateware.NEURONS):
        register_neuron(ClippedNeuron)
        yield


@pytest.fixture
def data(idx_folder: Callable[..., Path]) -> Path:
    return idx_folder(classes=4, train=400, test=60, shape=(6, 6))


@pytest.fixture
def trained(data: Path, tmp_path: Path, cli) -> Path:
    path = tmp_path / "clipped.safetensors"
    words = f"train --neuron clipped --hidden 8 --epochs 10 --data {data} -o {path}"
    assert cli.json(words)["validation_accuracy"] > 0.5
    return path


def by_hand(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Classes by whole numbers, without the golden model: the line is written out here."""
    network = load_network(path)
    first, last = network.layers
    assert first.converter is not None
    pixels = (images.reshape(len(images), -1).astype(np.int64) * 15 + 127) // 255
    converter = first.converter
    sums = pixels @ first.words.astype(np.int64)
    currents = (sums * converter.gains >> converter.shift) - converter.offsets
    currents = np.clip(currents, 0, 255)
    # 15 at half of 255, rounded to nearest: 2 c / 255 * 15 + 1 / 2.
    activations = np.minimum((60 * currents + 255) // 510, 15)
    return np.argmax(activations @ last.words.astype(np.int64), axis=1)


def test_it_is_trained_run_compared_and_reported(
    trained: Path, data: Path, tmp_path: Path, cli
) -> None:
    dataset, page = load_dataset(data), tmp_path / "page.html"
    share = float(np.mean(by_hand(trained, dataset.test_images) == dataset.test_labels))
    for machine in ("golden", "virtual"):
        result = cli.json(f"run {trained} --data {data} --on {machine} --check")
        assert result["accuracy"] == pytest.approx(share)
    compare = f"compare {trained} --data {data} --images 20"
    entries = {entry["name"]: entry for entry in cli.json(compare)["neurons"]}
    assert entries["clipped"]["accuracy"] == pytest.approx(share)
    assert entries["clipped"]["what"] == ClippedNeuron.__doc__
    assert 0 < entries["clipped"]["area_um2"] < entries["cmos-sigmoid"]["area_um2"] * 2
    cli.run(f"report {trained} --data {data} --chips 1 -o {page}")
    text = page.read_text(encoding="utf-8")
    assert "clipped neurons" in text
    assert str(ClippedNeuron.__doc__) in text


def test_a_stranger_s_network_is_refused_in_a_line(trained: Path, cli) -> None:
    del NEURONS["clipped"]
    assert cli.refused(f"run {trained}") == (
        f"allspin: cannot use the network file {trained}: neuron must be one of cmos-bare, "
        "cmos-relu, cmos-sigmoid, relu, sot, stochastic, not 'clipped'; a kind of your own is "
        "registered by a file that ALLSPIN_EXTENSIONS names"
    )


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """A network of a kind that has neither table nor gateware."""
    register_neuron(StepNeuron)
    path = tmp_path / "step.safetensors"
    network = random_network((36, 5, 4), 1, neuron=StepNeuron())
    save_network(replace(network, image_shape=(6, 6)), path)
    return path


@pytest.mark.parametrize(
    "words",
    [
        "run {network} --data {data} --on virtual",
        "sim {network} --data {data}",
        "export {network} --verilog {network}.v",
        "build icebreaker --network {network}",
    ],
)
def test_a_kind_without_gateware_is_refused_before_it_is_elaborated(
    silent: Path, data: Path, words: str, cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A command makes either the top or the engine.
    for whole, method in ((Top, "elaborate"), (Engine, "build")):
        monkeypatch.delattr(whole, method)
    assert cli.refused(words.format(network=silent, data=data)) == (
        "allspin: the neuron step has no table and no gateware: run it on golden, or register a "
        "class for it with allspin.register_gateware"
    )
    assert sorted(silent.parent.glob("*.v")) == []
    assert 0 <= cli.json(f"run {silent} --data {data}")["accuracy"] <= 1


def test_a_kind_without_a_table_brings_its_gateware() -> None:
    register_neuron(StepNeuron)
    register_gateware("step")(StepGateware)
    layers = (CrossbarParameters(9, 5, 5), CrossbarParameters(5, 3, 3, value_bits=4))
    block = neuron_gateware("step")(EngineParameters(layers, neuron="step"))
    bench = StreamBench(block, stall=0.3, seed=1)
    currents = [0, 127, 128, 255, 64, 200]
    bench.put(block.currents, [{"current": current, "last": 0} for current in currents])
    taken = bench.take(block.activations, len(currents))
    bench.run()
    golden = StepNeuron().activations(np.array(currents), None, 8, 4)
    assert [activation for activation, _ in taken] == golden.tolist() == [0, 0, 15, 15, 0, 15]
