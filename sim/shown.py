"""How a model shows itself in a notebook, without knowing what draws it."""

from collections.abc import Callable
from typing import Any, ClassVar


def _nothing(shown: object) -> None:
    """No card: a notebook then shows the model's `repr`."""


class Shown:
    """A model that a notebook shows as a card.

    Attributes
    ----------
    card : callable
        Makes the HTML. `allspin/__init__.py` sets it for all models at once, when a name of the
        package is first asked for, or `allspin.host.draw.cards` where that is imported.
    """

    card: ClassVar[Callable[[Any], str | None]] = staticmethod(_nothing)

    def _repr_html_(self) -> str | None:
        return Shown.card(self)
