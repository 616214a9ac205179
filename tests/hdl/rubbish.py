"""Memories that lie where block RAM may: a word that is read while it is written is rubbish."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.memory import Memory

HINT = "no_rw_check"
"""Attributes that promise that such a word is never used."""


def _lying(elaborate: Callable[..., Any]) -> Callable[..., Any]:
    def elaborated(self: Memory, platform: object) -> Any:
        memory: Any = elaborate(self, platform)
        # The read of look-up tables has no clock: it gives the old word, with or without the
        # promise.
        in_tables = memory._attrs.get("ram_style") == "distributed"
        if HINT not in memory._attrs or in_tables or not memory._write_ports:
            return memory
        m = Module()
        m.submodules.memory = memory
        for number, port in enumerate(memory._read_ports):
            assert port._domain == "comb"  # the register is behind it
            stored = Signal(len(port._data), name=f"stored_{number}")
            written = Cat(
                one._en.any() & (one._addr == port._addr) for one in memory._write_ports
            ).any()
            # No bit is the old one; nor is one always the new one.
            m.d.comb += port._data.eq(stored ^ written.replicate(len(stored)))
            port._data = stored
        return m

    return elaborated


@contextmanager
def rubbish() -> Iterator[None]:
    """Elaborate with such memories in place of all that make the promise."""
    with patch.object(Memory, "elaborate", _lying(Memory.elaborate)):
        yield
