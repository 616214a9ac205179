"""Manifest of a build: what was built, of which gateware, and how large and fast it is.

A manifest is the JSON object that ``allspin build --json`` prints. It lies in the cache beside the
bitstream (`allspin.host.bitstreams.kept`), in a release (`allspin.host.bitstreams.release`) and
in ``docs/boards.json``. Each reader of a file checks it here first.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from allspin.boards.catalogue import find_boards
from allspin.hdl.cache.process import Progress, no_progress
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

Manifest = Mapping[str, Any]
Number = int | float

FIELDS: Mapping[str, Any] = {
    "board": str,
    "part": str,
    "profile": str,
    "network": str,
    "lanes": int,
    "rows_per_clock": int,
    "luts": int,
    "luts_share": Number,
    "cells": int,
    "cells_share": Number,
    "memories": int,
    "memories_share": Number,
    "fits": bool,
    "meets_timing": bool,
    "shortfall": str | None,
    "need_mhz": Number,
    "fmax_mhz": Number | None,
    "worst_fmax_mhz": Number | None,
    "cycles_per_image": Number | None,
    "images_per_second": Number | None,
    "seeds": list,
    "seconds": Number,
    "tools": Mapping,
    "gateware": str | None,
}
"""Fields of every manifest, with their types; manifests have more, which no reader relies on."""
PLACES = ("bitstream", "netlist")
"""Fields with paths on the computer of the build."""


def check_manifest(value: Any) -> dict[str, Any]:
    """Return a manifest if the value is one.

    Parameters
    ----------
    value : object
        Value from a file.

    Raises
    ------
    ValueError
        If it is not a manifest.
    """
    if not isinstance(value, Mapping):
        raise ValueError("it is not what allspin build says of a board")
    if not value.keys() >= FIELDS.keys():
        raise ValueError(f"it lacks {', '.join(sorted(FIELDS.keys() - value.keys()))}")
    for name, kind in FIELDS.items():
        given = value[name]
        if not isinstance(given, kind) or (isinstance(given, bool) and kind is not bool):
            raise ValueError(f"its {name} is not what allspin build says of a board")
    if value["fits"] and (value["fmax_mhz"] is None or value["worst_fmax_mhz"] is None):
        raise ValueError("it fits, but has no fmax_mhz or worst_fmax_mhz")
    return dict(value)


def is_for(manifest: Manifest, board: str, profile: str | None, network: str | None) -> bool:
    """Return True if a build is for a board and, unless they are None, a profile and a network."""
    return (
        manifest["board"] == board
        and profile in (None, manifest["profile"])
        and network in (None, manifest["network"])
    )


def without_places(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest without the paths on the computer of the build."""
    return {name: value for name, value in manifest.items() if name not in PLACES}


def is_older(manifest: Manifest, network: Network, progress: Progress = no_progress) -> bool:
    """Return True if a build's gateware differs from that of these sources at the current clock.

    A manifest without a gateware digest comes from a version before digests, and is older. For
    any other the machine is elaborated, once after each change of the sources: about ten seconds
    for an ECP5, so only machines that were built are compared.

    Parameters
    ----------
    manifest : mapping
        Manifest of the build.
    network : Network
        Network that the machine was built for.
    progress : callable
        Called with the step and the seconds since it began.
    """
    if not manifest.get("gateware"):
        return True
    board = find_boards().get(manifest["board"])
    if board is None or manifest["profile"] not in board.profiles:
        return True
    # They need Amaranth, without which a board is flashed.
    from allspin.boards.build.gateware import gateware_of
    from allspin.boards.shell import ShellParameters

    try:
        running = board.running(manifest["profile"])
        hardware = replace(
            running.profile().hardware,
            lanes=manifest["lanes"],
            rows_per_clock=manifest["rows_per_clock"],
        )
        parameters = ShellParameters.from_network(running, network, hardware)
    except (UserError, ValueError):
        return True
    return manifest["gateware"] != gateware_of(parameters, progress=progress)
