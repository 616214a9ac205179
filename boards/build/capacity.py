"""Whether a network's weights fit a part's memories, before anything is built."""

from typing import Any

from allspin.boards.build.families import ECP5, GOWIN, Family, family_of
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.target import InferredBlocks, Sprams

BLOCK_WORDS = {"iCE40": 256, ECP5.name: 1024, GOWIN.name: 1024}
"""Words of 16 bits in a block of memory, by family."""
BLOCKS = {
    "iCE40UP5K": 30,
    "LFE5U-12F": 56,
    "LFE5U-25F": 56,
    "LFE5U-45F": 108,
    "LFE5U-85F": 208,
    "LFE5UM5G-45F": 108,
    "LFE5UM5G-85F": 208,
    "GW1NR-LV9QN88PC6/I5": 26,
}
"""Blocks of memory of each part, by the makers' data sheets."""


def weights_fit(engine: EngineParameters, platform: Any) -> tuple[bool, str]:
    """Whether the weights fit.

    Parameters
    ----------
    engine : EngineParameters
        Whose.
    platform : TemplatedPlatform
        The part.

    Returns
    -------
    bool
        Whether they do; all else that needs memory comes on top.
    str
        In words, how many blocks of how many.
    """
    family: Family = family_of(platform)
    part = next(
        name for key in ("part", "device") if isinstance(name := getattr(platform, key, 0), str)
    )
    if part not in BLOCKS:
        raise ValueError(
            f"{part} is no part of boards.build.capacity.BLOCKS: its blocks of memory go there"
        )
    available = {
        Sprams.blocks_name: Sprams().count if family.name == "iCE40" else 0,
        InferredBlocks.blocks_name: BLOCKS[part],
    }
    used = dict.fromkeys(available, 0)
    for crossbar in engine.crossbars:
        cells = crossbar.target.cells
        if crossbar.target.distributes(crossbar.lines * crossbar.bank_lanes * crossbar.word_bits):
            continue
        used[cells.blocks_name] += cells.blocks(crossbar, BLOCK_WORDS[family.name])
    lines = [
        f"weights take {used[name]} of {available[name]} {name}" for name in used if used[name]
    ]
    return all(used[name] <= available[name] for name in used), "; ".join(lines)
