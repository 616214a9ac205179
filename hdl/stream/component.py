"""Base class of all blocks."""

from typing import TYPE_CHECKING, Any

from amaranth.hdl import Module
from amaranth.lib import wiring


class Component(wiring.Component):
    """Base class of all blocks: the constructor names the ports, and `build` fills the module."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return a port: the signature makes it, so a type checker cannot know it."""

    def elaborate(self, platform: object) -> Module:
        """Return the block's module, for Amaranth."""
        m = Module()
        self.build(m, platform)
        return m

    def build(self, m: Module, platform: object) -> None:
        """Add the block's logic to its module; every block has its own."""
        raise NotImplementedError
