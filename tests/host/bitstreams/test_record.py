"""A build is older if, and only if, these sources make other gateware."""

import pytest

from allspin.boards.build.gateware import gateware_of
from allspin.boards.catalogue import find_board
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache import VARIABLE
from allspin.host.bitstreams import manifest as gateware
from allspin.host.bitstreams.manifest import is_older
from allspin.sim.network.random_network import random_network

NETWORK = random_network((6, 4, 3), 0)
"""Network of few cells, so that its machines are elaborated quickly."""


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    """Cache of these tests, so that each machine is elaborated once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield


def built(name, profile):
    """Fields of the manifest of a machine of the present sources."""
    board = find_board(name).running(profile)
    parameters = ShellParameters.from_network(board, NETWORK, board.profiles[profile].hardware)
    crossbar = parameters.machine.link.engine.crossbars[0]
    return {
        "board": name,
        "profile": profile,
        "lanes": crossbar.lanes,
        "rows_per_clock": crossbar.rows_per_clock,
        "gateware": gateware_of(parameters),
    }


def test_a_build_of_these_sources_is_not_older_unless_its_lanes_differ():
    record = built("ulx3s-25f", "ideal")
    assert not is_older(record, NETWORK)
    assert is_older({**record, "lanes": 2}, NETWORK)
    assert is_older({**record, "rows_per_clock": 1}, NETWORK)


@pytest.mark.parametrize(
    "changes",
    [
        {"gateware": "0" * 32},
        {"gateware": None},
        {"gateware": ""},
        {"board": "icepi-one"},
        {"profile": "none"},
        {"lanes": 0},
    ],
)
def test_a_record_of_no_present_machine_is_older(changes):
    assert is_older({**built("ulx3s-25f", "ideal"), **changes}, NETWORK)
    assert is_older({}, NETWORK)


def test_at_another_clock_it_is_another_machine(monkeypatch):
    record = built("ulx3s-25f", "ideal")
    board = find_board("ulx3s-25f")
    slower = board.running("ideal", 60_000_000)
    monkeypatch.setattr(gateware, "find_boards", lambda: {"ulx3s-25f": slower})
    assert is_older(record, NETWORK)
