"""A network run on a machine that was built for a larger one."""

import json
from dataclasses import replace

import pytest

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.machines.opening import open_virtual
from allspin.host.run.inference import RunOptions, run
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network

SMALL = replace(random_network((24, 12, 6), 2), image_shape=(1, 24))
"""Its own machine and the larger one are those of ``tests/host/machines/test_opening.py``."""


@pytest.mark.parametrize("states", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_run_tells_the_machine_that_the_network_was_fitted_into_and_its_cost(idx_folder, states):
    data = idx_folder(shape=(1, 24), classes=6, train=12, test=60)
    with open_virtual(random_network((26, 14, 6), 1), HardwareProfile(states=states)) as machine:
        score = run(SMALL, machine, data=data, options=RunOptions(check=True))
        with pytest.raises(UserError, match="topology up to 26-14-6, not 24-15-5"):
            machine.check(random_network((24, 15, 5), 1))
        if states:
            with pytest.raises(UserError, match="in layer 0 10 states from"):
                machine.check(random_network((24, 9, 5), 1, states=6))
    found = json.loads(json.dumps(score.to_dict()))
    assert (score.difference, found["fitted_into"]) == (None, [26, 14, 6])
    assert found["cycles_bound_unfitted"] < found["cycles_bound"] <= found["cycles_per_image"]
    exact = run(SMALL, "virtual", data=data)
    assert exact.fitted_into is None
    assert found["cycles_bound_unfitted"] == exact.cycles_bound
