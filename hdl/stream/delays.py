"""Registers in a row."""

from typing import Any

from amaranth.hdl import Module, Signal


def later(m: Module, value: Any, name: str, clocks: int = 1, guarded: bool = False) -> Any:
    """A value some clocks later; what only comes with a valid one needs no reset."""
    for number in range(clocks):
        register = Signal.like(value, name=f"{name}_{number}", reset_less=not guarded)
        m.d.sync += register.eq(value)
        value = register
    return value
