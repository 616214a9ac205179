"""Radiona ULX3S 3.0 and 3.1."""

from amaranth_boards import ulx3s

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ecp5 import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25, ECP5_45, ECP5_85

BOARDS = tuple(
    Board(
        name=f"ulx3s-{size.lower()}",
        title=f"ULX3S {size}",
        platform=platform,
        profiles=profiles,
        pll=Ecp5PllParameters,
        lights=Lights(
            programmed="led/0",
            streaming="led/1",
            error="led/2",
            digit=("led/4", "led/5", "led/6", "led/7"),
        ),
        button="button_fire/0",
        flash=("openFPGALoader", "-b", "ulx3s", "{bitstream}"),
        usb="0403:6015",
        bridge="FT231X",
    )
    for size, platform, profiles in (
        ("12F", ulx3s.ULX3S_12F_Platform, ECP5_25),
        ("25F", ulx3s.ULX3S_25F_Platform, ECP5_25),
        ("45F", ulx3s.ULX3S_45F_Platform, ECP5_45),
        ("85F", ulx3s.ULX3S_85F_Platform, ECP5_85),
    )
)
