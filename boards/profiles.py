"""The machines that parts have room for; boards name them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.sim.errors import check_range

ROUTER2 = ("--router", "router2")
"""Wires of four rows per clock are wanted by many: nextpnr's usual router takes them from one
another for half an hour or more."""


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

    Raises
    ------
    ValueError
        If the frequency is outside its range.
    """

    hardware: HardwareProfile
    frequency: int
    routing: tuple[str, ...] = ()
    button: bool = True

    def __post_init__(self) -> None:
        check_range("frequency", self.frequency, 1, 2**32 - 1)


UP5K: Mapping[str, Profile] = {
    # Four SPRAMs give 64 bits a clock: sixteen states of four bits, or eight words. A seventeenth
    # state in block RAM spares one of seven passes over an image.
    "ideal": Profile(HardwareProfile(lanes=17, memory="spram", states=True), 31_000_000),
    # The chips fill the part: with the timing weight of the other parts nextpnr finds no place for
    # some of their 5,002 cells of 5,280 with one seed of three. The ideal machine's worst seed is
    # slower with 20: 28.2 MHz in place of 29.95. 30 MHz is not reached with each seed of placing.
    "chips": Profile(
        HardwareProfile(
            lanes=8,
            memory="spram",
            variation=VariationParameters(states=16, rounds_per_clock=1, use_noise=False),
        ),
        27_000_000,
        routing=("--placer-heap-timingweight", "20"),
    ),
}
"""An iCE40UP5K: the weights in its SPRAMs, loaded at run time."""

ECP5_25: Mapping[str, Profile] = {
    "ideal": Profile(
        HardwareProfile(lanes=100, rows_per_clock=2, memory="ecp5", states=True), 115_000_000
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
        100_000_000,
        button=False,
    ),
}
"""An ECP5 of 24 k LUTs and 56 block RAMs; the 12F is the same die."""

ECP5_45: Mapping[str, Profile] = {
    "ideal": Profile(
        HardwareProfile(lanes=100, rows_per_clock=4, memory="ecp5", states=True),
        100_000_000,
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
    "ideal": dataclasses.replace(ECP5_45["ideal"], frequency=110_000_000),
    "fast": Profile(
        HardwareProfile(lanes=100, rows_per_clock=8, memory="ecp5", states=True),
        90_000_000,
        routing=ROUTER2,
    ),
    # Four rows per clock, redrawn in place, and in what memory is left images that stay. At 80 MHz
    # a redraw takes a millisecond. Some wires are sent a long way round by the second router, which
    # is told to try those that are late because of it again.
    "chips": Profile(
        HardwareProfile(
            lanes=100,
            rows_per_clock=4,
            memory="ecp5",
            variation=VariationParameters(redraw=True, sum_noise=True),
            resident=ResidentParameters(beats=26624, images=700),
        ),
        80_000_000,
        routing=(*ROUTER2, "--tmg-ripup"),
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
