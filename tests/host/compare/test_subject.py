"""What a comparison is made of and under: opened by name, and checked at once."""

import pytest

from allspin.host.compare.subject import CompareOptions, Subject
from allspin.sim.errors import UserError


def test_a_network_by_its_name_has_what_ships():
    subject = Subject.open("mnist-10")
    assert subject.network.topology == (784, 100, 10)
    assert subject.device.name == "paper"
    assert subject.library.name == "cells45"
    assert (subject.images.shape, subject.labels.shape) == ((10_000, 28, 28), (10_000,))
    with pytest.raises(UserError, match="there is no network 'none'"):
        Subject.open("none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency": 0.0}, "^frequency must be from 1 to 10000 MHz, not 0$"),
        ({"frequency": float("nan")}, "^frequency must be from 1 to 10000 MHz, not nan$"),
        ({"frequency": 1.1e10}, "^frequency must be from 1 to 10000 MHz, not 11000$"),
        (
            {"periphery": frozenset({"fan", "adc"})},
            "^periphery takes none or amplifier, .*not fan$",
        ),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        CompareOptions(**options)


def test_a_thousand_images_are_counted_or_all_or_as_many_as_are_asked_for():
    assert CompareOptions().counted(10_000) == 1000
    assert CompareOptions().counted(40) == 40
    assert CompareOptions(images=7).counted(40) == 7
    for images in (1, 41):
        with pytest.raises(ValueError, match=f"^images must be from 2 to 40, not {images}$"):
            CompareOptions(images=images).counted(40)
