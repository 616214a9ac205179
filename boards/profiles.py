"""The machines that parts have room for; boards name them."""

from collections.abc import Mapping

from allspin.hdl.parameters import HardwareProfile, ResidentParameters, VariationParameters

UP5K: Mapping[str, HardwareProfile] = {
    # Four SPRAMs give 64 bits a clock: sixteen states, or eight words.
    "ideal": HardwareProfile(lanes=16, rah_bits=4, memory="spram"),
    "chips": HardwareProfile(
        lanes=8,
        memory="spram",
        variation=VariationParameters(states=16, rounds_per_clock=1, use_noise=False),
    ),
}
"""An iCE40UP5K: the weights in its SPRAMs, loaded at run time."""
UP5K_FREQUENCIES: Mapping[str, int] = {"chips": 27_000_000}
"""Clocks of those that do not reach the boards' 30 MHz with each seed of placing, in Hz."""
UP5K_ROUTINGS: Mapping[str, tuple[str, ...]] = {"chips": ("--placer-heap-timingweight", "20")}
"""The chips fill the part: with the timing weight of the other parts nextpnr finds no place for
some of their 5,002 cells of 5,280 with one seed of three. The ideal machine's worst seed is slower
with 20: 28.2 MHz in place of 29.95."""

ECP5_25: Mapping[str, HardwareProfile] = {
    "ideal": HardwareProfile(lanes=100, memory="ecp5"),
    # Cells are drawn one after another: a pipeline for these has no room beside a hundred lanes.
    "chips": HardwareProfile(
        lanes=100,
        memory="ecp5",
        variation=VariationParameters(rounds_per_clock=1, noise_rounds_per_clock=22),
    ),
}
"""An ECP5 of 24 k LUTs and 56 block RAMs; the 12F is the same die."""

ECP5_45: Mapping[str, HardwareProfile] = {
    "ideal": HardwareProfile(lanes=100, rows_per_clock=2, memory="ecp5"),
    # The states have a memory of their own, so one command redraws all cells.
    "chips": HardwareProfile(
        lanes=100, rows_per_clock=2, memory="ecp5", variation=VariationParameters(redraw=True)
    ),
}
"""An ECP5 of 44 k LUTs and 108 block RAMs."""

ECP5_85: Mapping[str, HardwareProfile] = {
    "ideal": ECP5_45["ideal"],
    "fast": HardwareProfile(lanes=100, rows_per_clock=4, memory="ecp5"),
    # Four rows a clock, redrawn in place, and in what memory is left images that stay.
    "chips": HardwareProfile(
        lanes=100,
        rows_per_clock=4,
        memory="ecp5",
        variation=VariationParameters(redraw=True),
        resident=ResidentParameters(beats=26624, images=700),
    ),
}
"""An ECP5 of 84 k LUTs and 208 block RAMs."""
ECP5_85_ROUTINGS: Mapping[str, tuple[str, ...]] = {
    "fast": ("--router", "router2"),
    "chips": ("--router", "router2", "--tmg-ripup"),
}
"""Wires of four rows a clock are wanted by many: nextpnr's usual router takes them from one another
for half an hour or more. The other one sends some of the chips' a long way round, and is told to
try those that are late because of it again."""
ECP5_85_FREQUENCIES: Mapping[str, int] = {"fast": 80_000_000, "chips": 80_000_000}
"""Clocks of those that are large, in Hz; at 80 MHz a redraw takes a millisecond."""

GW1N_9: Mapping[str, HardwareProfile] = {"ideal": HardwareProfile(lanes=8)}
"""A Gowin GW1N-9: 8.6 k LUTs and 26 block RAMs."""
