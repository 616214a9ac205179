"""Image files on machines: each gives the golden model's logits of the image that it is."""

import numpy as np
import pytest
from PIL import Image

from allspin.host.chips.chip_options import program
from allspin.host.data.datasets import load_test_set
from allspin.host.run.inference import classify
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """MNIST's own digits in files: the first and third as they are, the second dark on light."""
    folder = tmp_path_factory.mktemp("digits")
    digits = load_test_set()[0]
    for number, digit in enumerate((digits[0], 255 - digits[1], digits[2])):
        Image.fromarray(digit).save(folder / f"{number}.png")
    return [folder / f"{number}.png" for number in range(3)]


def test_the_gateware_sees_the_same_images(files):
    network = random_network((24, 12, 6), 1)
    object.__setattr__(network, "image_shape", (4, 6))
    golden, virtual = (classify(network, files, on, check=True) for on in ("golden", "virtual"))
    assert np.array_equal(golden.answers.logits, virtual.answers.logits)
    assert len(np.unique(golden.answers.logits, axis=0)) == 3
    assert [each.framing for each in virtual.framed] == ["whole"] * 3
    assert virtual.score.on == "virtual"
    assert virtual.to_dict()["mismatches"] == 0


def test_a_chip_has_logits_of_its_own(files):
    ideal = classify("paper-10", files)
    chip = classify("paper-10", files, chip=program("paper-10", seed=3), check=True)
    assert not np.array_equal(chip.answers.logits, ideal.answers.logits)
    assert (chip.to_dict()["chip"], chip.to_dict()["mismatches"]) == (3, 0)


def test_framing_follows_the_option(files):
    found = classify("mnist-10", files, framing="whole")
    assert [each.framing for each in found.framed] == ["whole"] * 3
    with pytest.raises(UserError, match=r"^`framing` must be one of mnist, whole, not 'none'$"):
        classify("mnist-10", files, framing="none")
