"""A new response of a synapse is one class, and every command takes devices that have it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.data.catalogue import open_device
from allspin.sim.device.device_file import (
    load_device,
    save_device,
)
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.netfile import load_network
from allspin.sim.synapse.response import Array, Polarity, Response
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_kinds import SYNAPSES, register_response
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation


@dataclass(frozen=True)
class PowerResponse(Response):
    """R_AH goes with a power of the pulses."""

    exponent: float
    pulses: int
    low: float = -1.0
    high: float = 1.0

    kind: ClassVar[str] = "power"

    def moved(self, pulses: npt.ArrayLike, stretch: npt.ArrayLike = 1.0) -> Array:
        return (np.asarray(pulses, np.float64) / self.pulses) ** self.exponent


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with patch.dict(SYNAPSES):
        register_response(PowerResponse)
        yield


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """The paper's device with another synapse, and with neurons that are all alike."""
    synapse = SotSynapse(
        PowerResponse(0.5, 100),
        PowerResponse(2.0, 80),
        c2c=CycleVariation(0.02, 0.01, occasion="pulse"),
        d2d=DeviceVariation(0.01, 0.01),
    )
    power = replace(open_device("paper"), synapse=synapse, neuron_variation=NeuronVariation())
    save_device(power, tmp_path / "power.toml")
    return tmp_path / "power.toml"


@pytest.fixture
def data(idx_folder: Callable[..., Path]) -> Path:
    return idx_folder(classes=6, train=600, test=60, shape=(4, 6))


def test_its_curve_is_the_law(device: Path) -> None:
    synapse = load_device(device).synapse
    n = np.arange(101.0)
    assert synapse.curve(Polarity.POTENTIATION, n) == pytest.approx(2 * (n / 100) ** 0.5 - 1)
    assert synapse.curve(Polarity.DEPRESSION, n[:81]) == pytest.approx(1 - 2 * (n[:81] / 80) ** 2)
    # From where four pulses have led, five more lead to where nine do.
    there, after = 2 * np.sqrt((0.04, 0.09)) - 1
    assert synapse.pulses_to(Polarity.POTENTIATION, there) == pytest.approx(4, abs=1e-6)
    assert synapse.advance(Polarity.POTENTIATION, there, 5) == pytest.approx(after, abs=1e-6)
    assert synapse.advance(Polarity.POTENTIATION, 1.0, 3) == pytest.approx(1)
    # Sixteen pulses that deviate by 0.02 of the range of 2 each.
    spread = synapse.cycle_deviation(Polarity.POTENTIATION, -1.0, 16)
    assert spread == pytest.approx(4 * 0.02 * 2)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "exponent = 0.5",
            "exponent = -1.0",
            "by 0 after no pulse and by 1 after 100, not by inf",
        ),
        ("exponent = 0.5", 'exponent = "half"', "exponent must be a number"),
        ("exponent = 0.5\n", "", "[synapse.potentiation] lacks exponent"),
        ("P_max = 80", "A = 80", "has no key A; it takes exponent, P_max, R_min, R_max"),
        ('kind = "power"', 'kind = "root"', "kind must be one of power, sot, table, not 'root'"),
    ],
)
def test_a_wrong_file_is_told_in_a_line(device: Path, old: str, new: str, why: str, cli) -> None:
    device.write_text(device.read_text().replace(old, new, 1))
    assert why in cli.refused(f"run paper-10 --device {device} --chip 1")


def test_a_variation_without_meaning_and_a_second_registration_are_refused() -> None:
    one, other = PowerResponse(0.5, 100), PowerResponse(2, 100)
    with pytest.raises(ValueError, match="D2D cannot be of A: a response of kind power has none"):
        SotSynapse(one, other, 100, CycleVariation(), DeviceVariation(0.1, 0.1, "nonlinearity"))
    with pytest.raises(ValueError, match="a kind of synapse power already"):
        register_response(PowerResponse)


def test_it_is_trained_for_run_compared_and_reported(
    device: Path, data: Path, tmp_path: Path, cli
) -> None:
    path, page = tmp_path / "net.safetensors", tmp_path / "page.html"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('level_choice = "pulses"')
    more = f"--data {data} --device {device}"
    train = f"train {more} --states 8 --recipe {recipe} --hidden 12 --epochs 30 -o {path}"
    assert cli.json(train)["test_accuracy"] > 0.33
    # One pulse a state on the curve of the polarity that deviates less: depression's square;
    # seven equal steps would be 36 words each.
    levels = load_network(path).layers[0].levels
    assert levels.tolist() == np.rint(126 * (1 - 2 * (np.arange(7, -1, -1) / 7) ** 2)).tolist()
    words = f"run {path} {more} --chip 3 --program write-verify --check --on"
    golden, virtual = (cli.json(f"{words} {on}")["accuracy"] for on in ("golden", "virtual"))
    assert golden == virtual
    programming = cli.json(f"compare {path} {more} --images 20")["programming"]
    assert {row["scheme"] for row in programming} >= {"open-loop", "write-verify"}
    cli.run(f"report {path} {more} --chips 1 -o {page}")
    # Both curves' ends: a hundred pulses up, eighty down.
    assert "rises in 100 pulses, depression falls in 80" in page.read_text(encoding="utf-8")
