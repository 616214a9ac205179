"""Image files on machines: each gives the golden model's logits of the image that it is."""

import json

import numpy as np
import pytest
from PIL import Image

from allspin.host.chips.options import ChipOptions
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.run.run import classify
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_networks import random_network


@pytest.fixture(scope="module")
def digits():
    return load_test_set()[0][:3]


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    """MNIST's own digits in files: as they are, dark on light, and nothing of either."""
    folder = tmp_path_factory.mktemp("digits")
    for number, digit in enumerate((digits[0], 255 - digits[1], digits[2])):
        Image.fromarray(digit).save(folder / f"{number}.png")
    return [folder / f"{number}.png" for number in range(3)]


def test_a_digit_s_logits_are_those_of_the_test_set(digits, files):
    found = classify("mnist-10", files, check=True)
    model = GoldenModel(open_network("mnist-10"))
    assert np.array_equal(found.answers.logits, model.logits(digits))
    assert found.answers.classes.tolist() == [7, 2, 1]
    assert [each.inverted for each in found.framed] == [False, True, False]
    record = json.loads(json.dumps(found.to_dict()))
    assert (record["network"], record["on"], record["chip"]) == ("mnist-10", "golden", None)
    assert (record["logits_compared"], record["mismatches"]) == (30, 0)
    assert record["images"][1] == {
        "file": str(files[1]),
        "class": 2,
        "logits": model.logits(digits[1:2])[0].tolist(),
        "framing": "mnist",
        "inverted": True,
    }


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
    chip = classify("paper-10", files, chip=ChipOptions(3), check=True)
    assert not np.array_equal(chip.answers.logits, ideal.answers.logits)
    assert (chip.to_dict()["chip"], chip.to_dict()["mismatches"]) == (3, 0)


def test_framing_is_what_was_asked_for(files):
    found = classify("mnist-10", files, framing="whole")
    assert [each.framing for each in found.framed] == ["whole"] * 3
    with pytest.raises(UserError, match=r"^`framing` must be one of mnist, whole, not 'none'$"):
        classify("mnist-10", files, framing="none")
