"""Command that trained a network, from the provenance in its file."""

import shlex
from collections.abc import Mapping
from typing import Any

from allspin.host.data.catalogue import open_device, shipped_devices
from allspin.host.train.parameters import DEFAULT_NEURON, TrainingParameters
from allspin.host.train.training_options import USUAL, Robustness

TRAIN_OPTIONS = (
    *("states", "hidden", "neuron", "pixel_bits", "hidden_bits", "rah_bits", "noise", "augment"),
    *("rate", "batch", "tile_rows", "adc_bits", "epochs", "seed", "device", "at"),
    *("levels", "polarity", "update", "rounding", "threshold", "momentum", "reference", "pair"),
    *("straight_through", "conv", "neuron_per"),
)
"""Options of ``train`` in a network's provenance."""
FLAGS = {"levels": "level_choice"}
"""Options of another name on the command line."""
DEFAULTS: dict[str, Any] = {
    **vars(TrainingParameters()),
    "noise": 0.0,
    "hidden": list(TrainingParameters().hidden),
    "levels": "nearest",
    "polarity": "quieter",
}
"""Values that the command line leaves out."""


def train_command(
    provenance: Mapping[str, Any], name: str, files: Mapping[str, str] | None = None
) -> str | None:
    """Return the command that trained a network, as far as its file tells.

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
    str or None
        None if ``allspin train`` did not make the network, or the file of its device is unknown.
    """
    options = provenance.get("options")
    files = files or {}
    if provenance.get("command") != "train" or not isinstance(options, Mapping):
        return None
    device = options.get("device")
    if isinstance(device, str) and device not in shipped_devices():
        if device not in files:
            return None
        options = {**options, "device": files[device]}
    in_array = options.get("in_array") is True
    # Learning in the array has other defaults: all its values are stated.
    usual = {} if in_array else _usual_values(options)
    words = ["allspin", "train", *(["--in-array"] if in_array else []), *_robust_words(options)]
    for key in TRAIN_OPTIONS:
        value = options.get(key)
        if value is None or (value == usual.get(key) and key != "states"):
            continue
        words += _option_words(FLAGS.get(key, key), value)
    data = provenance.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("name"), str) and data["name"] != "mnist":
        words += ["--data", files.get(data["name"], data["name"])]
    return shlex.join([*words, "-o", f"{name}.safetensors"])


def _usual_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that the command line leaves out beside these options."""
    usual = DEFAULTS | {"neuron": _usual_neuron(options.get("device"))}
    if options.get("conv"):
        usual["hidden"] = []
    if isinstance(options.get("robust"), str):
        usual["epochs"] = Robustness.EPOCHS
    return usual


def _usual_neuron(device: object) -> str | None:
    """Return the neuron that ``train`` takes by default; None if only the user's file tells."""
    if isinstance(device, str) and device in shipped_devices():
        return open_device(device).neuron.name
    return DEFAULT_NEURON if device is None else None


def _robust_words(options: Mapping[str, Any]) -> list[str]:
    robust = options.get("robust")
    if not isinstance(robust, str):
        return []
    return ["--robust"] if robust == USUAL else ["--robust", robust]


def _option_words(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        return [flag]
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return [flag, str(value)]
