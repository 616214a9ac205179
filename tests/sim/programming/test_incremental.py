"""Further trains from where a cell is, against films that are pulsed one by one here."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from allspin.sim.chip.generator import Purpose, cell_normals
from allspin.sim.device.device import Device
from allspin.sim.device.electrical import Electrical
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

Array = npt.NDArray[np.float64]
STEPS, NOISE, BAND, TRIES = 50, 0.008, 0.01, 6
STATES = (np.arange(60_000).reshape(300, 200) % 10).astype(np.uint8)
NET = Network((Layer(STATES, uniform_levels(10)),), ReluNeuron(), (1, 300))


def programmed(
    scheme: str, cycles: CycleVariation, devices: DeviceVariation | None = None, tries: int = TRIES
) -> ProgrammedChip:
    """Films that move from 0 to 1 and back by 50 equal steps."""
    straight = PulseResponse(np.inf, STEPS, 0.0, 1.0)
    synapse = SotSynapse(straight, straight, 10, cycles, devices or DeviceVariation())
    how = Programming(scheme, tries=tries, band=BAND)
    return program(NET, Device("straight", synapse), 3, how)


def simulated(incremental: bool, rng: np.random.Generator) -> tuple[Array, Array]:
    """Final states of films, and means of pulses, saturations and reads, pulse by pulse.

    The next train is the likelier: the one with the least (miss / deviation)^2 + log of the
    variance, where the band adds a third of its square.
    """
    targets = STATES.ravel() / 9
    films, done = np.full(targets.size, np.nan), np.zeros(targets.size, bool)
    taken = np.zeros(3)
    for write in range(TRIES):
        best = np.full(targets.size, np.inf)
        start, way, count = np.zeros((3, targets.size))
        for sign, end in ((-1, 1.0), (1, 0.0)):
            places = [np.full(targets.size, end)] + [films] * (incremental and write > 0)
            for further, place in enumerate(places):
                n = np.clip(np.rint(sign * (targets - place) * STEPS), further, STEPS)
                variance = NOISE**2 * np.maximum(n, 1) + BAND**2 / 3
                worth = (place + sign * n / STEPS - targets) ** 2 / variance + np.log(variance)
                better = worth < best - 1e-9
                for table, value in ((best, worth), (start, place), (way, sign), (count, n)):
                    np.copyto(table, value, where=better)
        fresh = np.isin(start, (0.0, 1.0)) & (start != films)
        taken += [count[~done].sum(), fresh[~done].sum(), (~done).sum()]
        moved = start
        for pulse in range(STEPS):  # a write without pulses deviates as one of one
            here = (pulse < np.maximum(count, 1)) & ~done
            step = np.where(pulse < count, way / STEPS, 0.0)
            moved = np.where(here, moved + step + NOISE * rng.standard_normal(films.size), moved)
        films = np.where(done, films, moved)
        done |= np.abs(films - targets) <= BAND
    return films - targets, taken / targets.size


@pytest.mark.parametrize("scheme", ["write-verify", "incremental"])
def test_states_and_counts_are_those_of_a_direct_simulation(scheme: str) -> None:
    cycles = CycleVariation(NOISE, NOISE, occasion="pulse")
    done = programmed(scheme, cycles)
    found = (done.cells[0].held.ravel() / 2**21 + 126) / 252 - STATES.ravel() / 9
    expected, taken = simulated(scheme == "incremental", np.random.default_rng(1))
    compared: Any = stats.ks_2samp(found, expected)
    assert compared.pvalue > 1e-3
    assert np.mean(np.abs(found) > BAND) == pytest.approx(
        np.mean(np.abs(expected) > BAND), abs=3e-3
    )
    counts = done.counts
    counted = np.array([counts.pulses, counts.saturations, counts.reads]) / counts.cells
    assert counted == pytest.approx(taken, rel=0.015)
    if scheme == "incremental":
        assert counted[1] < 1.1 < 1.5 < counted[2]


def test_the_first_train_is_that_of_write_verify_and_energy_follows_from_the_counts() -> None:
    cycles = CycleVariation(NOISE, NOISE, occasion="pulse")
    first, both = (programmed(each, cycles).cells[0] for each in ("write-verify", "incremental"))
    assert first.tries is not None
    assert both.tries is not None
    once = first.tries == 1
    assert np.array_equal(once, both.tries == 1)
    assert np.array_equal(first.held[once], both.held[once])
    assert (first.held[~once] != both.held[~once]).mean() > 0.9
    counts = programmed("incremental", cycles).counts
    cost = Electrical(1.0, 2.0, 3.0, 1.0, 1.0, 0.5, 1.0)
    parts = counts.potentiation + 4 * counts.depression + 9 * counts.saturations
    assert counts.energy(cost) == pytest.approx(parts + counts.reads / 4)
    assert counts.saturations == both.saturations.sum() < counts.reads


def test_an_offset_between_devices_is_that_of_the_last_polarity_wherever_trains_start() -> None:
    """Films without C2C stay on the 50 steps; the offset read beside them is the device's own."""
    sigma = DeviceVariation(0.013, 0.031, "range")
    done = programmed("incremental", CycleVariation(), sigma, tries=4)
    cells = done.cells[0]
    assert cells.tries is not None
    further = (cells.tries > 1) & (cells.saturations < cells.tries)
    assert further.mean() > 0.05
    own = (cells.held / 2**21 + 126) / 252
    for polarity, purpose in enumerate((Purpose.D2D_POTENTIATION, Purpose.D2D_DEPRESSION)):
        offset = sigma[Polarity(polarity)] * cell_normals(3, 0, purpose, STATES.shape) / 2**13
        film = (own - offset)[(cells.polarity == polarity) & further] * STEPS
        assert film.size > 100
        assert film == pytest.approx(np.rint(film), abs=1e-3)


def test_with_the_paper_s_d2d_fewer_cells_are_left_by_fewer_reads_and_saturations() -> None:
    cycles, devices = CycleVariation(NOISE / 2, NOISE / 2, occasion="pulse"), (0.13, 0.48, "weight")
    before, after = (
        programmed(each, cycles, DeviceVariation(*devices), tries=8).counts
        for each in ("write-verify", "incremental")
    )
    assert after.unconverged < 0.8 * before.unconverged
    assert after.reads < 0.9 * before.reads
    assert after.saturations < 0.7 * before.saturations
