"""What a board is, and the machines that parts have room for.

A board is a module of `allspin.boards.catalogue` with ``BOARDS``, a tuple of `Board`; it is found
by being there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, Self

from allspin.boards.pll import MHZ, PllParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.hdl.parameters.sdram_parameters import SdramParameters, SdramPart
from allspin.sim.errors import UserError, check_number, check_range, meant
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from allspin.sim.systems import EXTRAS

if TYPE_CHECKING:  # a board is flashed, and spoken to, without Amaranth
    from amaranth.build import Resource, TemplatedPlatform

    from allspin.hdl.link.uart import UartParameters

Link = Literal["uart", "usb"]
"""What carries a board's bytes."""
ROUTER2 = ("--router", "router2")
"""Wires of four rows per clock are wanted by many: nextpnr's usual router takes them from one
another for half an hour or more."""
RIPUP = "--tmg-ripup"
"""With it that router routes late wires again until none is late, and there it stops."""
MARGIN = 1.12
"""So it is asked for more than the clock: for the 5 % by which a clock is below the worst seed, and
since it takes wires that go to many cells for faster than the timing analysis after it does."""


@dataclass(frozen=True)
class Profile:
    """A machine that a part has room for, and what place and route must know of it.

    Parameters
    ----------
    hardware : HardwareProfile
        The machine, for any network.
    frequency : int
        Of its clock, in Hz: what place and route must reach.
    routing : tuple of str
        What nextpnr is told besides.
    button : bool
        Whether there is a block RAM left for the images that a board's button shows.
    sizes : tuple of int or None
        Widths from the pixels to the classes of a machine that is not built for a network, but
        for all that fit; None for a network's own.
    network : str
        Name of the one that it is built for where none is asked for; empty for the usual one.
    sdram : SdramPart or None
        The board's, where images lie in it: `hardware` has its times at `frequency`.

    Raises
    ------
    ValueError
        If the frequency is outside its range.
    """

    hardware: HardwareProfile
    frequency: int
    routing: tuple[str, ...] = ()
    button: bool = True
    sizes: tuple[int, ...] | None = None
    network: str = ""
    sdram: SdramPart | None = None

    def __post_init__(self) -> None:
        check_number("frequency in MHz", self.frequency / MHZ, 1 / MHZ, (2**32 - 1) / MHZ)
        if self.sdram is not None:
            # A register at the pins for commands, one for words, and a clock on the wires.
            kept = ResidentParameters.of(SdramParameters.of(self.sdram, self.frequency, way=3))
            object.__setattr__(self, "hardware", replace(self.hardware, resident=kept))

    def built_for(self, network: Network) -> Network:
        """What the machine is made for where it shall run a network: that, or its own sizes."""
        return network if self.sizes is None else random_network(self.sizes, 0)


GRADE_8 = 1.35
"""A clock on a part of speed grade 8, over that of grade 6: placed there, machines reach 1.35 to
1.4 of the frequency."""

SMALL = 1024, 104, 16
"""Widths of a machine for any network, on a part with some 100 kB for its words."""

CONV = "conv-small-10"
"""What machines for feature maps are built for: its three layers have 6, 16 and 10 columns."""

UP5K_TIMING = ("--placer-heap-timingweight", "20")
"""Machines fill this part. With the timing weight of other parts nextpnr finds no place for some of
the 5,000 cells of `chips` with one seed of three."""

UP5K: Mapping[str, Profile] = {
    # Four SPRAMs give 64 bits a clock: sixteen states of four bits, or eight words. A seventeenth
    # state in block RAM spares one of seven passes over an image.
    "ideal": Profile(
        HardwareProfile(lanes=17, memory="spram", states=True), 30_750_000, routing=UP5K_TIMING
    ),
    "chips": Profile(
        HardwareProfile(
            lanes=8,
            memory="spram",
            variation=VariationParameters(states=16, rounds_per_clock=1, use_noise=False),
        ),
        29_250_000,
        routing=UP5K_TIMING,
    ),
    "general": Profile(
        HardwareProfile(lanes=8, memory="spram", general=True),
        32_250_000,
        button=False,
        sizes=SMALL,
    ),
}
"""An iCE40UP5K: the weights in its SPRAMs, loaded at run time."""

ECP5_25: Mapping[str, Profile] = {
    "ideal": Profile(
        HardwareProfile(lanes=100, rows_per_clock=2, memory="ecp5", states=True), 116_666_667
    ),
    # Cells are drawn one after another: a pipeline for these has no room beside a hundred lanes.
    "chips": Profile(
        HardwareProfile(
            lanes=100,
            memory="ecp5",
            variation=VariationParameters(
                rounds_per_clock=1, noise_rounds_per_clock=22, sum_noise=True
            ),
        ),
        90_000_000,
        button=False,
    ),
    # Weights take 52 block RAMs of 56.
    "general": Profile(
        HardwareProfile(lanes=104, memory="ecp5", general=True),
        116_666_667,
        button=False,
        sizes=SMALL,
    ),
    "maps": Profile(
        HardwareProfile(lanes=32, rows_per_clock=2, memory="ecp5", states=True),
        100_000_000,
        network=CONV,
    ),
}
"""An ECP5 of 24 k LUTs and 56 block RAMs; the 12F is the same die."""

ECP5_45: Mapping[str, Profile] = {
    "ideal": Profile(
        HardwareProfile(lanes=100, rows_per_clock=4, memory="ecp5", states=True),
        103_125_000,
        routing=ROUTER2,
    ),
    # The states have a memory of their own, so one command redraws all cells.
    "chips": Profile(
        HardwareProfile(
            lanes=100,
            rows_per_clock=2,
            memory="ecp5",
            variation=VariationParameters(redraw=True, sum_noise=True),
        ),
        100_000_000,
    ),
}
"""An ECP5 of 44 k LUTs and 108 block RAMs."""

ECP5_85: Mapping[str, Profile] = {
    "ideal": replace(ECP5_45["ideal"], frequency=110_000_000),
    # Images that stay take 33 of the 109 block RAMs that are left: with 96 no seed could be routed.
    "fast": Profile(
        HardwareProfile(
            lanes=100,
            rows_per_clock=8,
            memory="ecp5",
            states=True,
            resident=ResidentParameters(beats=8192, images=429),
        ),
        92_857_143,
        routing=(*ROUTER2, RIPUP),
    ),
    # Four rows per clock, redrawn in place in a millisecond, and in what memory is left images that
    # stay. Some wires are sent a long way round by the second router, which is told to try those
    # that are late because of it again.
    "chips": Profile(
        HardwareProfile(
            lanes=100,
            rows_per_clock=4,
            memory="ecp5",
            variation=VariationParameters(redraw=True, sum_noise=True),
            resident=ResidentParameters(beats=26624, images=700),
        ),
        83_333_333,
        routing=(*ROUTER2, RIPUP),
    ),
    # Weights take 86 block RAMs of 208, the states of 162,112 cells 80, images 18; with 1024-256-
    # 128-32 weights and states alone would take 306. A network of two layers goes past the second
    # crossbar, so this has as many columns: more than 128, since an import adds some for biases.
    "general": Profile(
        HardwareProfile(
            lanes=34,
            rows_per_clock=2,
            memory="ecp5",
            variation=VariationParameters(redraw=True, sum_noise=True),
            resident=ResidentParameters(beats=16384, images=215),
            general=True,
        ),
        71_875_000,
        routing=(*ROUTER2, RIPUP),
        button=False,
        sizes=(1024, 136, 136, 32),
    ),
    "maps": Profile(
        HardwareProfile(lanes=32, rows_per_clock=4, memory="ecp5", states=True),
        100_000_000,
        network=CONV,
    ),
}
"""An ECP5 of 84 k LUTs and 208 block RAMs."""

GW1N_9: Mapping[str, Profile] = {
    # Ten lanes of four bits take 20 blocks of 26; the button's images would be one too many.
    "ideal": Profile(
        HardwareProfile(lanes=10, memory="bsram", states=True), 27_000_000, button=False
    )
}
"""A Gowin GW1N-9: 8.6 k LUTs and 26 block RAMs; the clock is that of the boards, for there is no
PLL."""


MAX_DIGIT_LEDS = 8


@dataclass(frozen=True)
class Lights:
    """Which LED shows what.

    An LED is ``resource/number``, or ``resource/number/signal`` where the resource has more
    than one.

    Parameters
    ----------
    programmed : str
        On once something has been written into the machine; empty for none.
    streaming : str
        On while images are answered; empty for none.
    error : str
        On for a while after a request that failed or bytes that were damaged; empty for none.
    digit : tuple of str
        The last class, in binary, its lowest bit first.
    """

    programmed: str = ""
    streaming: str = ""
    error: str = ""
    digit: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_range("number of LEDs for the digit", len(self.digit), 0, MAX_DIGIT_LEDS)
        for led in (self.programmed, self.streaming, self.error, *self.digit):
            if led and led.count("/") not in (1, 2):
                raise ValueError(f"an LED must be like led/0 or rgb_led/0/r, not {led!r}")


def with_sdram(profiles: Mapping[str, Profile], part: SdramPart) -> Mapping[str, Profile]:
    """Profiles with one more, whose images lie in an SDRAM; its pins are timed up to 100 MHz."""
    images = replace(profiles["ideal"], frequency=95_000_000, sdram=part)
    return {**profiles, "ideal-sdram": images}


@dataclass(frozen=True)
class Board:
    """A board: what amaranth-boards says of its pins, and what this project makes of it.

    Parameters
    ----------
    name : str
        Small letters, digits and hyphens.
    title : str
        As people write it.
    part : str
        Name of the FPGA, as its platform has it.
    platform : str
        Its platform, as ``module:class``; all pins come from there.
    profiles : mapping of str to Profile
        What machines it can be, by name; the first is the usual one.
    pll : type of PllParameters or None
        What makes their frequencies of the board's clock; None where they are the same.
    clock : str
        Name of the clock's resource; the platform's default where it is empty.
    baud : int
        Bits a second of the UART: what the bridge makes and the machine's clock divides.
    uart : str
        Name of the UART's resource; its signals are rx and tx, as the FPGA sees them.
    link : {"uart", "usb"}
        What carries bytes: the UART, or a USB port in gateware.
    wires : str
        USB's D+ and D- where the FPGA has them, as ``resource/number``; empty for none.
    resources : callable
        Makes what the platform lacks, on its connectors where it has them: `Resource`, in a tuple.
    inactive : tuple of str
        Outputs that must be driven to their inactive level, as ``resource/number/signal``.
    raised : tuple of pairs of str
        Pins that must be high, each with the button that takes it low while it is held, in the
        same words. ``docs/boards.md`` has all pins of this kind, and why.
    lights : Lights
        What its LEDs show.
    button : str
        What shows images without a host, as ``resource/number``, where the LEDs have the digit;
        empty for none.
    sdram : str
        Its SDRAM, as ``resource/number``, for profiles that keep images there; empty for none.
    flash : tuple of str
        Command that programs it, with ``{bitstream}`` for the file.
    usb : str
        Vendor and product of the USB device that the command talks to, for the udev rule.
    bridge : str
        How bytes get from USB to the UART's pins; where the board has no bridge, which pins
        to connect and what adapter to use.

    Raises
    ------
    TypeError, ValueError
        If a value is outside its range, or the clock cannot be made.
    """

    name: str
    title: str
    part: str
    platform: str
    profiles: Mapping[str, Profile]
    flash: tuple[str, ...]
    usb: str
    bridge: str
    pll: type[PllParameters] | None = None
    clock: str = ""
    baud: int = 3_000_000
    uart: str = "uart"
    link: Link = "uart"
    wires: str = ""
    resources: "Callable[[], tuple[Resource, ...]]" = tuple
    inactive: tuple[str, ...] = ()
    raised: tuple[tuple[str, str], ...] = ()
    lights: Lights = field(default_factory=Lights)
    button: str = ""
    sdram: str = ""

    def __post_init__(self) -> None:
        name = self.name
        for is_right, message in (
            (
                re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name),
                f"name must be small letters, digits and hyphens, not {name!r}",
            ),
            (self.profiles, f"{name} needs at least one profile"),
            (
                "{bitstream}" in self.flash,
                f"the flash command of {name} must hold {{bitstream}}",
            ),
            (
                re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", self.usb),
                f"usb must be like 0403:6010, not {self.usb!r}",
            ),
            (
                self.lights.digit or not self.button,
                f"the button of {name} needs LEDs for a digit",
            ),
            (
                self.link == "uart" or self.wires,
                f"{name} has no USB port at its FPGA",
            ),
        ):
            if not is_right:
                raise ValueError(message)
        try:
            for profile in self.profiles.values():
                self._check_clock(profile.frequency)
        except ModuleNotFoundError as missing:
            if missing.name not in EXTRAS:  # without Amaranth nothing is clocked
                raise ValueError(f"the platform of {self.name} is not there: {missing}") from None

    def _check_clock(self, frequency: int) -> None:
        source = self.source_frequency
        if self.pll is None and source != frequency:
            raise ValueError(
                f"the clock of {self.name} has {source / MHZ:g} MHz, not {frequency / MHZ:g}: "
                "name a PLL"
            )
        made = frequency if self.pll is None else self.pll.search(source, frequency).frequency
        from allspin.hdl.link.uart import UartParameters

        UartParameters.from_rates(made, self.baud).steps  # noqa: B018 - raises if there is no such rate

    @property
    def platform_type(self) -> "type[TemplatedPlatform]":
        """The class of its platform."""
        return resolve_name(self.platform)

    def create_platform(self) -> "TemplatedPlatform":
        """The platform, with what it lacked; good for one build."""
        platform = self.platform_type()
        platform.add_resources(self.resources())
        return platform

    @property
    def clock_name(self) -> str:
        """Name of the clock's resource."""
        return self.clock or str(self.platform_type.default_clk)

    @cached_property
    def source_frequency(self) -> int:
        """Frequency of the clock on the board, in Hz."""
        constraint = self.create_platform().lookup(self.clock_name).clock  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
        return round(constraint.frequency)

    @property
    def frequency(self) -> int:
        """Frequency that the usual machine's clock is to have, in Hz."""
        return self.profile().frequency

    @cached_property
    def pll_parameters(self) -> PllParameters | None:
        """The PLL's divisors for the usual machine; None where there is no PLL."""
        return None if self.pll is None else self.pll.search(self.source_frequency, self.frequency)

    @property
    def machine_frequency(self) -> int:
        """Frequency that the usual machine gets, in whole Hz; its identity tells it."""
        pll = self.pll_parameters
        return self.frequency if pll is None else pll.frequency

    @property
    def uart_parameters(self) -> "UartParameters":
        """The UART's divisor."""
        from allspin.hdl.link.uart import UartParameters

        return UartParameters.from_rates(self.machine_frequency, self.baud)

    def profile(self, name: str | None = None) -> Profile:
        """One of the profiles, the first by default.

        Raises
        ------
        UserError
            If there is none of that name.
        """
        if name is None:
            return next(iter(self.profiles.values()))
        if name not in self.profiles:
            raise UserError(
                f"{self.name} has no profile {name!r}{meant(name, self.profiles)}; "
                f"it has {', '.join(self.profiles)}"
            )
        return self.profiles[name]

    def running(self, name: str, frequency: int | None = None, **others: Any) -> Self:
        """The board with one of its profiles alone, which so is the usual one.

        Parameters
        ----------
        name : str
            The profile's.
        frequency : int, optional
            Of the machine's clock, in Hz, in place of the profile's.
        **others
            In place of the board's: ``baud``, ``link``.

        Raises
        ------
        UserError
            If there is no profile of that name.
        ValueError
            If that clock cannot be made, or it makes no such rate, or there is no such link.
        """
        profile = self.profile(name)
        if frequency is not None:
            profile = replace(profile, frequency=frequency)
        return replace(self, profiles={name: profile}, **others)
