"""Platforms that amaranth-boards lacks: Colorlight i5 and i9 on Muse Lab's extension board.

Pins are those of wuxx/Colorlight-FPGA-Projects, as litex-boards has them.
"""

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, SDRAMResource, UARTResource

CMOS = Attrs(IO_TYPE="LVCMOS33")


def _resources(led: str) -> list[Resource]:
    """Resources of the pins; the SDRAM's CKE is tied high, its CS and DQM are tied low."""
    return [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), CMOS),
        *LEDResources(pins=led, invert=True, attrs=CMOS),
        UARTResource(0, tx="J17", rx="H18", attrs=CMOS),
        SDRAMResource(
            0,
            clk="B9",
            we_n="A10",
            ras_n="B10",
            cas_n="A9",
            ba="B11 C8",
            a="B13 C14 A16 A17 B16 B15 A14 A13 A12 A11 B12",
            dq="D15 E14 E13 D12 E12 D11 C10 B17 B8 A8 C7 A7 A6 B6 A5 B5 "
            "D5 C5 D6 C6 E7 D7 E8 D8 E9 D9 E11 C11 C12 D13 D14 C15",
            attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="NONE", SLEWRATE="FAST"),
        ),
    ]


class I5Platform(LatticeECP5Platform):
    """Colorlight i5 7.0."""

    device = "LFE5U-25F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources = _resources("U16")
    connectors = ()


class I9Platform(I5Platform):
    """Colorlight i9 7.2."""

    device = "LFE5U-45F"
    resources = _resources("L2")
