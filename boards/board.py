"""What a board is, and which there are.

A board is a module of `allspin.boards.catalogue` with ``BOARDS``, a tuple of `Board`; it is found
by being there.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from amaranth.build import Resource, TemplatedPlatform

from allspin.boards.lights import Lights
from allspin.boards.pll.divisors import PllParameters
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.parameters import HardwareProfile
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range


@dataclass(frozen=True)
class Board:
    """A board: what amaranth-boards says of its pins, and what this project makes of it.

    Parameters
    ----------
    name : str
        Small letters, digits and hyphens.
    title : str
        As people write it.
    platform : type of TemplatedPlatform
        Its platform; all pins come from there.
    profiles : mapping of str to HardwareProfile
        What machines it can be, by name; the first is the usual one.
    frequency : int
        Of the machine's clock, in Hz: what place and route must reach.
    frequencies : mapping of str to int
        The same of profiles whose machines are slower or faster than the usual one.
    routing : tuple of str
        What nextpnr is told besides.
    routings : mapping of str to tuple of str
        The same of profiles whose machines are crowded.
    pll : type of PllParameters or None
        What makes that frequency of the board's clock; None where they are the same.
    clock : str
        Name of the clock's resource; the platform's default where it is empty.
    baud : int
        Bits a second of the UART.
    uart : str
        Name of the UART's resource; its signals are rx and tx, as the FPGA sees them.
    resources : tuple of Resource
        What the platform lacks, on its connectors where it has them.
    inactive : tuple of str
        Outputs that must be driven to their inactive level, as ``resource/number/signal``.
    lights : Lights
        What its LEDs show.
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
    platform: type[TemplatedPlatform]
    profiles: Mapping[str, HardwareProfile]
    frequency: int
    flash: tuple[str, ...]
    usb: str
    bridge: str
    pll: type[PllParameters] | None = None
    clock: str = ""
    baud: int = 3_000_000
    uart: str = "uart"
    frequencies: Mapping[str, int] = field(default_factory=dict)
    routing: tuple[str, ...] = ()
    routings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    inactive: tuple[str, ...] = ()
    lights: Lights = field(default_factory=Lights)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"name must be small letters, digits and hyphens, not {self.name!r}")
        if not self.profiles:
            raise ValueError(f"{self.name} needs at least one profile")
        if "{bitstream}" not in self.flash:
            raise ValueError(f"the flash command of {self.name} must hold {{bitstream}}")
        if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{4}", self.usb):
            raise ValueError(f"usb must be like 0403:6010, not {self.usb!r}")
        check_range("frequency", self.frequency, 1, 2**32 - 1)
        source = self.source_frequency
        if self.pll is None and source != self.frequency:
            raise ValueError(
                f"the clock of {self.name} has {source} Hz, not {self.frequency}: name a PLL"
            )
        self.uart_parameters.steps  # noqa: B018 - raises for a rate that cannot be made
        for name in self.frequencies:
            if name not in self.profiles:
                raise ValueError(f"{self.name} has a frequency for {name!r}, which is no profile")
            self.running(name)
        for name in self.routings:
            if name not in self.profiles:
                raise ValueError(f"{self.name} has a routing for {name!r}, which is no profile")

    def create_platform(self) -> TemplatedPlatform:
        """The platform, with what it lacked; good for one build."""
        platform = self.platform()
        platform.add_resources(self.resources)
        return platform

    @property
    def clock_name(self) -> str:
        """Name of the clock's resource."""
        return self.clock or str(self.platform.default_clk)

    @cached_property
    def source_frequency(self) -> int:
        """Frequency of the clock on the board, in Hz."""
        constraint = self.create_platform().lookup(self.clock_name).clock  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
        return round(constraint.frequency)

    @cached_property
    def pll_parameters(self) -> PllParameters | None:
        """The PLL's divisors; None where there is none."""
        return None if self.pll is None else self.pll.search(self.source_frequency, self.frequency)

    @property
    def machine_frequency(self) -> int:
        """Frequency that the machine gets, in whole Hz; its identity tells it."""
        pll = self.pll_parameters
        return self.frequency if pll is None else pll.frequency

    @property
    def uart_parameters(self) -> UartParameters:
        """The UART's divisor."""
        return UartParameters.from_rates(self.machine_frequency, self.baud)

    @property
    def part(self) -> str:
        """Name of the FPGA, as its maker writes it."""
        for attribute in ("part", "device"):
            name = getattr(self.platform, attribute, None)
            if isinstance(name, str):
                return name
        raise ValueError(f"the platform of {self.name} does not name its part")

    def profile(self, name: str | None = None) -> HardwareProfile:
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
                f"{self.name} has no profile {name!r}; it has {', '.join(self.profiles)}"
            )
        return self.profiles[name]

    def running(self, name: str) -> Self:
        """The board with the clock and the routing of one of its profiles.

        Parameters
        ----------
        name : str
            The profile's.
        """
        frequency = self.frequencies.get(name, self.frequency)
        routing = self.routings.get(name, self.routing)
        return dataclasses.replace(
            self, frequency=frequency, frequencies={}, routing=routing, routings={}
        )
