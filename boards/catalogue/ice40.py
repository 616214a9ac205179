"""Boards with an iCE40UP5K. Pins come from amaranth-boards unless a comment names a source."""

from typing import Any

from allspin.boards.board import Board, Lights
from allspin.boards.pll import Ice40PadPllParameters, Ice40PllParameters
from allspin.boards.profiles import UP5K


def _bitsy() -> tuple[Any, ...]:
    from amaranth.build import Attrs
    from amaranth_boards.resources import UARTResource

    attributes = Attrs(IO_STANDARD="SB_LVCMOS", PULLUP=1)
    return (UARTResource(0, rx="0", tx="1", conn=("edge", 0), attrs=attributes),)


def _upduino() -> tuple[Any, ...]:
    from amaranth.build import Attrs, PinsN, Resource
    from amaranth_boards.resources import UARTResource

    attributes = Attrs(IO_STANDARD="SB_LVCMOS")
    uart = UARTResource(0, rx="15", tx="14", attrs=attributes)
    return uart, Resource("flash_cs", 0, PinsN("16", dir="o"), attributes)


BOARDS = (
    # 1BitSquared iCEBreaker; its pins are those of amaranth-boards.
    Board(
        name="icebreaker",
        title="iCEBreaker",
        part="iCE40UP5K",
        platform="amaranth_boards.icebreaker:ICEBreakerPlatform",
        profiles=UP5K,
        pll=Ice40PadPllParameters,
        baud=6_000_000,  # that the machine's clock has four clocks a bit for; the bridge makes 12
        lights=Lights(programmed="led_g/0", error="led_r/0"),
        flash=("iceprog", "{bitstream}"),
        usb="0403:6010",
        bridge="FT2232H, second channel",
    ),
    # 1BitSquared iCEBreaker-bitsy 1.x. UART pins from the maker's icebitsy1-pmod.pcf.
    Board(
        name="icebreaker-bitsy",
        title="iCEBreaker-bitsy",
        part="iCE40UP5K",
        platform="amaranth_boards.icebreaker_bitsy:ICEBreakerBitsyPlatform",
        profiles=UP5K,
        pll=Ice40PadPllParameters,
        resources=_bitsy,
        lights=Lights(programmed="led_g/0", error="led_r/0"),
        flash=("dfu-util", "-d", "1d50:6146", "-a", "0", "-R", "-D", "{bitstream}"),
        usb="1d50:6146",
        bridge="none: a 3.3 V USB-UART adapter, its TX on pin P0, its RX on pin P1",
    ),
    # Muse Lab iCESugar 1.5.
    Board(
        name="icesugar",
        title="iCESugar",
        part="iCE40UP5K",
        platform="amaranth_boards.icesugar:ICESugarPlatform",
        profiles=UP5K,
        pll=Ice40PadPllParameters,
        baud=1_000_000,
        lights=Lights(programmed="led_g/0", streaming="led_b/0", error="led_r/0"),
        flash=("icesprog", "{bitstream}"),
        usb="1d50:602b",
        bridge="iCELink",
    ),
    # tinyVision.ai UPduino 3.0 and 3.1. UART pins from the maker's RTL/common/upduino.pcf.
    Board(
        name="upduino-v3",
        title="UPduino v3",
        part="iCE40UP5K",
        platform="amaranth_boards.upduino_v3:UpduinoV3Platform",
        profiles=UP5K,
        clock="clk12",  # the oscillator inside the part is too far off for a UART
        pll=Ice40PllParameters,
        resources=_upduino,
        baud=6_000_000,
        inactive=("flash_cs/0",),  # the UART's wires are the flash's too
        lights=Lights(programmed="rgb_led/0/g", streaming="rgb_led/0/b", error="rgb_led/0/r"),
        flash=("iceprog", "{bitstream}"),
        usb="0403:6014",
        bridge="FT232H; close the jumper OSC (R16), which brings 12 MHz to pin 20",
    ),
)
