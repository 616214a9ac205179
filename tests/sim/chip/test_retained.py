"""Chips that have aged: their words against the law itself, cell by cell and on average."""

import dataclasses
import hashlib
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, cell_normals
from allspin.sim.chip.retained import retained, retention_table
from allspin.sim.chip.write_table import WriteTable
from allspin.sim.device.device_file import load_device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.retention import Retention
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse
from tests.sim.chip.exact import state_words

PAPER = load_device(
    Path(__file__).resolve().parents[3] / "host" / "data" / "devices" / "paper.toml"
)
STATES = (np.arange(2000).reshape(40, 50) % 10).astype(np.uint8)
NET = Network((Layer(STATES, uniform_levels(10)),), ReluNeuron(), (5, 8))
QUIET = WriteTable(uniform_levels(10), *(np.zeros((2, 10), np.int32),) * 2)


def aged(retention: Retention, age: float, states: np.ndarray = STATES) -> np.ndarray:
    wrong = Imperfections(retention=retention, age=age)
    return state_words(states, Polarity.DEPRESSION, QUIET, 3, 0, imperfections=wrong)


@pytest.mark.parametrize(
    "retention",
    [
        Retention(1.0),
        Retention((1.1, 0.85, 1.0), within=0.03, temperature=310),
        Retention((1.1, 0.9), positions=(0.1, 0.8), within=0.3, between=0.02, equilibrium=-1),
        Retention(0.9, within=0.2, distribution="uniform", between=0.1, equilibrium=0.5),
        Retention(1.0, within=5.0, temperature=77),
    ],
    ids=range(5),
)
def test_each_cell_by_the_law_itself(retention: Retention) -> None:
    levels = uniform_levels(10).astype(np.float64)
    top = levels[-1]
    deviates = cell_normals(3, 0, Purpose.RETENTION, (40, 50)) / 2**13
    for age in (1.0, 1e5, 3e7):
        kept = retention.kept((levels[STATES] / top + 1) / 2, age, deviates)
        rest = retention.equilibrium * top
        expected = rest + (levels[STATES] - rest) * kept
        # Half a word of rounding, and the error of the tables' steps.
        assert np.abs(aged(retention, age) - expected).max() <= 0.53


def test_the_integers_are_those_that_the_document_gives() -> None:
    retention = Retention((1.0, 0.9), within=0.05, between=0.03, equilibrium=0.25)
    barriers, between, shares, half = retention_table(retention, 1e4)
    rng = np.random.default_rng(1)
    words = rng.integers(-140 << 21, 140 << 21, (20, 20))
    normals = cell_normals(9, 2, Purpose.RETENTION, (20, 20))
    found = retained(words, (-126, 126), retention, 1e4, normals)
    for place in np.ndindex(20, 20):
        word = int(words[place])
        share = Fraction(word + (126 << 21), 252 << 21)
        at = min(max(math.floor(share * 2**16), 0), 2**16)
        entry = min(at >> 8, 255)
        one, two = (int(value) for value in barriers[entry : entry + 2])
        barrier = one + math.floor(Fraction((two - one) * (at - (entry << 8)), 256))
        barrier += math.floor(Fraction(int(normals[place]) * between, 2**13) + Fraction(1, 2))
        step = Fraction(2 * half, 1024)
        inside = min(max(barrier + half, 0), 2 * half)
        entry = min(math.floor(inside / step), 1023)
        one, two = (int(value) for value in shares[entry : entry + 2])
        kept = one + math.floor((two - one) * (inside / step - entry))
        rest = round(0.25 * (252 << 20))
        assert found[place] == rest + math.floor(Fraction((word - rest) * kept, 2**16))


@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
def test_a_programmed_chip_decays_as_one_barrier_says(scheme: str) -> None:
    tau = 1e-9 * math.exp(1.0 / (8.617333262e-5 * 300))
    wrong = Imperfections(retention=Retention(1.0), age=tau)
    new = program(NET, PAPER, 7, Programming(scheme))
    old = program(NET, dataclasses.replace(PAPER, imperfections=wrong), 7, Programming(scheme))
    inside = np.abs(new.words[0].astype(int)) < 127  # clamping comes after the decay
    lost = (old.words[0] - new.words[0] / math.e)[inside]
    assert np.abs(lost).max() <= 0.5 + 0.5 / math.e + 0.01
    assert new.counts == old.counts


DIGESTS = {
    "paper": ("f234677aed265ba4", "110640009e0185cb", "e1b5ddf4fc854b42"),
    "drift": ("6e4f6bb4ff45915e", "b329ea87f76aef64", "844ae1c77dac677b"),
    "either": ("3760ea856f7e3e21", "4e9cab9b1bca6e74", "8dfb7e037ea3b751"),
    "high": ("a9e83e59c8363d85", "b72716d007b50282", "0e509b0694ee94f8"),
    "table": ("2b78a97f40af0efe", "2b78a97f40af0efe", "b00670d0e7e3d594"),
}
"""First half of SHA-256 of the words of chip 7, by scheme: no later version may change a chip."""
WRONG = {
    "paper": Imperfections(),
    "drift": Imperfections(drift=0.01, drift_spread=0.004, age=1e7),
    "either": Imperfections(stuck=0.1, hall_offset=0.02, reference=0.01),
    "high": Imperfections(stuck=0.1, stuck_at="high", read_noise=0.01),
    "table": Imperfections(reference=0.02),
}
WAY, SPREAD = np.linspace(1e-5, 3e-5, 28), np.full(28, 2e-7)
TABLE = TableSynapse(
    TableResponse(WAY, SPREAD, 2 * SPREAD), TableResponse(WAY[::-1], SPREAD, 2 * SPREAD), 10
)


@pytest.mark.parametrize("name", DIGESTS)
def test_chips_of_devices_without_retention_are_as_they_ever_were(name: str) -> None:
    device = dataclasses.replace(PAPER, imperfections=WRONG[name])
    if name == "table":
        device = dataclasses.replace(device, synapse=TABLE, unit="siemens")
    chip = Chip(device, 7)
    found = [
        hashlib.sha256(program(NET, chip.device, chip.seed, Programming(scheme)).words[0].tobytes())
        for scheme in ("open-loop", "pulse-width", "write-verify")
    ]
    assert tuple(digest.hexdigest()[:16] for digest in found) == DIGESTS[name]
    # An age changes no word of devices that do not age, and nor does retention at age 0.
    wrong = dataclasses.replace(WRONG[name], retention=Retention(0.5), age=0.0)
    if not WRONG[name].age:
        chip = Chip(dataclasses.replace(device, imperfections=wrong), 7)
        words = program(NET, chip.device, chip.seed, Programming()).words[0]
        assert hashlib.sha256(words.tobytes()).hexdigest()[:16] == DIGESTS[name][0]
