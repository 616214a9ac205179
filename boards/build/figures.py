"""What a build came to: how fast, how full, and what to change where that is not enough."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allspin.boards.build.families import Family
from allspin.boards.build.flow import Build, Netlist, Routed

MHZ = 1e6


@dataclass(frozen=True)
class Use:
    """How much of one kind of resource is used.

    Parameters
    ----------
    used, available : int
        How many of how many.
    """

    used: int
    available: int

    @property
    def share(self) -> float:
        """Of all that there are."""
        return self.used / self.available if self.available else 0.0


@dataclass(frozen=True)
class Figures:
    """A build on one board with one or more seeds.

    Parameters
    ----------
    board, part, profile : str
        What was built.
    lanes, rows_per_clock : int
        Of the first crossbar.
    frequency, need : float
        Highest frequency of the best seed (0 where the design does not fit) and the one
        that is needed, in Hz.
    luts, flip_flops, memories, multipliers, cells : Use
        Resources; `cells` are what nextpnr places LUTs and flip-flops in.
    blocks : mapping of str to Use
        Memories and multipliers by nextpnr's own names.
    seeds : tuple of Routed
        Each attempt.
    best : Routed
        The fastest.
    netlist : Netlist
        What was placed.
    tools : mapping of str to str
        Version and source of each tool, by name.
    """

    board: str
    part: str
    profile: str
    lanes: int
    rows_per_clock: int
    frequency: float
    need: float
    luts: Use
    flip_flops: Use
    memories: Use
    multipliers: Use
    cells: Use
    blocks: Mapping[str, Use]
    seeds: tuple[Routed, ...]
    best: Routed
    netlist: Netlist
    tools: Mapping[str, str]

    @classmethod
    def collect(
        cls, build: Build, profile: str, netlist: Netlist, seeds: Sequence[Routed]
    ) -> "Figures":
        """The figures of a finished build."""
        best = max(seeds, key=lambda routed: (routed.fmax or 0.0, -routed.seed))
        family = build.family
        board = build.parameters.board
        crossbar = build.parameters.machine.link.engine.crossbars[0]
        cells = _use(best, family.cells)
        return cls(
            board=board.name,
            part=board.part,
            profile=profile,
            lanes=crossbar.lanes,
            rows_per_clock=crossbar.rows_per_clock,
            frequency=best.fmax or 0.0,
            need=float(board.machine_frequency),
            luts=_luts(family, netlist, cells),
            flip_flops=_flip_flops(family, netlist, best, cells),
            memories=_sum(_use(best, name) for name in family.memories),
            multipliers=_sum(_use(best, name) for name in family.multipliers),
            cells=cells,
            blocks={name: _use(best, name) for name in (*family.memories, *family.multipliers)},
            seeds=tuple(seeds),
            best=best,
            netlist=netlist,
            tools={tool.name: f"{tool.version} ({tool.source})" for tool in build.tools},
        )

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self.best.bitstream is not None

    @property
    def worst(self) -> float:
        """Highest frequency of the worst seed, in Hz."""
        return min(routed.fmax or 0.0 for routed in self.seeds)

    @property
    def shortfall(self) -> str | None:
        """One line on what is wrong and what to change; None where nothing is."""
        if not self.fits:
            return self._too_large()
        if self.frequency < self.need:
            missing = 1 - self.frequency / self.need
            more = "" if len(self.seeds) > 1 else ", or try more seeds (--seeds 3)"
            return (
                f"{self.board} misses its timing: {self.frequency / MHZ:.1f} MHz of the "
                f"{self.need / MHZ:g} needed, {missing:.1%} short; "
                f"take fewer lanes (--lanes {max(1, self.lanes // 2)}) or a slower clock "
                f"(--frequency {self.frequency // MHZ:g}){more}"
            )
        return None

    def _too_large(self) -> str:
        named = {"cells": self.cells, **self.blocks}
        name, use = max(named.items(), key=lambda item: item[1].share)
        over = (
            f"{use.used:,} of {use.available:,} {'logic cells' if name == 'cells' else name}, "
            f"{use.share - 1:.0%} too many"
            if use.share > 1
            else f"{use.used:,} of {use.available:,} logic cells, too many to place"
        )
        if name == "cells":
            lanes = max(1, int(self.lanes * min(1.0, 1 / use.share) * 0.9))
            change = f"take fewer lanes (--lanes {lanes})"
        elif self.rows_per_clock > 1:
            change = f"take fewer rows per clock (--rows-per-clock {self.rows_per_clock // 2})"
        else:
            change = f"take fewer lanes (--lanes {max(1, self.lanes // 2)}) or a smaller network"
        return f"{self.board} does not fit: {over}; {change}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON; frequencies in MHz, times in seconds of wall clock when it was built."""
        bitstream = self.best.bitstream
        return {
            "board": self.board,
            "part": self.part,
            "profile": self.profile,
            "lanes": self.lanes,
            "rows_per_clock": self.rows_per_clock,
            "fits": self.fits,
            "meets_timing": self.fits and self.frequency >= self.need,
            "fmax_mhz": round(self.frequency / MHZ, 2) if self.fits else None,
            "worst_fmax_mhz": round(self.worst / MHZ, 2) if self.fits else None,
            "need_mhz": round(self.need / MHZ, 3),
            "luts": self.luts.used,
            "luts_share": round(self.luts.share, 4),
            "ffs": self.flip_flops.used,
            "ffs_share": round(self.flip_flops.share, 4),
            "cells": self.cells.used,
            "cells_share": round(self.cells.share, 4),
            "memories": self.memories.used,
            "memories_share": round(self.memories.share, 4),
            "dsps": self.multipliers.used,
            "dsps_share": round(self.multipliers.share, 4),
            "blocks": {name: asdict(use) for name, use in self.blocks.items()},
            "seed": self.best.seed,
            "seeds": [
                {
                    "seed": routed.seed,
                    "fmax_mhz": None if routed.fmax is None else round(routed.fmax / MHZ, 2),
                    "seconds": round(routed.seconds, 1),
                }
                for routed in self.seeds
            ],
            "tools": dict(self.tools),
            "seconds": round(self.netlist.seconds + sum(r.seconds for r in self.seeds), 1),
            "synthesis_seconds": round(self.netlist.seconds, 1),
            "netlist": str(self.netlist.path),
            "netlist_sha256": _sha256(self.netlist.path),
            "bitstream": str(bitstream) if bitstream else None,
            "bitstream_sha256": _sha256(bitstream) if bitstream else None,
        }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _use(routed: Routed, name: str) -> Use:
    return Use(*routed.resources.get(name, (0, 0)))


def _sum(uses: Iterable[Use]) -> Use:
    found = list(uses)
    return Use(sum(use.used for use in found), sum(use.available for use in found))


def _luts(family: Family, netlist: Netlist, cells: Use) -> Use:
    if not family.lut_cells:
        return cells
    return Use(family.count(netlist.cells, family.lut_cells), cells.available)


def _flip_flops(family: Family, netlist: Netlist, best: Routed, cells: Use) -> Use:
    for name in ("TRELLIS_FF", "DFF"):
        if name in best.resources:
            return _use(best, name)
    return Use(family.count(netlist.cells, family.flip_flops), cells.available)
