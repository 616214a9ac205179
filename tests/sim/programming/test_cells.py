"""Records of programmed cells, against closed forms and counts, and words read back."""

import math

import numpy as np
import pytest

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, cell_normals, draw_bits
from allspin.sim.chip.words import WORD_BITS, rounded_words, saturates
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.random_network import random_network
from allspin.sim.programming.measured_cells import words_of_resistance
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

LOW, HIGH = 100.2, 101.0
"""A range of R_AH that zero is not in, in ohm."""
NETWORK = random_network((30, 20, 10), 3, states=10)


def synapse(c2c: float = 0.0, d2d: float = 0.0) -> SotSynapse:
    return SotSynapse(
        PulseResponse(22, 100, LOW, HIGH),
        PulseResponse(9, 100, LOW, HIGH),
        c2c=CycleVariation(c2c, c2c),
        d2d=DeviceVariation(d2d, d2d, "weight"),
    )


def programmed(
    of: SotSynapse, how: Programming, wrong: Imperfections | None = None
) -> ProgrammedChip:
    device = Device("test", of, imperfections=wrong or Imperfections())
    return program(NETWORK, device, 5, how)


@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_without_variation_r_ah_is_the_papers_formula_at_the_pulses_that_are_kept(
    scheme: str,
) -> None:
    done = programmed(synapse(), Programming(scheme, "halves", tries=1))
    for layer, cells in zip(NETWORK.layers, done.cells, strict=True):
        up = (LOW, 1, 22)
        down = (HIGH, -1, 9)
        for place in np.ndindex(layer.states.shape):
            start, sign, bend = down if cells.polarity[place] == Polarity.DEPRESSION else up
            n = cells.pulses[place]
            share = (1 - math.exp(-n / bend)) / (1 - math.exp(-100 / bend))
            found = cells.resistance(synapse(), layer.levels)[place]
            # Open loop aims at words, so R_AH is that of the nearest one.
            width = (HIGH - LOW) / (int(layer.levels[-1]) - int(layer.levels[0]))
            assert found == pytest.approx(start + sign * (HIGH - LOW) * share, abs=0.51 * width)


@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
def test_cells_add_up_to_the_counts(scheme: str) -> None:
    done = programmed(synapse(0.05, 0.2), Programming(scheme, tries=4))
    total = {
        name: sum(int(getattr(cells, name).sum()) for cells in done.cells)
        for name in ("all_pulses", "saturations")
    }
    assert total == {"all_pulses": done.counts.pulses, "saturations": done.counts.saturations}
    if scheme != "write-verify":
        assert all(cells.tries is None and cells.converged is None for cells in done.cells)
        widths = sum(float(cells.widths.sum()) for cells in done.cells)
        assert widths == pytest.approx(done.counts.potentiation + done.counts.depression)
        return
    tries = [cells.tries for cells in done.cells if cells.tries is not None]
    assert sum(int(each.sum()) for each in tries) == done.counts.reads
    assert sum(int((~each).sum()) for each in done.converged) == done.counts.unconverged > 0
    for cells, tried in zip(done.cells, tries, strict=True):
        once = tried == 1
        assert np.array_equal(cells.pulses[once], cells.all_pulses[once])
        assert (cells.pulses[~once] < cells.all_pulses[~once]).any()
        assert cells.converged is not None
        assert (tried[~cells.converged] == 4).all()


@pytest.mark.parametrize("bits", [8, 5])
def test_measured_words_are_those_that_were_programmed_whatever_the_rounding(bits: int) -> None:
    levels = uniform_levels(10, bits)
    top = 2 ** (bits - 1) - 1
    rng = np.random.default_rng(bits)
    held = rng.integers(-2 * top << WORD_BITS, 2 * top << WORD_BITS, 20_000)
    held[::2] &= ~((1 << WORD_BITS - 1) - 1)  # halves of words, which a hair decides
    of = synapse()
    # By exact arithmetic on whole numbers, halves up.
    rounded = [(2 * value + (1 << WORD_BITS)) // (2 << WORD_BITS) for value in held.tolist()]
    scale = (int(levels[-1]) - int(levels[0])) / (HIGH - LOW)
    ohm = LOW + (held / 2**WORD_BITS - float(levels[0])) / scale
    found = words_of_resistance(of, levels, ohm[None])
    words, saturated = rounded_words(found, bits)[0], saturates(found, bits)[0]
    assert words.tolist() == [min(max(word, -top), top) for word in rounded]
    assert saturated.tolist() == [abs(word) > top for word in rounded]


def test_a_cell_that_is_not_known_adds_nothing() -> None:
    found = words_of_resistance(synapse(), uniform_levels(10), np.array([[math.nan, HIGH, 1e300]]))
    assert rounded_words(found, 8).tolist() == [[0, 126, 127]]
    assert saturates(found, 8).tolist() == [[False, False, True]]


@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
@pytest.mark.parametrize("unit", ["ohm", "siemens"])
def test_an_open_bar_is_word_0_and_an_open_conductance_0_less_its_row_s_reference(
    unit: str, scheme: str
) -> None:
    wrong = Imperfections(stuck=0.3, stuck_at="open", reference=0.1)
    chip = Chip(Device("test", synapse(), imperfections=wrong, unit=unit), 5)
    done = program(NETWORK, chip.device, chip.seed, Programming(scheme, tries=2))
    word = 0.0 if unit == "ohm" else -(LOW + HIGH) / (HIGH - LOW) * 126
    for number, (layer, cells) in enumerate(zip(NETWORK.layers, done.cells, strict=True)):
        shape = layer.states.shape
        opened = draw_bits(5, number, Purpose.STUCK, np.arange(shape[0])[:, None], range(shape[1]))
        opened = opened < 0.3 * 2**32
        alone = cells.resistance(chip.device.synapse, layer.levels)
        found = alone[opened]
        draws = cell_normals(5, number, Purpose.REFERENCE, (shape[0], 1)) / 2**13
        # Deviations are whole 2^-8 words.
        expected = np.broadcast_to(word - (unit == "siemens") * 25.2 * draws, shape)[opened]
        assert cells.held[opened] / 2**WORD_BITS == pytest.approx(expected, abs=0.01)
        if unit == "siemens":
            assert found == pytest.approx(0.0, abs=1e-9)
        reference = cells.reference_resistance(chip.device.synapse, layer.levels)
        middle = np.broadcast_to((LOW + HIGH) / 2 + 0.1 * (HIGH - LOW) * draws, shape)
        assert reference == pytest.approx(middle, abs=1e-4)
