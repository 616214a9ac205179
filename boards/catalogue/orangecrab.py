"""OrangeCrab r0.2, a Feather board by Greg Davill."""

from collections.abc import Mapping
from dataclasses import replace

from amaranth.build import Attrs
from amaranth_boards import orangecrab_r0_2
from amaranth_boards.resources import UARTResource

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ecp5 import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25, ECP5_85, ROUTER2, Profile

ATTRIBUTES = Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")

PROFILES_85: Mapping[str, Profile] = {
    **ECP5_85,
    # The usual router was stopped here after 20 minutes of taking wires in turn.
    "ideal": replace(ECP5_85["ideal"], routing=ROUTER2),
}

BOARDS = tuple(
    Board(
        name=f"orangecrab-{size.lower()}",
        title=f"OrangeCrab r0.2 {size}",
        platform=platform,
        profiles=profiles,
        pll=Ecp5PllParameters,
        resources=(UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=ATTRIBUTES),),
        lights=Lights(programmed="rgb_led/0/g", streaming="rgb_led/0/b", error="rgb_led/0/r"),
        flash=("dfu-util", "-d", "1209:5af0", "-a", "0", "-D", "{bitstream}"),
        usb="1209:5af0",
        bridge="none: a 3.3 V USB-UART adapter, its TX on pin 0, its RX on pin 1",
    )
    for size, platform, profiles in (
        ("25F", orangecrab_r0_2.OrangeCrabR0_2_25FPlatform, ECP5_25),
        ("85F", orangecrab_r0_2.OrangeCrabR0_2_85FPlatform, PROFILES_85),
    )
)
