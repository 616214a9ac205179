"""Tiles in a report: it says them, compares like with like, and its commands do the same again."""

import shlex
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allspin.host.chips.cutting import calibration_images
from allspin.host.compare import comparison
from allspin.host.report.findings import ComparisonSubject, compared
from allspin.host.report.subject import ReportSubject
from allspin.host.show.display import Display
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from allspin.sim.network.tiling import Tiles, tiles_of

TILES = Tiles(16, 4)


@pytest.fixture
def subject(idx_folder) -> ReportSubject:
    made = random_network((48, 9, 4), 3)
    network = Network(made.layers, made.neuron, (6, 8))
    data = idx_folder(classes=4, train=240, test=60, shape=(6, 8))
    return ReportSubject.open(network, data=data, tiles=TILES, chips=1)


def test_counterparts_are_cut_as_the_command_cuts_them(subject, monkeypatch):
    """The cut needs the images that choose the converters' steps."""
    given: list[ComparisonSubject] = []

    def stop(what: ComparisonSubject, **_: Any) -> None:
        given.append(what)
        raise UserError("enough")

    monkeypatch.setattr(comparison, "compare", stop)
    plain = replace(subject, network=random_network((48, 9, 4), 3), tiles=None)
    assert [compared(each, Display()) for each in (subject, plain)] == ["enough", "enough"]
    assert tiles_of(given[0].network) == [TILES, TILES]
    for found, wanted in zip(
        given[0].calibration or (), calibration_images(subject.network, subject.data), strict=True
    ):
        assert np.array_equal(found, wanted)
    assert given[1].calibration is None


@pytest.mark.parametrize("images", [True, False])
def test_each_command_names_tiles_and_data(subject, images):
    words = shlex.split(subject.command("compare", images=images))
    for option, value in (("--tiles", "16:4"), ("--data", subject.data)):
        assert words[words.index(option) + 1] == str(value)
