"""Memories without contents, for block RAM or look-up tables."""

from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import memory

BLOCK_BITS = 1024
"""Memories below this size are left to the tool (distributed RAM or registers)."""


def block_memory(shape: Any, depth: int, *, distributed: bool = False) -> memory.Memory:
    """Return a memory without contents, for block RAM.

    Read it through a port of the ``comb`` domain with a register behind it: the tools merge the two
    into the block's own synchronous read. Amaranth's synchronous read port promises the old word
    when a location is read and written at once, which no block RAM does by itself; the tools then
    build a bypass around it (hundreds of LUTs for a wide crossbar). The blocks of the engine never
    read a word while it is written, and ``no_rw_check`` says so. A memory in look-up tables is read
    in the clock of its address, so a word can be read and written back in one clock.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a word.
    depth : int
        Number of words.
    distributed : bool
        True for look-up tables whatever the size, so that the memory lies near its reader.
    """
    attrs: dict[str, Any] = {"no_rw_check": 1}
    if distributed:
        attrs["ram_style"] = "distributed"
    elif Shape.cast(shape).width * depth >= BLOCK_BITS:
        attrs["ram_style"] = "block"
    return memory.Memory(shape=shape, depth=depth, init=[], attrs=attrs)
