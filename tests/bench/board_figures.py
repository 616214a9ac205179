"""The three figures of the gateware's speed, which are never mixed.

engine
    The board's clock over the mean cycles per image that a virtual board of the same machine
    counted over all test images: the rate of the crossbars. The clock is that of the bitstream,
    and not the highest that the complete top would reach.
resident sweep
    The images that fit on the board, once for each chip, the chip's redraw included.
link
    Host to host: the rate of a stream of images over the wires.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allspin.boards.catalogue import find_board
from allspin.host.bitstreams.jobs import network_of
from allspin.host.bitstreams.manifest import check_manifest, is_older
from allspin.sim.network.network import Network


def read_builds(paths: list[Path]) -> list[dict[str, Any]]:
    """Builds of files of ``allspin build --json``, one each or several under ``boards``, or of
    ``allspin boards --json``, whose boards that were not built are left out.
    """
    builds = []
    for path in paths:
        record = json.loads(path.read_bytes())
        listed = record.get("boards", [record])
        builds += [
            check_manifest(each.get("built", each)) for each in listed if each.get("built", each)
        ]
    return builds


TARGETS = {
    ("LFE5U-85F", "maps"): 220_000,
    ("LFE5U-25F", "maps"): 130_000,
    ("LFE5U-85F", "general"): None,
    ("LFE5U-25F", "general"): None,
    ("LFE5U-85F", "fast"): 4_000_000,
    ("LFE5UM5G-85F", "fast"): 5_500_000,
    # Their images lie in an SDRAM.
    ("LFE5U-85F", "chips"): 700_000,
    ("LFE5U-85F", "fast-sdram"): 700_000,
    ("LFE5U-85F", None): 1_500_000,
    ("LFE5U-25F", None): 700_000,
    ("iCE40UP5K", "ideal"): 20_000,
    ("iCE40UP5K", "chips"): 12_000,
}
"""Least images/s of the engine, by part and profile; None is any profile, or no target."""


def engine_figures(
    builds: Sequence[dict[str, Any]], network: Network | None = None
) -> list[dict[str, Any]]:
    """Engine figures of boards that were placed and routed: their clocks over cycles per image.

    Parameters
    ----------
    builds : sequence of dict
        Record of each from ``allspin build --json``; builds that do not fit are left out, and
        builds without counted clocks.
    network : Network, optional
        Network that was built; by default the one that each build names.

    Returns
    -------
    list of dict
        ``older`` tells whether a build was of other gateware than these sources make; ``target``
        is None for a part without a target.
    """
    return [
        {
            "board": build["board"],
            "part": build["part"],
            "profile": build["profile"],
            "lanes": build["lanes"],
            "rows_per_clock": build["rows_per_clock"],
            "megahertz": build["need_mhz"],
            "worst_fmax_megahertz": build["worst_fmax_mhz"],
            "cycles": build["cycles_per_image"],
            "seeds": len(build["seeds"]),
            "older": is_older(build, network or network_of(build)),
            "images_per_second": build["images_per_second"],
            "target": target(build["part"], build["profile"]),
        }
        for build in builds
        if build["fits"] and build["cycles_per_image"] is not None
    ]


def target(part: str, profile: str) -> int | None:
    """Images/s that a machine on a part must reach; None for a part without a target."""
    for (name, kind), least in TARGETS.items():
        if part.lower().startswith(name.lower()) and kind in (None, profile):
            return least
    return None


def resident_figures(
    builds: Sequence[dict[str, Any]], kept: int | None = None
) -> list[dict[str, Any]]:
    """Figures of a sweep over the images that a build keeps (``resident_images``).

    Each image is shown once to each chip, and a new chip takes about a clock for each cell that the
    machine has. Machines that draw no chips in place are left out.

    Parameters
    ----------
    builds : sequence of dict
        As of `engine_figures`.
    kept : int, optional
        How many images a build keeps that does not say so.
    """
    found = []
    for build in ({"resident_images": kept, **each} for each in builds):
        variation = find_board(build["board"]).profile(build["profile"]).hardware.variation
        if build["resident_images"] and variation is not None and variation.redraw:
            # An SDRAM has room for more images than the test set has.
            images = min(int(build["resident_images"]), 10_000)
            redraw = sum(layer.states.size for layer in network_of(build).layers)
            found += [
                {
                    **{at: figure[at] for at in ("board", "profile", "megahertz", "cycles")},
                    "images": images,
                    "redraw_clocks": redraw,
                    "images_per_second": 1e6
                    * figure["megahertz"]
                    * images
                    / (images * figure["cycles"] + redraw),
                }
                for figure in engine_figures([build])
            ]
    return found
