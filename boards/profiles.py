"""Profiles: the machines that parts have room for, with their clocks and routing options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from allspin.boards.pll import MHZ
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.hdl.parameters.sdram_parameters import SdramParameters, SdramPart
from allspin.sim.errors import check_number
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network

ROUTER2 = ("--router", "router2")
"""Options for machines with four rows per clock, whose wires compete: nextpnr's usual router rips
them up again and again for half an hour or more."""
RIPUP = "--tmg-ripup"
"""Option by which that router routes late wires again until all are in time, and then stops."""
MARGIN = 1.12
"""Factor of the clock that such a router aims at: a clock is 5 % below the worst seed, and the
router estimates wires to many cells as faster than the later timing analysis does."""


@dataclass(frozen=True)
class Profile:
    """Machine that a part has room for, with the settings of its placement and routing.

    Parameters
    ----------
    hardware : HardwareProfile
        The machine, for any network.
    frequency : int
        Frequency of its clock, in Hz, that place and route must reach.
    routing : tuple of str
        Further options of nextpnr.
    button : bool
        True if a block RAM is left for the images that a board's button shows.
    sizes : tuple of int or None
        Widths, from the pixels to the classes, of a machine for any network that fits; None for a
        machine of one network.
    network : str
        Name of the default network; empty for the usual one.
    sdram : SdramPart or None
        The board's SDRAM if images lie in it; `hardware` gets its times at `frequency`.

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
            # Clocks of a register at the pins for commands, of one for words, and of the wires.
            kept = ResidentParameters.of(SdramParameters.of(self.sdram, self.frequency, way=3))
            object.__setattr__(self, "hardware", replace(self.hardware, resident=kept))

    def built_for(self, network: Network) -> Network:
        """Return the network that the machine is made for: the given one, or one of its sizes."""
        return network if self.sizes is None else random_network(self.sizes, 0)


GRADE_8 = 1.35
"""Ratio of the clocks on parts of speed grades 8 and 6; machines reach 1.35 to 1.4."""

SMALL = 1024, 104, 16
"""Widths of a machine for any network, on a part with about 100 kB for its words."""

CONV = "conv-small-10"
"""Network of machines for feature maps: its three layers have 6, 16 and 10 columns."""

UP5K_TIMING = ("--placer-heap-timingweight", "20")
"""Options for a part that machines fill: with the timing weight of other parts, nextpnr cannot
place all of the 5,000 cells of `chips` with one seed of three."""

UP5K: Mapping[str, Profile] = {
    # Four SPRAMs give 64 bits a clock: sixteen states of four bits, or eight words. A seventeenth
    # state in block RAM saves one of seven passes over an image.
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
    # Cells are drawn one after another: a pipeline for them has no room beside a hundred lanes.
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
    # Resident images take 33 of the 109 remaining block RAMs: with 96, no seed could be routed.
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
    # Four rows per clock, redrawn in place in a millisecond, and resident images in the remaining
    # memory. The second router sends some wires on long detours, and is told to route late ones
    # again.
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
    # 128-32 weights and states alone would take 306. A network of two layers passes through the
    # second crossbar, which has as many columns: more than 128, since an import adds bias columns.
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
"""A Gowin GW1N-9: 8.6 k LUTs and 26 block RAMs; without a PLL, its clock is the boards'."""


def with_sdram(profiles: Mapping[str, Profile], part: SdramPart) -> Mapping[str, Profile]:
    """Add a profile whose images lie in an SDRAM; its pins are timed up to 100 MHz."""
    images = replace(profiles["ideal"], frequency=95_000_000, sdram=part)
    return {**profiles, "ideal-sdram": images}
