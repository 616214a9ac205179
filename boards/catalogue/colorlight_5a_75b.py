"""Colorlight 5A-75B 7.0, a LED panel's receiver card."""

from amaranth_boards.colorlight_5a75b_r7_0 import Colorlight_5A75B_R70Platform

from allspin.boards.board import Board
from allspin.boards.pll.ecp5 import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25

BOARDS = (
    Board(
        name="colorlight-5a-75b",
        title="Colorlight 5A-75B 7.0",
        platform=Colorlight_5A75B_R70Platform,
        profiles=ECP5_25,
        pll=Ecp5PllParameters,
        flash=("openFPGALoader", "-c", "ft232", "{bitstream}"),
        usb="0403:6014",
        # The LED's pin is the UART's, so there are no lights; all others but the button's
        # only go out, through 5 V buffers.
        bridge="none: a 3.3 V USB-UART adapter on J19, its TX on KEY+, its RX on DATA_LED-",
    ),
)
