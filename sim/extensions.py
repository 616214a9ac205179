"""Kinds of neurons and synapses of the user's own: where they come from, and what is said without.

The files are loaded by `allspin.host.data.extensions`.
"""

from collections.abc import Iterable
from typing import Self

from allspin.sim.errors import not_one_of

VARIABLE = "ALLSPIN_EXTENSIONS"
"""Environment variable that names files ``*.py`` or modules, separated as in PATH."""


class UnknownKind(ValueError):
    """A kind that nobody has registered."""

    @classmethod
    def named(cls, what: str, known: Iterable[str], kind: object) -> Self:
        """The error that says so.

        Parameters
        ----------
        what : str
            What there are kinds of, such as ``neuron``.
        known : iterable of str
            The kinds that are registered.
        kind : object
            What was named in their place.
        """
        return cls(
            f"{not_one_of(what, kind, sorted(known))}; a kind of your own is registered by a file "
            f"that {VARIABLE} names"
        )
