"""Figures of a build: its clock, its use of the part, and the remedy of a shortfall."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from allspin.boards.build.flow import Build, Routed, SynthesisedBoard

MHZ = 1e6
Use = tuple[int, int]
"""Used and available numbers of a resource."""


def share(used: int, available: int) -> float:
    """Return the used share of a resource; 0 if the FPGA has no such resource."""
    return used / available if available else 0.0


def figures(
    build: Build, profile: str, netlist: SynthesisedBoard, seeds: Sequence[Routed]
) -> dict[str, Any]:
    """Return the figures of a finished build, as in its manifest.

    Parameters
    ----------
    build : Build
        The build.
    profile : str
        Name of the machine.
    netlist : SynthesisedBoard
        The placed netlist.
    seeds : sequence of Routed
        Each attempt; the fastest counts.

    Returns
    -------
    dict
        Frequencies in MHz, wall-clock times in seconds when it was built. ``shortfall`` is a line
        with the problem and its remedy, or None.
    """
    family, board = build.family, build.parameters.board
    # The widest: as many lanes again make the same machine.
    crossbar = max(build.parameters.machine.link.engine.crossbars, key=lambda one: one.lanes)
    best = max(seeds, key=lambda routed: (routed.fmax or 0.0, -routed.seed))
    fits, frequency, need = best.bitstream is not None, best.fmax or 0.0, board.machine_frequency
    blocks = {
        name: best.resources.get(name, (0, 0)) for name in (*family.memories, *family.multipliers)
    }
    cells = best.resources.get(family.cells, (0, 0))
    flip_flops = best.resources.get("TRELLIS_FF") or best.resources.get("DFF")
    uses: dict[str, Use] = {
        "luts": (family.count(netlist.cells, family.lut_cells), cells[1])
        if family.lut_cells
        else cells,
        "ffs": flip_flops or (family.count(netlist.cells, family.flip_flops), cells[1]),
        "cells": cells,
        "memories": _sum(blocks, family.memories),
        "dsps": _sum(blocks, family.multipliers),
    }
    if not fits:
        change = _too_large({"cells": cells, **blocks}, crossbar.lanes, crossbar.rows_per_clock)
        shortfall = f"{board.name} does not fit: {change}"
    elif frequency < need:
        more = "" if len(seeds) > 1 else ", or try more seeds (--seeds 3)"
        shortfall = (
            f"{board.name} misses its timing: {frequency / MHZ:.1f} MHz of the {need / MHZ:g} "
            f"needed, {1 - frequency / need:.1%} short; take fewer lanes "
            f"(--lanes {max(1, crossbar.lanes // 2)}) or a slower clock "
            f"(--frequency {frequency // MHZ:g}){more}"
        )
    else:
        shortfall = None
    return {
        "board": board.name,
        "part": board.part,
        "profile": profile,
        "lanes": crossbar.lanes,
        "rows_per_clock": crossbar.rows_per_clock,
        "fits": fits,
        "meets_timing": fits and frequency >= need,
        "fmax_mhz": round(frequency / MHZ, 2) if fits else None,
        "worst_fmax_mhz": round(min(each.fmax or 0.0 for each in seeds) / MHZ, 2) if fits else None,
        "need_mhz": round(need / MHZ, 3),
        **{
            key: value
            for name, use in uses.items()
            for key, value in ((name, use[0]), (f"{name}_share", round(share(*use), 4)))
        },
        "blocks": {name: {"used": use[0], "available": use[1]} for name, use in blocks.items()},
        "seed": best.seed,
        "seeds": [
            {
                "seed": routed.seed,
                "fmax_mhz": None if routed.fmax is None else round(routed.fmax / MHZ, 2),
                "seconds": round(routed.seconds, 1),
            }
            for routed in seeds
        ],
        "tools": {tool.name: f"{tool.version} ({tool.source})" for tool in build.tools},
        "seconds": round(netlist.seconds + sum(routed.seconds for routed in seeds), 1),
        "synthesis_seconds": round(netlist.seconds, 1),
        "netlist": str(netlist.path),
        "netlist_sha256": file_sha256(netlist.path),
        "bitstream": str(best.bitstream) if best.bitstream else None,
        "bitstream_sha256": file_sha256(best.bitstream) if best.bitstream else None,
        "shortfall": shortfall,
    }


def _too_large(uses: Mapping[str, Use], lanes: int, rows_per_clock: int) -> str:
    """Most overused resource, and a remedy."""
    name, (used, available) = max(uses.items(), key=lambda item: share(*item[1]))
    of_all = share(used, available)
    over = f"{used:,} of {available:,} {'logic cells' if name == 'cells' else name}, " + (
        f"{of_all - 1:.0%} too many" if of_all > 1 else "too many to place"
    )
    if name == "cells":
        return (
            f"{over}; take fewer lanes (--lanes {max(1, int(lanes * min(1.0, 1 / of_all) * 0.9))})"
        )
    if rows_per_clock > 1:
        return f"{over}; take fewer rows per clock (--rows-per-clock {rows_per_clock // 2})"
    return f"{over}; take fewer lanes (--lanes {max(1, lanes // 2)}) or a smaller network"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sum(blocks: Mapping[str, Use], names: Sequence[str]) -> Use:
    return sum(blocks[name][0] for name in names), sum(blocks[name][1] for name in names)
