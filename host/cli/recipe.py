"""Recipe files: TOML with the values of parameters that are not on the command line."""

import re
import reprlib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclopts import Parameter, Token
from cyclopts.argument import Argument, ArgumentCollection

from allspin.host.data.catalogue import shipped_devices
from allspin.host.options import RECIPE_GROUP
from allspin.sim.errors import meant, refused
from allspin.sim.files import read_text
from allspin.sim.plain_values import MAX_TOML, parse_toml

OPTION = "--recipe"
PARAMETER = re.compile(r"`(\w+)`|^(\w+)(?= must )")
"""Name of a parameter in a message: between backticks, or before "must"."""
WITHOUT_KEY = (
    "explain",
    "force",
    "json",
    "output",
    "pictures",
    "quick",
    "recipe",
    "style",
    "watch",
)
"""Options about the output of a command, which a recipe cannot have."""
DEVICES = ("base", "device")
"""Keys that name a shipped device or a device file."""
KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
}
"""Types of values in TOML, and their names in messages."""


def only_in_recipe(argument: Argument) -> bool:
    """Return True if a parameter has a key in recipes, and no option."""
    groups: Any = argument.parameter.group  # a tuple, once cyclopts has collected arguments
    return not argument.parse and RECIPE_GROUP in (groups or ())


def recipe_key(argument: Argument) -> str:
    """Return the key of a parameter in a recipe: its option's name with underscores."""
    return argument.names[0].removeprefix("--").replace("-", "_")


def recipe_arguments(arguments: ArgumentCollection) -> dict[str, Argument]:
    """Return the parameters that a recipe can have, by their keys."""
    known = {}
    for argument in arguments:
        leaf = argument.index is None and not argument.children
        if leaf and (argument.parse or only_in_recipe(argument)):
            known[recipe_key(argument)] = argument
    for key in WITHOUT_KEY:
        known.pop(key, None)
    return known


class Recipe:
    """Recipe of a command line; cyclopts calls it before it converts the words to values.

    Attributes
    ----------
    path : Path or None
        Recipe file, if the command line names one.
    given : dict of str to str
        Keys in the file, by the names of their parameters.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self.given: dict[str, str] = {}

    def __call__(self, _: Any, __: Any, arguments: ArgumentCollection) -> None:
        """Give parameters the values of the file.

        Raises
        ------
        UserError
            If the file cannot be read, or it has an unknown key or a value of a wrong type.
        """
        tokens = [each.tokens for each in arguments if OPTION in each.names]
        if not tokens or not tokens[0]:
            return
        self.path = Path(tokens[0][-1].value)
        values = _read(self.path)
        if any("--quick" in each.names and each.tokens for each in arguments):
            values.pop("epochs", None)  # seconds are to do
        known = recipe_arguments(arguments)
        if "tiles" in known:
            _join_tiles(values)
        for key, value in values.items():
            with refused(f"{self.path} is not a recipe: "):
                self._give(known, key, value)

    def at_fault(self, message: str) -> bool:
        """Return True if a message names a parameter whose value comes from the file."""
        return any((match[1] or match[2]) in self.given for match in PARAMETER.finditer(message))

    def _give(self, known: Mapping[str, Argument], key: str, value: Any) -> None:
        """Give a parameter its value, unless the command line has one."""
        if key not in known:
            raise ValueError(
                f"it has the unknown key {reprlib.repr(key)}{meant(key, known)}; keys are "
                f"{', '.join(known)}"
            )
        argument = known[key]
        words = _words(argument, key, value)
        if argument.tokens:
            return
        self.given[argument.field_info.name] = key
        # Only options are parsed, so a key without an option has to be marked.
        argument.parameter = Parameter.combine(argument.parameter, Parameter(parse=True))
        source = str(self.path)
        if value is True:
            argument.append(Token(keyword=key, source=source, implicit_value=True))
        for index, word in enumerate(words):
            path = argument.resolved_hint is Path
            if path or (key in DEVICES and word.partition("@")[0] not in shipped_devices()):
                word = str(typing.cast(Path, self.path).parent / word)
            argument.append(Token(keyword=key, value=word, source=source, index=index))


def _read(path: Path) -> dict[str, Any]:
    """Return the values of a recipe file, unchecked."""
    text = read_text(path, "recipe", MAX_TOML)
    with refused(f"{path} is not a recipe: "):
        return parse_toml(text)


def _join_tiles(values: dict[str, Any]) -> None:
    """Replace the keys ``tile_rows`` and ``adc_bits`` by ``tiles``, which has both."""
    rows = values.pop("tile_rows", None)
    bits = values.pop("adc_bits", None)
    if rows is not None or bits is not None:
        values["tiles"] = f"{'' if rows is None else rows}{'' if bits is None else f':{bits}'}"


def _words(argument: Argument, key: str, value: Any) -> list[str]:
    """Return a value as words of a command line; true and false have no words.

    Raises
    ------
    ValueError
        If the value has not the type of the parameter.
    """
    kinds = _kinds(argument)
    fits = type(value) in kinds or (float in kinds and type(value) is int)
    if isinstance(value, list):
        fits = fits and {type(each) for each in value} <= {int, float, str}
    if not fits:
        known = " or ".join(KINDS[kind] for kind in kinds)
        raise ValueError(f"{key} must be {known}, not {reprlib.repr(value)}")
    if isinstance(value, bool):
        return []
    if not isinstance(value, list):
        return [str(value)]
    words = [str(each) for each in value]
    repeated = argument.parameter.converter is None or argument.parameter.allow_repeating
    return words if repeated else [",".join(words)]


def _kinds(argument: Argument) -> list[type]:
    """Return the types in TOML that a parameter's value may have."""
    if argument.is_flag():
        return [bool]
    hint = argument.resolved_hint
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = typing.get_args(hint)[0]
    converted = argument.parameter.converter is not None
    if hint is int:
        return [int]
    if hint is float:
        return [float, str] if converted else [float]
    if typing.get_origin(hint) is tuple or argument.parameter.allow_repeating:
        return [list, str] if converted else [list]
    return [str]
