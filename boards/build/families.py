"""Families of parts: their scripts, commands and names of resources."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from amaranth.vendor import GowinPlatform, LatticeECP5Platform, LatticeICE40Platform

from allspin.boards.shell import MACHINE

TOP = "top"
"""Name of the whole design."""


@dataclass(frozen=True)
class Family:
    """Family of parts, with the tools that build it.

    Parameters
    ----------
    name : str
        Name of the family.
    synthesis : str
        Yosys' command for it.
    machine_options, shell_options : str
        Options of that command for the machine and for its shell.
    router, packer : str
        Names of the tools after Yosys.
    constraints : str
        Suffix of the file with the pins.
    bitstream : str
        Suffix of the bitstream.
    cells : str
        nextpnr's name of cells with a LUT, a flip-flop or both.
    lut_cells : str
        Pattern of Yosys' names for LUTs; empty if `cells` counts them.
    flip_flops : str
        Pattern of Yosys' names for flip-flops.
    memories : tuple of str
        nextpnr's names for blocks of memory.
    multipliers : tuple of str
        nextpnr's names for blocks that multiply.
    before : str
        Yosys commands between reading the machine and its synthesis.
    route_options : tuple of str
        Further options of nextpnr.
    wire_delay : int
        Delay of a wire between cells in ps, for the mapping to LUTs; 0 for Yosys' default.
    """

    name: str
    synthesis: str
    machine_options: str
    shell_options: str
    router: str
    packer: str
    constraints: str
    bitstream: str
    cells: str
    lut_cells: str
    flip_flops: str
    memories: tuple[str, ...]
    multipliers: tuple[str, ...]
    before: str = ""
    route_options: tuple[str, ...] = ()
    wire_delay: int = 0

    def machine_script(self) -> str:
        """Return Yosys' script from ``machine.il`` to ``machine.net.il``."""
        return "\n".join(
            [
                "read_rtlil machine.il",
                # Amaranth names the members of arrays "a[1]", which abc9 takes for a bit of "a".
                "rename -hide */w:*.* */w:*]",
                *([self.before] if self.before else []),
                *self._synthesis(f"{self.synthesis} {self.machine_options} -top {MACHINE}"),
                "delete t:$scopeinfo",
                f"select {MACHINE}",
                "write_rtlil -selected machine.net.il",
                "",
            ]
        )

    def _synthesis(self, command: str) -> list[str]:
        """Yosys' command, with a mapping to LUTs by the family's delay of wires."""
        if not self.wire_delay:
            return [command]
        tables = f"abc9 -W {self.wire_delay}"
        return [f"{command} -run begin:map_luts", tables, "clean", f"{command} -run map_cells:"]

    def shell_script(self) -> str:
        """Return Yosys' script from ``machine.net.il`` and ``shell.il`` to ``top.json``."""
        return "\n".join(
            [
                "read_rtlil machine.net.il",
                f"setattr -mod -set blackbox 1 {MACHINE}",
                "read_rtlil shell.il",
                f"{self.synthesis} {self.shell_options} -top {TOP}",
                f"delete ={MACHINE}",
                "read_rtlil machine.net.il",
                f"hierarchy -top {TOP}",
                "flatten",
                "delete t:$scopeinfo",
                "opt_clean -purge",
                "tee -q -o cells.json stat -json",
                "write_json top.json",
                "",
            ]
        )

    def route_command(self, platform: Any, planned: Sequence[str], seed: int, mhz: float) -> list:
        """Return the arguments of nextpnr.

        Parameters
        ----------
        platform : TemplatedPlatform
            The board's platform.
        planned : sequence of str
            The platform's own command.
        seed : int
            Seed of the placement.
        mhz : float
            Frequency of clocks without a constraint.
        """
        return [
            *_without(planned[1:], ("--log",), ("--quiet",)),
            *("--seed", str(seed), "--freq", f"{mhz:g}"),
            *("--report", "report.json", "--timing-allow-fail"),
            *self.route_options,
        ]

    def pack_command(self, platform: Any, planned: Sequence[str]) -> list[str]:
        """Return the packer's arguments."""
        return _without(planned[1:], ("--svf",), ())

    def count(self, counts: Mapping[str, int], pattern: str) -> int:
        """Return the number of cells whose type matches a pattern."""
        return sum(number for name, number in counts.items() if re.fullmatch(pattern, name))


class GowinFamily(Family):
    """Family of Gowin parts, whose tools are newer than the platform's commands."""

    def route_command(self, platform: Any, planned: Sequence[str], seed: int, mhz: float) -> list:
        """Return the arguments of nextpnr, as `Family.route_command`."""
        return [
            *("--device", platform.part, "--vopt", f"family={platform._chipdb_device}"),
            *("--vopt", f"cst={TOP}.cst", "--json", f"{TOP}.json", "--write", f"{TOP}.pnr.json"),
            *("--seed", str(seed), "--freq", f"{mhz:g}"),
            *("--report", "report.json", "--timing-allow-fail"),
        ]

    def pack_command(self, platform: Any, planned: Sequence[str]) -> list[str]:
        """Return the packer's arguments, as `Family.pack_command`."""
        return list(planned[1:])


ROUTED = "routed.json"
"""nextpnr's netlist of the placed and routed design, for a simulator."""
TIMING_WEIGHT = ("--placer-heap-timingweight", "40")
"""Weight of time in nextpnr's placer, beside the length of wires. nextpnr's default is 10;
docs/performance.md has measurements."""

ICE40 = Family(
    name="iCE40",
    synthesis="synth_ice40 -device u",
    # With -dff, the 5,110 cells of an iCEBreaker's chips are 60 fewer; otherwise they do not fit
    # into the part's 5,280.
    machine_options="-dsp -spram -abc9 -dff",
    shell_options="",
    router="nextpnr-ice40",
    packer="icepack",
    constraints="pcf",
    bitstream="bin",
    cells="ICESTORM_LC",
    lut_cells="SB_LUT4",
    flip_flops="SB_DFF.*",
    memories=("ICESTORM_RAM", "ICESTORM_SPRAM"),
    multipliers=("ICESTORM_DSP",),
    # A lane's product is small, and lanes outnumber the eight multipliers, which serve other
    # blocks.
    before=(
        f"hierarchy -top {MACHINE}\n"
        "proc\n"
        f"select {MACHINE}.engine.layer_*.crossbar*/t:$mul "
        f"{MACHINE}.engine.layer_*.crossbar*.multiplier_*/t:$mul %d\n"
        "alumacc\n"  # adders, before synth_ice40 looks for multiplications
        "select -clear"
    ),
    # The netlist is small enough to be written each time.
    route_options=("--write", ROUTED, *TIMING_WEIGHT),
)
ECP5 = Family(
    name="ECP5",
    synthesis="synth_ecp5",
    # Faster without the multipliers, which are few and far between.
    machine_options="-abc9 -nodsp",
    shell_options="",
    router="nextpnr-ecp5",
    packer="ecppack",
    constraints="lpf",
    bitstream="bit",
    cells="TRELLIS_COMB",
    lut_cells="",
    flip_flops="TRELLIS_FF",
    memories=("DP16KD",),
    multipliers=("MULT18X18D",),
    # With a hundred lanes of 8-bit words, the 25F has few blocks to spare for small memories.
    before=f'setattr -set ram_style "distributed" {MACHINE}.engine.layer_*.converter/m:* '
    f"{MACHINE}.engine.layer_*.neurons.neuron_*/m:*",
    # Yosys' default is 300. Routed, a wire of this machine takes 0.9 ns on average, so that chains
    # of LUTs are slow: this value leaves a third of the slow paths.
    wire_delay=900,
    route_options=TIMING_WEIGHT,
)
GOWIN = GowinFamily(
    name="Gowin",
    synthesis="synth_gowin -family gw1n",
    machine_options="-noiopads",
    shell_options="",
    router="nextpnr-himbaechel",
    packer="gowin_pack",
    constraints="cst",
    bitstream="fs",
    cells="LUT4",
    lut_cells="",
    flip_flops="DFF.*",
    memories=("BSRAM",),
    multipliers=("DSP",),
)


def family_of(platform: Any) -> Family:
    """Return the family of a platform's part.

    Raises
    ------
    ValueError
        If the family cannot be built here.
    """
    if isinstance(platform, LatticeICE40Platform):
        return ICE40
    device = getattr(platform, "device", "")
    if isinstance(platform, LatticeECP5Platform) and device.startswith("LFE5"):
        return ECP5
    if isinstance(platform, GowinPlatform):
        return GOWIN
    raise ValueError(f"{type(platform).__name__} is for parts that are not built here")


def with_options(command: Sequence[str], options: Sequence[str]) -> list[str]:
    """Add options to a command line; an option with a value replaces an earlier one."""
    valued = [one for one, value in pairwise(options) if not value.startswith("--")]
    return [*_without(command, valued, ()), *options]


def _without(words: Sequence[str], valued: Sequence[str], flags: Sequence[str]) -> list[str]:
    """Command line without some options: `valued` ones with their values, and `flags`."""
    kept = []
    rest = iter(words)
    for word in rest:
        if word in valued:
            next(rest, None)
        elif word not in flags:
            kept.append(word)
    return kept
