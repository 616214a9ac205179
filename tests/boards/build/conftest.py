"""A made-up board, and one folder for the tests' builds."""

import os
from collections.abc import Callable

import pytest
from amaranth.build import TemplatedPlatform
from amaranth_boards.icebreaker import ICEBreakerPlatform

from allspin.boards.board import Board, Lights
from allspin.boards.pll import Ice40PadPllParameters, PllParameters
from allspin.boards.profiles import Profile
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache import VARIABLE
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.random_network import random_network

TINY = random_network((4, 2), 1)
Setting = Callable[..., ShellParameters]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """A folder for builds that all workers of this run share, and no other run."""
    base = tmp_path_factory.getbasetemp()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = (base.parent if run else base) / f"boards-{run or 'alone'}"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def cache(shared_cache, monkeypatch):
    """The same, as the place that builds go to."""
    monkeypatch.setenv(VARIABLE, str(shared_cache))
    return shared_cache


@pytest.fixture
def tiny() -> Setting:
    """A machine of two columns on a made-up board: ``tiny(platform, pll, frequency)``."""

    def make(
        platform: type[TemplatedPlatform] = ICEBreakerPlatform,
        pll: type[PllParameters] = Ice40PadPllParameters,
        frequency: int = 18_000_000,
    ) -> ShellParameters:
        board = Board(
            name="made-up",
            title="Made-up",
            part=str(getattr(platform, "device", "")),
            platform=f"{platform.__module__}:{platform.__qualname__}",
            profiles={"tiny": Profile(HardwareProfile(lanes=1), frequency)},
            pll=pll,
            lights=Lights(programmed="led/0", error="led/1"),
            flash=("iceprog", "{bitstream}"),
            usb="0403:6010",
            bridge="FT2232H",
        )
        return ShellParameters.from_network(board, TINY, board.profile().hardware)

    return make
