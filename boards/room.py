"""Whether a network's weights fit a part's memories, before anything is built."""

from typing import Any

from allspin.boards.build.families import ECP5, GOWIN, Family, family_of
from allspin.hdl.parameters import CrossbarParameters, EngineParameters
from allspin.hdl.stream.ecp5 import SMALLEST_BLOCK

SPRAMS = 4
SPRAM_WIDTH = 16
"""Of an iCE40UP5K, and the bits that each gives in a clock."""
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


def blocks_needed(crossbar: CrossbarParameters, words: int) -> int:
    """Blocks that hold a crossbar's words.

    Parameters
    ----------
    crossbar : CrossbarParameters
        Whose.
    words : int
        Words of 16 bits in a block of the part.
    """
    if crossbar.memory == "spram":  # which are deep enough, or the crossbar is refused
        return -(-crossbar.lanes * crossbar.cell_bits // SPRAM_WIDTH)
    memories = crossbar.rows_per_clock * crossbar.banks
    if crossbar.memory == "ecp5":
        return 0 if crossbar.part_rows * crossbar.passes <= SMALLEST_BLOCK else memories
    return memories * -(-crossbar.part_rows * crossbar.passes // words)


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
    used = {"spram": 0, "block": 0}
    for crossbar in engine.crossbars:
        kind = "spram" if crossbar.memory == "spram" else "block"
        used[kind] += blocks_needed(crossbar, BLOCK_WORDS[family.name])
    available = {"spram": SPRAMS if family.name == "iCE40" else 0, "block": BLOCKS[part]}
    lines = [
        f"weights take {used[kind]} of {available[kind]} {name}"
        for kind, name in (("spram", "SPRAMs"), ("block", "blocks of memory"))
        if used[kind]
    ]
    return all(used[kind] <= available[kind] for kind in used), "; ".join(lines)
