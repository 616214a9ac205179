"""LambdaConcept ECPIX-5 with an LFE5UM5G-85F."""

from amaranth_boards.ecpix5 import ECPIX585Platform

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ecp5 import Ecp5PllParameters
from allspin.boards.profiles import ECP5_85

BOARDS = (
    Board(
        name="ecpix-5",
        title="ECPIX-5 85F",
        platform=ECPIX585Platform,
        profiles=ECP5_85,
        pll=Ecp5PllParameters,
        lights=Lights(
            programmed="rgb_led/0/g",
            streaming="rgb_led/0/b",
            error="rgb_led/0/r",
            digit=("rgb_led/1/g", "rgb_led/2/g", "rgb_led/3/g", "rgb_led/3/b"),
        ),
        flash=("openFPGALoader", "-b", "ecpix5", "{bitstream}"),
        usb="0403:6010",
        bridge="FT2232H, second channel",
    ),
)
