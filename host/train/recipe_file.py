"""A recipe file: the options of ``train``, in TOML.

Its keys are the options' names with underscores; ``docs/formats.md`` lists them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from allspin.host.data.catalogue import shipped_devices
from allspin.host.data.datasets import Dataset
from allspin.host.train.parameters import (
    DEFAULT_AUGMENTATION,
    RATE,
    TrainingParameters,
)
from allspin.sim.errors import UserError
from allspin.sim.files import MAX_TOML, parse_toml, read_text

# What a network's file says of its training.

RECIPE = 1
"""Version of the recipe: it changes when the same options give another network."""
UNSAID = {"augment": DEFAULT_AUGMENTATION, "rate": RATE}
"""Options that a network's file leaves out where they have these values."""


def provenance_of(parameters: TrainingParameters, dataset: Dataset) -> dict[str, Any]:
    """What a network's file says of its training: all that differs from `UNSAID`, and more."""
    options = parameters.options(dataset)
    unsaid = UNSAID | ({"batch": options["batch"]} if parameters.batch is None else {})
    return {
        "command": "train",
        "recipe": RECIPE,
        "options": {
            name: value
            for name, value in options.items()
            if name not in unsaid or value != unsaid[name]
        },
    }


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return _whole(value) or isinstance(value, float)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _switch(value: object) -> bool:
    return isinstance(value, bool)


def _widths(value: object) -> bool:
    return isinstance(value, list) and all(map(_whole, value))


KINDS: dict[str, Callable[[object], bool]] = {
    "a whole number": _whole,
    "a number": _number,
    "a text": _text,
    "a list of whole numbers": _widths,
    "true or false": _switch,
}
"""What a key's value may be, in words, and what tells it."""
KEYS = {
    "states": "a whole number",
    "hidden": "a list of whole numbers",
    "neuron": "a text",
    "pixel_bits": "a whole number",
    "hidden_bits": "a whole number",
    "rah_bits": "a whole number",
    "noise": "a number",
    "augment": "a text",
    "rate": "a number",
    "batch": "a whole number",
    "device": "a text",
    "at": "a text",
    "level_choice": "a text",
    "polarity": "a text",
    "robust": "a text",
    "tile_rows": "a whole number",
    "adc_bits": "a whole number",
    "epochs": "a whole number",
    "seed": "a whole number",
    "data": "a text",
    "in_array": "true or false",
}
"""Keys of a recipe file, and what their values are."""
SHOWN = 40
"""Characters of a key or value that a message shows."""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _check(values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key not in KEYS:
            raise ValueError(f"it has the unknown key {_short(key)}; keys are {', '.join(KEYS)}")
        if not KINDS[KEYS[key]](value):
            raise ValueError(f"{key} must be {KEYS[key]}, not {_short(value)}")


def read_recipe(path: Path) -> dict[str, Any]:
    """Options of a training that a file holds.

    Parameters
    ----------
    path : Path
        The file. Paths in it count from its folder.

    Returns
    -------
    dict
        Some of `KEYS`: ``hidden`` as a tuple, ``data`` as a Path, ``device`` as the name of one
        that ships or a path.

    Raises
    ------
    UserError
        If the file cannot be read, is no TOML, or has a key or a type of value that no recipe has.
    """
    text = read_text(path, "recipe", MAX_TOML)
    try:
        values = parse_toml(text)
        _check(values)
    except ValueError as error:
        raise UserError(f"{path} is not a recipe: {error}") from error
    if "hidden" in values:
        values["hidden"] = tuple(values["hidden"])
    if "data" in values:
        values["data"] = path.parent / values["data"]
    if "device" in values and values["device"] not in shipped_devices():
        values["device"] = str(path.parent / values["device"])
    return values
