"""Copies of a register on an ECP5, each of which drives the logic near it."""

from typing import Any

from amaranth.hdl import (
    ClockSignal,
    Const,
    Instance,
    Module,
    Signal,
    Value,
)

LEAVES = 5
"""Copies that one copy drives."""
LANES_PER_LEAF = 4
"""Lanes of a crossbar that a leaf of a tree drives."""


def is_ecp5(platform: Any) -> bool:
    """Return True if a platform is an ECP5."""
    return getattr(platform, "family", None) == "ecp5"


def copies(m: Module, platform: Any, value: Any, count: int, name: str) -> list[Any]:
    """Build registers with the same content, each for the logic near it.

    The instances keep Yosys from merging them.

    Parameters
    ----------
    m : Module
        Module that gets the registers.
    platform : Platform or None
        Platform of the elaboration.
    value : Value
        Input of the registers.
    count : int
        Number of registers.
    name : str
        Name of the signals, before a number.
    """
    registers = []
    for number in range(count):
        register = Signal(value.shape(), name=f"{name}_{number}", reset_less=True)
        registers.append(register)
        if not is_ecp5(platform):
            m.d.sync += register.eq(value)
            continue
        bits_in = Value.cast(value)
        bits_out = Value.cast(register)
        for bit in range(len(bits_in)):
            m.submodules += Instance(
                "TRELLIS_FF",
                p_GSR="AUTO",
                p_CEMUX="1",
                p_CLKMUX="CLK",
                p_LSRMUX="LSR",
                p_REGSET="RESET",
                i_CLK=ClockSignal(),
                i_LSR=Const(0, 1),
                i_DI=bits_in[bit],
                o_Q=bits_out[bit],
            )
    return registers


def tree(m: Module, platform: Any, value: Any, leaves: int, name: str) -> list[Any]:
    """Build two registers in a row, the second in `leaves` copies; otherwise like `copies`."""
    branches = copies(m, platform, value, -(-leaves // LEAVES), f"{name}_branch")
    found = []
    for number, branch in enumerate(branches):
        count = min(LEAVES, leaves - number * LEAVES)
        found += copies(m, platform, branch, count, f"{name}_leaf_{number}")
    return found
