"""Options from a recipe file, which stand in for those that the command line does not give."""

from pathlib import Path
from typing import Any

from cyclopts import Token
from cyclopts.argument import Argument, ArgumentCollection

from allspin.host.train.recipe import (
    read_recipe,
)
from allspin.sim.errors import UserError, meant

OWN = ("output", "recipe", "json", "steps", "quick")
"""Parameters that a recipe cannot have."""


def fill_from_recipe(_: Any, __: Any, arguments: ArgumentCollection) -> None:
    """Add the values of the file that ``--recipe`` names; cyclopts calls it before it converts.

    Raises
    ------
    UserError
        If the file cannot be read, or has a key that is no option of the command.
    """
    named = {argument.names[0]: argument for argument in arguments if not argument.children}
    recipe = named["--recipe"].tokens
    if not recipe:
        return
    path = Path(recipe[0].value)
    known = {}
    for name, argument in named.items():
        key = name.removeprefix("--").replace("-", "_")
        if argument.parse and key not in OWN:
            known[key] = argument
    values = read_recipe(path)
    if named["--quick"].tokens:
        values.pop("epochs", None)  # seconds shall do
    for key, value in values.items():
        if key not in known:
            raise UserError(
                f"{path} is not a recipe: it has the unknown key {key!r}{meant(key, known)}; keys "
                f"are {', '.join(known)}"
            )
        if not known[key].tokens:
            _give(known[key], value, path)


def _give(argument: Argument, value: Any, path: Path) -> None:
    """Give an option a value of a recipe."""
    name = argument.names[0]
    if argument.is_flag():
        if not isinstance(value, bool):
            raise UserError(f"{path} is not a recipe: {name} must be true or false, not {value!r}")
        if value:
            argument.append(Token(keyword=name, source=str(path), implicit_value=True))
        return
    words = value if isinstance(value, list) else [value]
    text = ",".join(map(str, words))
    argument.append(Token(keyword=name, value=text, source=str(path)))
