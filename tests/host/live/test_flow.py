"""What a page is shown of a chip, against the chip put together here; and the engine's cycles."""

import dataclasses

import numpy as np
import pytest

from allspin.host.live.shown import Made, timeline
from allspin.sim.chip.chip import Chip, calibrate
from allspin.sim.device.device import Imperfections
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import SCHEMES, Programming


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("calibrated", [False, True])
def test_a_chip_is_made_as_it_is_elsewhere(choices, network, scheme, calibrated):
    setting = choices.setting({"chip": 3, "scheme": scheme, "calibrate": calibrated})
    made = Made.of(choices, setting)
    chip = Chip(choices.device, 3)
    words = program_chip(chip, network, Programming(scheme, tries=8)).words
    base = calibrate(chip, network).network if calibrated else network
    model = GoldenModel(chip.varied(base), words, chip.noise(network))
    image = choices.images[9:10]
    np.testing.assert_array_equal(made.golden.logits(image, 9), model.logits(image, 9))
    np.testing.assert_array_equal(made.ideal.logits(image), GoldenModel(network).logits(image))
    for own, other in zip(made.words, words, strict=True):
        np.testing.assert_array_equal(own, other)
    counts = made.to_dict()["counts"]
    assert counts["cells"] == 30 * 12 + 12 * 5
    assert (counts["readsPerCell"] > 0) == (scheme == "write-verify")


def test_an_array_that_words_do_not_say_is_told(make_choices):
    device = make_choices().device
    array = HallArray(
        "buffered", hall_resistance=1.0, longitudinal=300.0, arms=300.0, input_impedance=900.0
    )
    loaded = dataclasses.replace(device, array=array)
    # Noise on sums is in units of what an amplifier sees, so words and gains will not do.
    noisy = dataclasses.replace(loaded, imperfections=Imperfections(read_noise=0.1))
    for made_of, in_words in ((device, True), (noisy, False)):
        choices = make_choices(device=made_of)
        told = Made.of(choices, choices.setting({"chip": 1})).to_dict()
        assert [layer["inWords"] for layer in told["layers"]] == [in_words] * 2


EVENT, LAST, SUM = 1, 2, 4


def test_each_stage_has_its_cycles():
    first = [EVENT, EVENT, 0, EVENT | LAST, SUM, SUM, 0, 0]
    second = [0, 0, 0, 0, 0, EVENT, EVENT | LAST | SUM, SUM]
    activity = np.array(first, np.uint64) | np.array(second, np.uint64) << np.uint64(4)
    assert timeline(activity, 2) == {
        "clocks": 8,
        "stages": [
            {"rows": [0, 1, 3], "sums": [4, 5]},
            {"rows": [5, 6], "sums": [6, 7]},
        ],
    }
