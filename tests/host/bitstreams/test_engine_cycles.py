"""Cycles per image are the gateware's own count, and counted once."""

import dataclasses

import numpy as np
import pytest

from allspin.hdl.bench.networks import random_images, random_network
from allspin.hdl.cache import VARIABLE
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.bitstreams import engine_rates as engine_cycles
from allspin.host.bitstreams.engine_rates import count_cycles
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.opening import open_machine
from allspin.sim.network.golden import GoldenModel

NETWORK = random_network((24, 12, 6), 1)
IMAGES = random_images(NETWORK, 300, 2)
LABELS = GoldenModel(NETWORK).classify(IMAGES)


@pytest.mark.parametrize(
    ("profile", "resident"),
    [
        pytest.param(
            HardwareProfile(lanes=1, resident=ResidentParameters(beats=4096, images=100)),
            False,
            marks=pytest.mark.long,
        ),
        (HardwareProfile(rows_per_clock=4, resident=ResidentParameters(4096, 100)), True),
    ],
)
def test_every_image_is_counted_and_none_is_estimated(tmp_path, monkeypatch, profile, resident):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    found = count_cycles(NETWORK, profile, IMAGES, LABELS)
    assert (found.images, found.resident) == (len(IMAGES), resident)
    bound = cycle_bounds(NETWORK, EngineParameters.from_network(NETWORK, profile), IMAGES).mean()
    assert bound < found.per_image < 2 * bound + 10
    # The same clocks by another way: a first half and a second one have as many, but for the
    # pipeline that is filled once more.
    if not resident:
        with open_machine("virtual", NETWORK, profile) as machine:
            assert isinstance(machine, LinkedMachine)
            machine.program(NETWORK)
            machine.stream(IMAGES[:150])
            machine.stream(IMAGES[150:])
            counters = machine.counters()
        assert counters.images == len(IMAGES)
        total = found.per_image * len(IMAGES)
        assert total <= counters.cycles <= total + 200
    # Again: nothing runs.
    monkeypatch.setattr(engine_cycles, "open_virtual", lambda *_, **__: pytest.fail("it runs"))
    assert count_cycles(NETWORK, profile, IMAGES, LABELS) == found
    # Another image, network, machine or source is counted anew.
    other = np.flip(IMAGES, axis=0)
    for arguments in (
        (NETWORK, profile, other, LABELS),
        (random_network((24, 12, 6), 2), profile, IMAGES, LABELS),
        (NETWORK, dataclasses.replace(profile, memory="ecp5"), IMAGES, LABELS),
    ):
        with pytest.raises(pytest.fail.Exception, match="it runs"):
            count_cycles(*arguments)
    monkeypatch.setattr(engine_cycles, "sources_digest", lambda: "other sources")
    with pytest.raises(pytest.fail.Exception, match="it runs"):
        count_cycles(NETWORK, profile, IMAGES, LABELS)
