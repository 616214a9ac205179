"""tinyVision.ai UPduino 3.0 and 3.1. UART pins from the maker's RTL/common/upduino.pcf."""

from amaranth.build import Attrs, PinsN, Resource
from amaranth_boards.resources import UARTResource
from amaranth_boards.upduino_v3 import UpduinoV3Platform

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ice40 import Ice40PllParameters
from allspin.boards.profiles import UP5K

BOARDS = (
    Board(
        name="upduino-v3",
        title="UPduino v3",
        platform=UpduinoV3Platform,
        profiles=UP5K,
        clock="clk12",  # the oscillator inside the part is too far off for a UART
        pll=Ice40PllParameters,
        resources=(
            UARTResource(0, rx="15", tx="14", attrs=Attrs(IO_STANDARD="SB_LVCMOS")),
            Resource("flash_cs", 0, PinsN("16", dir="o"), Attrs(IO_STANDARD="SB_LVCMOS")),
        ),
        inactive=("flash_cs/0",),  # the UART's wires are the flash's too
        lights=Lights(programmed="rgb_led/0/g", streaming="rgb_led/0/b", error="rgb_led/0/r"),
        flash=("iceprog", "{bitstream}"),
        usb="0403:6014",
        bridge="FT232H; close the jumper OSC (R16), which brings 12 MHz to pin 20",
    ),
)
