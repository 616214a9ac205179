"""Board: an FPGA's pins, clock, link and machines.

Each module of `allspin.boards.catalogue` has ``BOARDS``, a tuple of `Board`; all modules of that
folder are imported, so a board needs no other registration.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, Self

from allspin.boards.pll import MHZ, PllParameters
from allspin.boards.profiles import Profile
from allspin.sim.errors import UserError, check_range, meant
from allspin.sim.systems import EXTRAS

if TYPE_CHECKING:  # a board is flashed, and spoken to, without Amaranth
    from amaranth.build import Resource, TemplatedPlatform

    from allspin.hdl.link.uart import UartParameters

Link = Literal["uart", "usb"]
"""Link that carries a board's bytes."""
MAX_DIGIT_LEDS = 8


@dataclass(frozen=True)
class Lights:
    """LEDs of a board, by the state that they show.

    An LED is ``resource/number``, or ``resource/number/signal`` in a resource of several.

    Parameters
    ----------
    programmed : str
        LED that is on once a memory of the machine has been written; empty without one.
    streaming : str
        LED that is on while images are answered; empty without one.
    error : str
        LED that is on for a while after a failed request or damaged bytes; empty without one.
    digit : tuple of str
        LEDs of the last class in binary, lowest bit first.
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


@dataclass(frozen=True)
class Board:
    """Board: pins as amaranth-boards defines them, and their use by this project.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and hyphens.
    title : str
        Name as people write it.
    part : str
        Name of the FPGA in its platform.
    platform : str
        Its platform, as ``module:class``, which defines all pins.
    profiles : mapping of str to Profile
        Machines by name; the first is the usual one.
    pll : type of PllParameters or None
        PLL that makes their frequencies from the board's clock; None if they are the same.
    clock : str
        Name of the clock's resource; empty for the platform's default.
    baud : int
        Baud rate of the UART, which the bridge makes and the machine's clock divides.
    uart : str
        Name of the UART's resource; its signals rx and tx are named from the FPGA's side.
    link : {"uart", "usb"}
        Link to the host: the UART, or a USB port in gateware.
    wires : str
        USB's D+ and D- at the FPGA, as ``resource/number``; empty without USB.
    resources : callable
        Returns a tuple of the `Resource` objects that the platform lacks.
    inactive : tuple of str
        Outputs to hold at their inactive level, as ``resource/number/signal``.
    raised : tuple of pairs of str
        Pins to hold high, each with the button that takes it low while it is pressed, in the same
        form. ``docs/boards.md`` lists these pins with their reasons.
    lights : Lights
        States that its LEDs show.
    button : str
        Button that shows images without a host, as ``resource/number``; the LEDs must show the
        digit. Empty without buttons.
    sdram : str
        SDRAM for profiles that keep images in it, as ``resource/number``; empty without one.
    flash : tuple of str
        Command that programs the board, with ``{bitstream}`` for the file.
    usb : str
        Vendor and product of the programmer's USB device, for the udev rule.
    bridge : str
        Path of bytes from USB to the UART's pins; without a bridge on the board, the pins to
        connect and the adapter to use.

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
        wrong = self._find_error()
        if wrong is not None:
            raise ValueError(wrong)
        try:
            for profile in self.profiles.values():
                self._check_clock(profile.frequency)
        except ModuleNotFoundError as missing:
            if missing.name not in EXTRAS:  # without Amaranth no clock is needed
                raise ValueError(f"the platform of {self.name} is not there: {missing}") from None

    def _find_error(self) -> str | None:
        """Message about the first wrong value; None if all are right."""
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            return f"name must be small letters, digits and hyphens, not {self.name!r}"
        if not self.profiles:
            return f"{self.name} needs at least one profile"
        if "{bitstream}" not in self.flash:
            return f"the flash command of {self.name} must hold {{bitstream}}"
        if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", self.usb):
            return f"usb must be like 0403:6010, not {self.usb!r}"
        if self.button and not self.lights.digit:
            return f"the button of {self.name} needs LEDs for a digit"
        if self.link != "uart" and not self.wires:
            return f"{self.name} has no USB port at its FPGA"
        return None

    def _check_clock(self, frequency: int) -> None:
        """Check that the board can make a clock and its baud rate."""
        source = self.source_frequency
        if self.pll is None and source != frequency:
            raise ValueError(
                f"the clock of {self.name} has {source / MHZ:g} MHz, not {frequency / MHZ:g}: "
                "name a PLL"
            )
        actual = frequency if self.pll is None else self.pll.search(source, frequency).frequency
        # It needs Amaranth, without which a board is flashed.
        from allspin.hdl.link.uart import UartParameters

        UartParameters.from_rates(actual, self.baud)  # raises if no divisor makes the rate

    @property
    def platform_type(self) -> "type[TemplatedPlatform]":
        """Class of its platform."""
        return resolve_name(self.platform)

    def create_platform(self) -> "TemplatedPlatform":
        """Create the platform with the missing resources, for one build."""
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
        """Wanted frequency of the usual machine's clock, in Hz."""
        return self.profile().frequency

    @cached_property
    def pll_parameters(self) -> PllParameters | None:
        """PLL of the usual machine, with its divisors; None without a PLL."""
        return None if self.pll is None else self.pll.search(self.source_frequency, self.frequency)

    @property
    def machine_frequency(self) -> int:
        """Actual frequency of the usual machine, in whole Hz, which its identity contains."""
        pll = self.pll_parameters
        return self.frequency if pll is None else pll.frequency

    @property
    def uart_parameters(self) -> "UartParameters":
        """Parameters of the UART."""
        # It needs Amaranth, without which a board is flashed.
        from allspin.hdl.link.uart import UartParameters

        return UartParameters.from_rates(self.machine_frequency, self.baud)

    def profile(self, name: str | None = None) -> Profile:
        """Return one of the profiles, by default the first.

        Raises
        ------
        UserError
            If the board has no profile of that name.
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
        """Return the board with one of its profiles alone, which so is the usual one.

        Parameters
        ----------
        name : str
            Name of the profile.
        frequency : int, optional
            Frequency of the machine's clock in Hz, in place of the profile's.
        **others
            Replacements of the board's ``baud`` and ``link``.

        Raises
        ------
        UserError
            If the board has no profile of that name.
        ValueError
            If the clock or the baud rate cannot be made, or the board has no such link.
        """
        profile = self.profile(name)
        if frequency is not None:
            profile = replace(profile, frequency=frequency)
        return replace(self, profiles={name: profile}, **others)
