"""Accuracy with a reference column, against a small Monte Carlo of the raw table.

The Monte Carlo shares no code with the chips: conductances, currents and logits are worked out
here from the network's file alone.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import load_device, save_device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

LOW, HIGH, CYCLE, DEVICE = 1e-5, 3e-5, 0.012, 0.015
DOWN = HIGH - (HIGH - LOW) * np.linspace(0, 1, 26) ** 1.002
"""25 pulses down; 13 end nearest to the middle, 1.9 % of the range below it."""
CHIPS = 8


def simulated(
    network: Network, images: npt.NDArray[np.uint8], labels: npt.ArrayLike, rng: np.random.Generator
) -> float:
    """Return the share of images that a chip of raw tables classifies correctly."""
    grey = images.reshape(len(images), -1).astype(np.float64)
    values = np.rint(grey * (2**network.pixel_bits - 1) / 255)
    for layer in network.layers:
        low, high = int(layer.levels[0]), int(layer.levels[-1])
        wanted = LOW + (layer.levels - low) / (high - low) * (HIGH - LOW)
        middle = LOW - low / (high - low) * (HIGH - LOW)
        nearest = [DOWN[np.abs(DOWN - g).argmin()] for g in (*wanted, middle)]
        states = np.insert(layer.states.astype(int), layer.columns, len(wanted), axis=1)
        held = np.array(nearest)[states]
        for deviation in (CYCLE, DEVICE):
            held += deviation * (HIGH - LOW) * rng.standard_normal(held.shape)
        weights = (held[:, :-1] - held[:, -1:]) / (HIGH - LOW) * (high - low)
        sums = values @ np.clip(np.rint(weights), -127, 127)
        if layer.converter is None:
            return float(np.mean(sums.argmax(axis=1) == labels))
        currents = np.floor(sums * layer.converter.gains / 2**layer.converter.shift)
        currents = np.clip(currents - layer.converter.offsets, 0, 2**network.current_bits - 1)
        values = np.asarray(layer.table, np.float64)[currents.astype(int)]
    raise AssertionError("the last layer has no converter")


def test_accuracies_are_those_of_raw_tables_and_a_centred_column_is_another(tmp_path: Path) -> None:
    network, (images, labels) = open_network("mnist-10"), load_test_set(None)
    images, labels = images[:500], labels[:500]
    rng, spread = np.random.default_rng(0), np.full(DOWN.size, HIGH - LOW)
    raw = np.array([simulated(network, images, labels, rng) for _ in range(CHIPS)])
    down, up = (TableResponse(w, CYCLE * spread, DEVICE * spread) for w in (DOWN, DOWN[::-1]))
    found = {}
    for name, wrong in (
        ("written", Imperfections(reference_column="written")),
        ("centred", Imperfections(reference=float(np.hypot(CYCLE, DEVICE)))),
    ):
        device = Device("raw", TableSynapse(up, down, 10), imperfections=wrong, unit="siemens")
        save_device(device, tmp_path / "raw.toml")
        lot = Lot(
            load_device(tmp_path / "raw.toml"), range(CHIPS), Programming("open-loop", "depression")
        )
        found[name] = accuracy_over_chips(network, lot, (images, labels))
    sure = np.sqrt((raw.var(ddof=1) + found["written"].var(ddof=1)) / CHIPS)
    assert abs(found["written"].mean() - raw.mean()) < 4 * sure
    # The centred column keeps the accuracy that the written one loses.
    assert found["centred"].mean() > raw.mean() + 10 * sure
