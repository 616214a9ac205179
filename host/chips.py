"""A network's accuracy over many chips, programmed one way or another."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from sim.calibration import calibrate
from sim.chip import Chip
from sim.device import Device
from sim.network import Network
from sim.neuron_device import NeuronVariation
from sim.programming import Counts, Programming, program_chip
from sim.synapse import CycleVariation, DeviceVariation

VARIATIONS = {
    "c2c": "the synapse's C2C",
    "d2d": "the synapse's D2D",
    "neuron": "the neuron's D2D and C2C",
}
"""Variations of a device that can be told apart."""


def only(device: Device, variations: Iterable[str]) -> Device:
    """A device with some of its variations, the others off.

    Parameters
    ----------
    device : Device
        The device; its imperfections stay as they are.
    variations : iterable of str
        Those of `VARIATIONS` that stay on.

    Raises
    ------
    ValueError
        If there is no such variation, or a measured table's is to be turned off.
    """
    kept = set(variations)
    for name in kept - set(VARIATIONS):
        raise ValueError(f"a variation must be one of {', '.join(VARIATIONS)}, not {name!r}")
    synapse: object = device.synapse
    changes: dict[str, object] = {}
    if "c2c" not in kept:
        changes["c2c"] = CycleVariation()
    if "d2d" not in kept:
        changes["d2d"] = DeviceVariation()
    if changes:
        if not {"c2c", "d2d"} <= {field.name for field in dataclasses.fields(synapse)}:  # type: ignore[arg-type]
            raise ValueError("a measured table's variations cannot be turned off one by one")
        synapse = dataclasses.replace(synapse, **changes)  # type: ignore[type-var]
    neuron = device.neuron_variation if "neuron" in kept else NeuronVariation()
    return dataclasses.replace(device, synapse=synapse, neuron_variation=neuron)


def accuracy_over_chips(
    network: Network,
    device: Device,
    seeds: Iterable[int],
    programming: Programming,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    *,
    calibrated: bool = False,
    report: Callable[[int, float, Counts], None] = lambda seed, accuracy, counts: None,
) -> npt.NDArray[np.float64]:
    """Accuracy of a network on each of some chips.

    Parameters
    ----------
    network : Network
        The network.
    device : Device
        What the chips are made of; `only` leaves out some of its variation.
    seeds : iterable of int
        The chips.
    programming : Programming
        How each is programmed.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    calibrated : bool
        Whether the thresholds of each chip's neurons are calibrated.
    report : callable
        Told each chip's seed, accuracy and what programming took, as soon as it is known.

    Returns
    -------
    ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.
    """
    shares = []
    for seed in seeds:
        chip = Chip(device, seed)
        programmed = program_chip(chip, network, programming)
        here = calibrate(chip, network).network if calibrated else network
        model = chip.golden(here, programmed.words)
        shares.append(float(np.mean(model.classify(images) == labels)))
        report(seed, shares[-1], programmed.counts)
    return np.array(shares)
