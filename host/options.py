"""Annotations of options: how a command line reads a parameter, besides its name, type and text."""

from collections.abc import Callable
from glob import glob
from importlib import import_module
from typing import Any

from cyclopts import Group, Parameter

from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Parameters

FLAT = Parameter(name="*")
"""Read each field of an object as an option of its own. Where the default is None, the object is
made only if one of these options is given, and a field without a default is then required."""
HIDDEN = Parameter(parse=False)
"""Leave a parameter to callers in Python."""
RECIPE_GROUP = Group("recipe")
IN_RECIPE = Parameter(parse=False, group=RECIPE_GROUP)
"""Read a parameter from a recipe file only: it has a key there, and no option."""
SEVERAL = Parameter(consume_multiple=True)
"""Read all words up to the next option."""


class Options(Parameters):
    """Dataclass of options, whose messages have the names of parameters between backticks."""

    def called(self, name: str) -> str:
        """Return the name as `allspin.host.cli.command.perform` looks for it."""
        return f"`{name}`"


def parsed(read: Callable[[str], Any], metavar: str, **more: Any) -> Parameter:
    """Read one word by a function.

    Parameters
    ----------
    read : callable
        Makes the value, or raises ValueError with the reason.
    metavar : str
        Name of the word in help.
    **more
        Further settings of `cyclopts.Parameter`.
    """

    def convert(_: Any, tokens: Any) -> Any:
        if len(tokens) > 1:
            raise ValueError(f"{tokens[0].keyword} is given several times")
        return read(tokens[0].value)

    return Parameter(converter=convert, accepts_keys=False, n_tokens=1, metavar=metavar, **more)


def parsed_together(read: Callable[[list[str]], Any], metavar: str, **more: Any) -> Parameter:
    """Read the words of an option that may be given again, all by one call of a function."""

    def convert(_: Any, tokens: Any) -> Any:
        return read([token.value for token in tokens])

    return Parameter(
        converter=convert,
        accepts_keys=False,
        n_tokens=1,
        allow_repeating=True,
        metavar=metavar,
        **more,
    )


def names_or_files(module: str, names: str) -> Callable[[Any], list[str]]:
    """Return a function that tells a shell the words for an option: names and files.

    Parameters
    ----------
    module, names : str
        Module below `allspin.host`, which is imported when a shell asks, and its object that has
        the names, or the function that returns them.
    """

    def candidates(context: Any) -> list[str]:
        found = getattr(import_module(f"allspin.host.{module}"), names)
        known: Any = found() if callable(found) else found
        return [*known, *glob(f"{context.incomplete}*")]

    return candidates


NETWORK = Parameter(metavar="NET", completer=names_or_files("data.catalogue", "shipped_networks"))
DEVICE = parsed(
    str, "DEVICE[@POINT]", completer=names_or_files("data.catalogue", "shipped_devices")
)
MACHINE = Parameter(metavar="MACHINE", completer=lambda _: ["golden", "virtual", "auto"])
BOARD_MACHINE = Parameter(metavar="MACHINE", completer=lambda _: ["virtual", "auto"])
"""Machine that has a board."""


TILES = parsed(
    Tiles.parse,
    "ROWS[:BITS]",
    name="--tiles",
    help="Tiles that the columns are cut into: rows of a tile, a power of two from 8 to 65536, "
    "and bits of its converters, 2 to 24, such as 128:5; 128 has converters that lose nothing, "
    ":5 tiles of whole columns. Uncut, or as the network is, unless given",
)


def megahertz(text: str) -> float:
    """Read a frequency in MHz, and return it in Hz."""
    return 1e6 * float(text)


def listed(text: str) -> tuple[str, ...]:
    """Read the words of a list with commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
