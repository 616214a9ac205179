"""Muse Lab iCESugar 1.5."""

from amaranth_boards.icesugar import ICESugarPlatform

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ice40 import Ice40PadPllParameters
from allspin.boards.profiles import UP5K

BOARDS = (
    Board(
        name="icesugar",
        title="iCESugar",
        platform=ICESugarPlatform,
        profiles=UP5K,
        pll=Ice40PadPllParameters,
        baud=1_000_000,
        lights=Lights(programmed="led_g/0", streaming="led_b/0", error="led_r/0"),
        flash=("icesprog", "{bitstream}"),
        usb="1d50:602b",
        bridge="iCELink",
    ),
)
