"""Icepi Zero 1.3."""

from amaranth_boards.icepi_zero import IcepiZero1_3Platform

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ecp5 import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25

BOARDS = (
    Board(
        name="icepi-zero",
        title="Icepi Zero",
        platform=IcepiZero1_3Platform,
        profiles=ECP5_25,
        pll=Ecp5PllParameters,
        lights=Lights(programmed="led/4", digit=("led/0", "led/1", "led/2", "led/3")),
        button="button/0",
        flash=("openFPGALoader", "-b", "icepi-zero", "{bitstream}"),
        usb="0403:6015",
        bridge="FT231X",
    ),
)
