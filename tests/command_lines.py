"""Command lines that are read as `allspin` reads them, and not run."""

from collections.abc import Sequence
from typing import Any

from cyclopts.argument import ArgumentCollection

from allspin.host.cli.command import check_words, command_app
from allspin.host.cli.recipe import Recipe


def read_options(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Return the values of the options that are given, by option.

    Options of an object are read each by itself. No object is made of them, so that files that
    are named, recipes too, need not exist.
    """
    values = {}

    def keep(_: Any, __: Any, arguments: ArgumentCollection) -> None:
        for argument in arguments:
            if argument.tokens:
                values[argument.name] = argument.convert()
            if argument.keys:
                argument.tokens.clear()

    app = command_app(name, Recipe())
    app.config = (check_words, keep)
    app.parse_args(list(words), exit_on_error=False, print_error=False)
    return values
