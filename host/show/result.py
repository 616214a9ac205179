"""Results of commands: one class, from which every form of a result is rendered.

A result states its quantities once, in `Result.tables`, with their units. A terminal, TSV, a
notebook's card and a report are made from these tables by the renderers of `host/show` and
`host/draw`; JSON is `Result.to_dict`, a picture `Result.plot`.
"""

from collections.abc import Sequence
from typing import Any

from allspin.host.show.table import Table
from allspin.sim.parameters import Shown


class Result(Shown):
    """Result of a command.

    Subclasses are dataclasses. Those with a picture define `plot`.
    """

    def tables(self) -> Sequence[Table]:
        """Return the quantities as tables."""
        raise NotImplementedError

    def notes(self) -> Sequence[str]:
        """Return lines for below the tables, such as the readings of the paper's text."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--json`` prints."""
        raise NotImplementedError

    def card_tables(self) -> Sequence[Table]:
        """Return the tables of a notebook's card, which has less room than a terminal."""
        return self.tables()

    def has_picture(self) -> bool:
        """Return True if a card shows the picture that `plot` draws."""
        return type(self).plot is not Shown.plot
