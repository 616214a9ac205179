"""Every promised board exists, and can be clocked."""

from pathlib import Path

import pytest

from allspin.boards import catalogue
from allspin.boards.board import Board
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.pll import Ice40PadPllParameters
from allspin.boards.profiles import Profile
from allspin.hdl.link.protocol import MAX_FREQUENCY
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.errors import UserError

NAMES = {
    "colorlight-5a-75b",
    "colorlight-i5",
    "colorlight-i9",
    "ecpix-5",
    "icebreaker",
    "icebreaker-bitsy",
    "icepi-zero",
    "icesugar",
    "icesugar-pro",
    "orangecrab-25f",
    "orangecrab-85f",
    "tang-nano-9k",
    "ulx3s-12f",
    "ulx3s-25f",
    "ulx3s-45f",
    "ulx3s-85f",
    "upduino-v3",
}
GOOD = {
    "name": "mine",
    "title": "Mine",
    "part": "iCE40UP5K",
    "platform": "amaranth_boards.icebreaker:ICEBreakerPlatform",
    "profiles": {"only": Profile(HardwareProfile(lanes=2), 24_000_000)},
    "pll": Ice40PadPllParameters,
    "flash": ("iceprog", "{bitstream}"),
    "usb": "0403:6010",
    "bridge": "FT2232H",
}
AT_12_MHZ = {"slow": Profile(HardwareProfile(lanes=2), 12_000_000)}


@pytest.mark.parametrize(
    "board",
    [board.running(name) for board in find_boards().values() for name in board.profiles],
    ids=[f"{board.name}-{name}" for board in find_boards().values() for name in board.profiles],
)
def test_clock_and_uart_are_within_their_limits(board):
    # A profile's clock is of many boards, and each one's PLL gets near it.
    assert abs(board.machine_frequency / board.frequency - 1) < 0.005
    assert board.machine_frequency <= MAX_FREQUENCY
    rate = board.machine_frequency / float(board.uart_parameters.divisor)
    assert abs(rate / board.baud - 1) <= 0.01
    # FTDI's high-speed bridges divide 12 MHz, others 3 MHz.
    top = 12_000_000 if board.bridge.startswith(("FT2232H", "FT232H")) else 3_000_000
    assert top % board.baud == 0
    assert board.flash[0] in ("iceprog", "dfu-util", "icesprog", "openFPGALoader")
    named = {getattr(board.platform_type, name, "") for name in ("part", "device")}
    assert board.part in named
    assert board.part.startswith(("iCE40UP5K", "LFE5U", "GW1N"))


def test_a_profile_has_its_clock_or_another_that_is_asked_for():
    slow = Profile(HardwareProfile(lanes=1), 18_000_000)
    board = Board(**{**GOOD, "profiles": {**GOOD["profiles"], "slow": slow}})
    assert board.machine_frequency == 24_000_000
    running = board.running("slow")
    assert running.profile() is running.profile("slow") is slow
    assert running.pll_parameters is not None
    assert running.machine_frequency == running.pll_parameters.frequency == 18_000_000
    running = board.running("only", 18_000_000)
    assert (running.machine_frequency, running.profile().hardware.lanes) == (18_000_000, 2)
    with pytest.raises(ValueError, match="wanted frequency in MHz must be a number from 16 to"):
        Board(**GOOD).running("only", 12_000_000)


def test_a_board_is_found_by_being_there(tmp_path, monkeypatch):
    source = Path(catalogue.__file__).with_name("gowin.py").read_text()
    (tmp_path / "mine.py").write_text(source.replace('name="tang-nano-9k"', 'name="mine"'))
    monkeypatch.setattr(catalogue, "__path__", [*catalogue.__path__, str(tmp_path)])
    find_boards.cache_clear()
    try:
        assert find_board("mine").platform.endswith(":TangNano9kPlatform")
        assert set(find_boards()) == {*NAMES, "mine"}
        (tmp_path / "again.py").write_text((tmp_path / "mine.py").read_text())
        find_boards.cache_clear()
        with pytest.raises(ValueError, match="two boards are called mine"):
            find_boards()
    finally:
        find_boards.cache_clear()


def test_an_unknown_board_or_profile_is_one_line():
    with pytest.raises(UserError, match=r"there is no board 'nonesuch'; there are .*icebreaker"):
        find_board("nonesuch")
    with pytest.raises(UserError, match="icebreaker has no profile 'big'; it has ideal, chips"):
        find_board("icebreaker").profile("big")
    with pytest.raises(UserError, match="icebreaker has no profile 'big'; it has ideal, chips"):
        find_board("icebreaker").running("big")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "My Board"}, "My Board"),
        ({"profiles": {}}, "profile"),
        ({"flash": ("iceprog",)}, "{bitstream}"),
        ({"usb": "FTDI"}, "0403:6010"),
        ({"pll": None}, "12 MHz, not 24"),
        ({"platform": "amaranth_boards.mine:Mine"}, "platform"),
        ({"profiles": {**GOOD["profiles"], **AT_12_MHZ}}, "from 16 to"),
        ({"baud": 12_000_000}, "12000000 baud"),
    ],
)
def test_a_board_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Board(**{**GOOD, **changes})
