"""Capacity of a part's memories, compared with a network's weights before anything is built."""

from typing import Any

from allspin.boards.build.families import ECP5, GOWIN, ICE40, family_of
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.target import InferredBlocks, Sprams

BLOCK_WORDS = {ICE40.name: 256, ECP5.name: 1024, GOWIN.name: 1024}
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
"""Blocks of memory of each part, from the makers' data sheets."""


def weights_fit(engine: EngineParameters, platform: Any) -> tuple[bool, str]:
    """Compare the blocks of memory that an engine's weights take with those of a part.

    Parameters
    ----------
    engine : EngineParameters
        The engine.
    platform : TemplatedPlatform
        Platform of the part.

    Returns
    -------
    bool
        True if the weights fit; other memories come on top.
    str
        Description of the used and available blocks.
    """
    family = family_of(platform)
    available = {
        Sprams.blocks_name: Sprams().count if family is ICE40 else 0,
        InferredBlocks.blocks_name: BLOCKS[_part(platform)],
    }
    used = dict.fromkeys(available, 0)
    for crossbar in engine.crossbars:
        bits = crossbar.lines * crossbar.bank_lanes * crossbar.word_bits
        if not crossbar.target.distributes(bits):
            cells = crossbar.target.cells
            used[cells.blocks_name] += cells.blocks(crossbar, BLOCK_WORDS[family.name])
    lines = [
        f"weights take {used[name]} of {available[name]} {name}" for name in used if used[name]
    ]
    fits = all(used[name] <= available[name] for name in used)
    return fits, "; ".join(lines)


def _part(platform: Any) -> str:
    """Name of a platform's part, which must be one of `BLOCKS`."""
    names = (getattr(platform, attribute, None) for attribute in ("part", "device"))
    part = next(name for name in names if isinstance(name, str))
    if part not in BLOCKS:
        raise ValueError(
            f"{part} is no part of boards.build.capacity.BLOCKS: its blocks of memory go there"
        )
    return part
