"""1BitSquared iCEBreaker-bitsy 1.x. UART pins from the maker's icebitsy1-pmod.pcf."""

from amaranth.build import Attrs
from amaranth_boards.icebreaker_bitsy import ICEBreakerBitsyPlatform
from amaranth_boards.resources import UARTResource

from allspin.boards.board import Board
from allspin.boards.panel import Lights
from allspin.boards.pll.ice40 import Ice40PadPllParameters
from allspin.boards.profiles import UP5K

BOARDS = (
    Board(
        name="icebreaker-bitsy",
        title="iCEBreaker-bitsy",
        platform=ICEBreakerBitsyPlatform,
        profiles=UP5K,
        pll=Ice40PadPllParameters,
        resources=(
            UARTResource(
                0,
                rx="0",
                tx="1",
                conn=("edge", 0),
                attrs=Attrs(IO_STANDARD="SB_LVCMOS", PULLUP=1),
            ),
        ),
        lights=Lights(programmed="led_g/0", error="led_r/0"),
        flash=("dfu-util", "-d", "1d50:6146", "-a", "0", "-R", "-D", "{bitstream}"),
        usb="1d50:6146",
        bridge="none: a 3.3 V USB-UART adapter, its TX on pin P0, its RX on pin P1",
    ),
)
