"""What every block is: its ports are declared once, in the signature that it gives."""

from typing import TYPE_CHECKING, Any

from amaranth.lib import wiring


class Component(wiring.Component):
    """A block; its docstring says what it is, and comments in its signature what its ports are."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A port: the signature makes it, so a type checker cannot know it."""
