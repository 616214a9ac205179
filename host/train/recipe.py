"""Recipe files: options of a training in TOML."""

import reprlib
from pathlib import Path
from typing import Any

from allspin.host.data.catalogue import shipped_devices
from allspin.sim.errors import refused
from allspin.sim.files import read_text
from allspin.sim.plain_values import MAX_TOML, parse_toml

KEYS: dict[str, type] = {
    "states": int,
    "hidden": list,
    "neuron": str,
    "pixel_bits": int,
    "hidden_bits": int,
    "rah_bits": int,
    "noise": float,
    "augment": str,
    "rate": float,
    "batch": int,
    "device": str,
    "at": str,
    "level_choice": str,
    "polarity": str,
    "robust": str,
    "tile_rows": int,
    "adc_bits": int,
    "straight_through": bool,
    "conv": str,
    "neuron_per": str,
    "epochs": int,
    "seed": int,
    "data": str,
    "in_array": bool,
    "update": str,
    "rounding": str,
    "threshold": float,
    "momentum": float,
    "reference": str,
    "pair": bool,
}
"""Keys of a recipe file, options of ``train`` and ``learn`` with underscores, and their types."""
TYPE_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list of whole numbers",
    bool: "true or false",
}


def read_recipe(path: Path) -> dict[str, Any]:
    """Read the options of a training from a TOML file; ``docs/formats.md`` lists them.

    Parameters
    ----------
    path : Path
        The file. Paths in it are relative to its folder.

    Returns
    -------
    dict
        Values by key, of `KEYS`: ``data`` as a Path, ``device`` as the name of a device that ships
        or a path.

    Raises
    ------
    UserError
        If the file cannot be read, is not TOML, or has an unknown key or a value of another type.
    """
    text = read_text(path, "recipe", MAX_TOML)
    with refused(f"{path} is not a recipe: "):
        values = parse_toml(text)
        for key, value in values.items():
            _check(key, value)
    if "data" in values:
        values["data"] = path.parent / values["data"]
    if "device" in values and values["device"] not in shipped_devices():
        values["device"] = str(path.parent / values["device"])
    return values


def _check(key: str, value: object) -> None:
    """Raise unless a key is known and its value has the right type."""
    if key not in KEYS:
        known = ", ".join(KEYS)
        raise ValueError(f"it has the unknown key {reprlib.repr(key)}; keys are {known}")
    kind = KEYS[key]
    fits = type(value) is kind or (kind is float and type(value) is int)
    if isinstance(value, list):
        fits = fits and {type(width) for width in value} <= {int}
    if not fits:
        raise ValueError(f"{key} must be {TYPE_NAMES[kind]}, not {reprlib.repr(value)}")
