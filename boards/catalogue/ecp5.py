"""Boards with an ECP5; their pins are those of amaranth-boards."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from allspin.boards.board import Board, Lights
from allspin.boards.pll import Ecp5PllParameters
from allspin.boards.profiles import ECP5_25, ECP5_45, ECP5_85, GRADE_8, Profile, with_sdram
from allspin.hdl.parameters.sdram_parameters import SLOWEST_256M


def _orangecrab() -> tuple[Any, ...]:
    from amaranth.build import Attrs, PinsN, Resource
    from amaranth_boards.resources import UARTResource

    pins = Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
    button = Attrs(IO_TYPE="LVCMOS12", PULLMODE="UP")
    return (
        UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=pins),
        # The platform's button is SSTL135_I, at which nextpnr 0.7 crashes ("VREF"). The
        # threshold of a 1.2 V input is of the core's supply, whatever the bank has.
        Resource("boot", 0, PinsN("J17", dir="i"), button),
    )


def _of_grade_8(profiles: Mapping[str, Profile]) -> Mapping[str, Profile]:
    """The clocks in steps of 4 MHz, which crystals of 48 and 100 MHz make exactly."""
    return {
        name: replace(profile, frequency=4_000_000 * round(GRADE_8 * profile.frequency / 4e6))
        for name, profile in profiles.items()
    }


ECP5_85_8 = _of_grade_8(ECP5_85)
ULX3S_85: Mapping[str, Profile] = {
    **ECP5_85,
    # All images of MNIST lie beside the part, in place of some hundreds in it.
    "chips": replace(ECP5_85["chips"], frequency=71_875_000, sdram=SLOWEST_256M),
    # An image is 67 words, whatever the engine does; at 80 MHz 78.0 were reached.
    "fast-sdram": replace(ECP5_85["fast"], frequency=71_875_000, sdram=SLOWEST_256M),
}

BOARDS = (
    # Colorlight 5A-75B 7.0, a LED panel's receiver card.
    Board(
        name="colorlight-5a-75b",
        title="Colorlight 5A-75B 7.0",
        part="LFE5U-25F",
        platform="amaranth_boards.colorlight_5a75b_r7_0:Colorlight_5A75B_R70Platform",
        profiles=ECP5_25,
        pll=Ecp5PllParameters,
        flash=("openFPGALoader", "-c", "ft232", "{bitstream}"),
        usb="0403:6014",
        # The LED's pin is the UART's, so the board has no lights; all others but the button's
        # are outputs, through 5 V buffers.
        bridge="none: a 3.3 V USB-UART adapter on J19, its TX on KEY+, its RX on DATA_LED-",
    ),
    # LambdaConcept ECPIX-5 with an LFE5UM5G-85F.
    Board(
        name="ecpix-5",
        title="ECPIX-5 85F",
        part="LFE5UM5G-85F",
        platform="amaranth_boards.ecpix5:ECPIX585Platform",
        profiles=ECP5_85_8,
        pll=Ecp5PllParameters,
        baud=12_000_000,
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
    # Icepi Zero 1.3.
    Board(
        name="icepi-zero",
        title="Icepi Zero",
        part="LFE5U-25F",
        platform="amaranth_boards.icepi_zero:IcepiZero1_3Platform",
        profiles=with_sdram(ECP5_25, SLOWEST_256M),
        pll=Ecp5PllParameters,
        lights=Lights(programmed="led/4", digit=("led/0", "led/1", "led/2", "led/3")),
        button="button/0",
        sdram="sdram/0",
        flash=("openFPGALoader", "-b", "icepi-zero", "{bitstream}"),
        usb="0403:6015",
        bridge="FT231X",
    ),
    # Muse Lab iCESugar-Pro 1.3.
    Board(
        name="icesugar-pro",
        title="iCESugar-Pro",
        part="LFE5U-25F",
        platform="amaranth_boards.icesugar_pro:ICESugarProPlatform",
        profiles=with_sdram(ECP5_25, SLOWEST_256M),
        pll=Ecp5PllParameters,
        baud=1_000_000,
        lights=Lights(programmed="rgb_led/0/g", streaming="rgb_led/0/b", error="rgb_led/0/r"),
        sdram="sdram/0",
        flash=("icesprog", "{bitstream}"),
        usb="1d50:602b",
        bridge="iCELink",
    ),
    # OrangeCrab r0.2, a Feather board by Greg Davill.
    *(
        Board(
            name=f"orangecrab-{size.lower()}",
            title=f"OrangeCrab r0.2 {size}",
            part=f"LFE5U-{size}",
            platform=f"amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_{size}Platform",
            # Beside the USB's clock 157 and 155 MHz were reached, where the grade has 156 and 148.
            profiles={
                **_of_grade_8(profiles),
                "ideal": replace(profiles["ideal"], frequency=144_000_000),
            },
            pll=Ecp5PllParameters,
            resources=_orangecrab,
            link="usb",
            wires="usb/0",
            # Low, the pin loads the boot loader, which stays while the button is held.
            raised=(("program/0", "boot/0"),),
            lights=Lights(programmed="rgb_led/0/g", streaming="rgb_led/0/b", error="rgb_led/0/r"),
            flash=("dfu-util", "-d", "1209:5af0", "-a", "0", "-D", "{bitstream}"),
            usb="1209:5af0",
            bridge="none: its USB is a port of the FPGA's own; with --link uart a 3.3 V USB-UART "
            "adapter, its TX on pin 0, its RX on pin 1",
        )
        for size, profiles in (("25F", ECP5_25), ("85F", ECP5_85))
    ),
    # Radiona ULX3S 3.0 and 3.1.
    *(
        Board(
            name=f"ulx3s-{size.lower()}",
            title=f"ULX3S {size}",
            part=f"LFE5U-{size}",
            platform=f"amaranth_boards.ulx3s:ULX3S_{size}_Platform",
            profiles=profiles,
            pll=Ecp5PllParameters,
            lights=Lights(
                programmed="led/0",
                streaming="led/1",
                error="led/2",
                digit=("led/4", "led/5", "led/6", "led/7"),
            ),
            button="button_fire/0",
            wires="usb/0",
            # Low for seconds, the pin makes the ESP32 of some boards load its own bitstream.
            raised=(("esp32/0/gpio0", "button_pwr/0"),),
            sdram="sdram/0",
            flash=("openFPGALoader", "-b", "ulx3s", "{bitstream}"),
            usb="0403:6015",
            bridge="FT231X",
        )
        for size, profiles in (
            ("12F", with_sdram(ECP5_25, SLOWEST_256M)),
            ("25F", with_sdram(ECP5_25, SLOWEST_256M)),
            ("45F", with_sdram(ECP5_45, SLOWEST_256M)),
            ("85F", ULX3S_85),
        )
    ),
)
