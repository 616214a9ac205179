"""Commands that trained a network, from the provenance in its file."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from allspin.host.data.catalogue import open_device, shipped_devices
from allspin.host.learn.parameters import CYCLE_DEVIATION, LearnParameters, LearnRule
from allspin.host.train.parameters import DEFAULT_NEURON, TrainingParameters
from allspin.host.train.training_options import Robustness

OPTIONS = (
    *("states", "hidden", "neuron", "pixel_bits", "hidden_bits", "noise", "augment", "rate"),
    *("tiles", "epochs", "seed", "device", "robust", "conv", "update"),
)
"""Options of ``train`` and ``learn`` in a network's provenance."""
RECIPE_KEYS = (
    *("rah_bits", "batch", "level_choice", "polarity", "straight_through", "neuron_per"),
    *("rounding", "threshold", "momentum", "reference", "pair"),
)
"""Values in it that these commands read from a recipe."""
DEFAULTS: dict[str, Any] = {
    **vars(TrainingParameters()),
    "noise": 0.0,
    "hidden": list(TrainingParameters().hidden),
    "level_choice": "nearest",
    "polarity": "quieter",
}
"""Values that ``train`` takes where it is given no others."""
LEARN_DEFAULTS: dict[str, Any] = {
    **vars(LearnParameters()),
    **vars(LearnRule()),
    "hidden": list(LearnParameters().hidden),
    "level_choice": "nearest",
    "polarity": "quieter",
    "augment": "none",
}
"""Values that ``learn`` takes where it is given no others."""


def train_commands(
    provenance: Mapping[str, Any], name: str, files: Mapping[str, str] | None = None
) -> list[str]:
    """Return the commands that trained a network, as far as its file tells.

    Parameters
    ----------
    provenance : mapping
        Provenance of the network.
    name : str
        File for the network, without suffix.
    files : mapping of str to str, optional
        Files of devices and data sets by their names in the provenance.

    Returns
    -------
    list of str
        The command; before it one that writes its recipe, if it needs one. Empty if allspin did
        not train the network, or the file of its device is unknown.
    """
    options = provenance.get("options")
    files = files or {}
    if provenance.get("command") != "train" or not isinstance(options, Mapping):
        return []
    device = options.get("device")
    if isinstance(device, str) and device not in shipped_devices():
        if device not in files:
            return []
        options = {**options, "device": files[device]}
    learns = options.get("in_array") is True
    usual = _usual_when_learning(options) if learns else _usual_when_training(options)
    renamed = _renamed(options)
    given = {
        key: value
        for key in (*OPTIONS, *RECIPE_KEYS)
        if (value := renamed.get(key)) is not None and (value != usual.get(key) or key == "states")
    }
    words = ["allspin", "learn" if learns else "train"]
    for key in OPTIONS:
        if key in given:
            words += _option_words(key, given[key])
    data = provenance.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("name"), str) and data["name"] != "mnist":
        words += ["--data", files.get(data["name"], data["name"])]
    recipe = [f"{key} = {json.dumps(given[key])}" for key in RECIPE_KEYS if key in given]
    if recipe:
        words += ["--recipe", f"{name}-recipe.toml"]
    commands = [shlex.join([*words, "-o", f"{name}.safetensors"])]
    if recipe:
        printed = shlex.join(["printf", r"%s\n", *recipe])
        commands.insert(0, f"{printed} > {shlex.quote(f'{name}-recipe.toml')}")
    return commands


def _renamed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by the names that the command line has."""
    renamed = dict(options)
    if "levels" in options:
        renamed["level_choice"] = options["levels"]
    if "device" in options and "at" in options:
        renamed["device"] = f"{options['device']}@{options['at']}"
    if "tile_rows" in options and "adc_bits" in options:
        renamed["tiles"] = f"{options['tile_rows']}:{options['adc_bits']}"
    return renamed


def _usual_when_training(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that ``train`` takes beside these options."""
    usual = DEFAULTS | {"neuron": _usual_neuron(options.get("device"))}
    if options.get("conv"):
        usual["hidden"] = []
    if isinstance(options.get("robust"), str):
        usual["epochs"] = Robustness.EPOCHS
    return usual


def _usual_when_learning(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that ``learn`` takes beside these options."""
    noise = CYCLE_DEVIATION if options.get("device") is None else None
    return LEARN_DEFAULTS | {"neuron": _usual_neuron(options.get("device")), "noise": noise}


def _usual_neuron(device: object) -> str | None:
    """Return the neuron that ``train`` takes by default; None if only the user's file tells."""
    if isinstance(device, str) and device in shipped_devices():
        return open_device(device).neuron.name
    return DEFAULT_NEURON if device is None else None


def _option_words(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return [flag]
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return [flag, str(value)]
