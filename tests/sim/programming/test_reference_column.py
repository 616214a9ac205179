"""The reference column that is written, against its law by hand and against single draws."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

ROWS, CYCLE, DEVICE = 4000, 0.01, 0.02
LOW, HIGH = 1e-5, 3e-5
UP = np.linspace(0, 1, 28) ** 0.9
DOWN = 1 - np.linspace(0, 1, 28) ** 1.1
STATES = (np.arange(3 * ROWS).reshape(ROWS, 3) % 10).astype(np.uint8)
NET = Network((Layer(STATES, uniform_levels(10)),), ReluNeuron(), (1, ROWS))


def programmed(how: Programming, column: str = "written", seed: int = 1) -> ProgrammedChip:
    spread = np.full(28, HIGH - LOW)
    up, down = (
        TableResponse(LOW + (HIGH - LOW) * way, CYCLE * spread, DEVICE * spread)
        for way in (UP, DOWN)
    )
    wrong = Imperfections(reference_column=column)
    device = Device("table", TableSynapse(up, down, 10), imperfections=wrong, unit="siemens")
    return program(NET, device, seed, how)


@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
@pytest.mark.parametrize(("polarity", "way"), [("potentiation", UP), ("depression", DOWN)])
def test_cells_hold_the_error_of_a_write_to_the_middle(
    scheme: str, polarity: str, way: np.ndarray
) -> None:
    how = Programming(scheme, polarity, tries=2)
    done = programmed(how)
    (cells,) = done.cells
    errors = cells.reference.ravel() / 2**21 / 252  # of the range
    pulses = int(np.abs(way - 0.5).argmin())
    mean = 0.0 if scheme == "pulse-width" else way[pulses] - 0.5
    assert scheme == "pulse-width" or abs(mean) > 0.005
    assert stats.kstest(errors, stats.norm(mean, np.hypot(CYCLE, DEVICE)).cdf).pvalue > 1e-3
    # Each cell is read less its row's, and they are those of a centred column but for the words
    # that gateware would have to round to.
    plain = programmed(how, "centred")
    if scheme != "write-verify":
        alone = cells.held + cells.reference - plain.cells[0].held
        assert np.abs(alone).max() <= 2**20
        assert scheme == "pulse-width" or len(np.unique(alone)) > 5
        taken = done.counts.pulses - plain.counts.pulses
        assert taken == ROWS * (1 if scheme == "pulse-width" else pulses)
        assert done.counts.saturations - plain.counts.saturations == ROWS
    assert (programmed(how, seed=2).cells[0].reference != cells.reference).mean() > 0.99
    own = plain.cells[0].held[:, 0] / 2**21 - NET.layers[0].words[:, 0]
    assert abs(np.corrcoef(own, errors)[0, 1]) < 4 / np.sqrt(ROWS)


@pytest.mark.parametrize(("scheme", "unit"), [("write-verify", "ohm"), ("incremental", "siemens")])
def test_the_programmer_knows_where_the_mean_reference_is(scheme: str, unit: str) -> None:
    """Steps of a hundredth but for one across the middle: the levels are met at once.

    All but two that cannot be, 0.03 above the top and in the middle of that step.
    """
    way = np.concatenate([np.linspace(0, 0.45, 46), np.linspace(0.53, 1, 48)])
    up, down = (TableResponse(one, 0 * way, 0 * way) for one in (way, way[::-1]))
    table = TableSynapse(up, down, 10)
    wrong = Imperfections(reference_column="written", stuck=0.1, stuck_at="low")
    chip = Chip(Device("gap", table, imperfections=wrong, unit=unit), 1)
    (cells,) = program(NET, chip.device, chip.seed, Programming(scheme, tries=1, band=0.006)).cells
    assert cells.reference / 2**21 / 252 == pytest.approx(0.03, abs=1e-6)
    stuck, _ = chip.stuck(0, STATES.shape, (-126, 126), None)
    assert cells.converged is not None
    met = np.where(stuck, (STATES == 0) & (unit == "ohm"), (STATES < 9) & (STATES != 4))
    assert np.array_equal(cells.converged, met)
    miss = np.abs(cells.held / 2**21 - NET.layers[0].words) / 252
    assert np.array_equal(miss <= 0.006, cells.converged)


def test_a_deviation_beside_is_added_and_readings_say_where_whole_pulses_end() -> None:
    wrong = Imperfections(reference=0.1, reference_column="written")
    spread = np.zeros(28)
    table = TableSynapse(TableResponse(UP, spread, spread), TableResponse(DOWN, spread, spread))
    device = Device("table", table, imperfections=wrong)
    both = program(NET, device, 1, Programming()).cells[0].reference
    centred = dataclasses.replace(wrong, reference_column="centred")
    alone = Chip(dataclasses.replace(device, imperfections=centred), 1).reference_errors(
        0, ROWS, (-126, 126)
    )
    apart = (both - alone) / 2**21 / 252
    nearest = [way[np.abs(way - 0.5).argmin()] - 0.5 for way in (UP, DOWN)]
    assert np.abs(apart[0] - nearest).min() < 1e-6
    assert np.ptp(apart) < 1e-6
    told = " ".join(device.readings())
    assert all(f"{100 * each:+.2f} %" in told for each in nearest)
