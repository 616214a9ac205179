"""Muse Lab iCESugar-Pro 1.3."""

from amaranth_boards.icesugar_pro import ICESugarProPlatform

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ecp5 import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25

BOARDS = (
    Board(
        name="icesugar-pro",
        title="iCESugar-Pro",
        platform=ICESugarProPlatform,
        profiles=ECP5_25,
        pll=Ecp5PllParameters,
        baud=1_000_000,
        lights=Lights(programmed="rgb_led/0/g", streaming="rgb_led/0/b", error="rgb_led/0/r"),
        flash=("icesprog", "{bitstream}"),
        usb="1d50:602b",
        bridge="iCELink",
    ),
)
