"""Result of learning in the array: accuracies, pulses with their energy and time, and files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import npz_bytes
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.learn.array_network import ArrayNetwork
from allspin.host.learn.parameters import ArrayParameters
from allspin.host.learn.symmetry import asymmetry, symmetry_point
from allspin.host.learn.training import Mark
from allspin.host.train.trained import Trained
from allspin.sim.device.device import Device
from allspin.sim.files import write_atomically
from allspin.sim.programming.counts import (
    Counts,
)

AT_BOUND = 0.005
"""Share of the range within which R_AH counts as at an end."""
IGNORED = (
    "amplifier_gain",
    "amplifier_offset",
    "converter_gain",
    "converter_offset",
    "hall_offset",
    "reference",
    "drifts",
    "decays",
)
"""Imperfections that learning ignores."""


def curve_records(curve: list[Mark]) -> list[dict[str, Any]]:
    """Return a learning curve in the form of a network's provenance and of charts."""
    return [
        {"phase": "array", "loss": round(loss, 6), "validation_accuracy": accuracy}
        for _, loss, accuracy in curve
    ]


def ignored_parts(device: Device, parameters: ArrayParameters) -> list[str]:
    """Return the parts of a device file that learning ignores."""
    imperfections = device.imperfections
    names = [name for name in IGNORED if getattr(imperfections, name)]
    if device.neuron_variation != parameters.neuron_variation:
        names.append("neuron_variation")
    if imperfections.reference_column == "written":
        names.append("reference_column")
    if device.array.reading != "ideal":
        names.append("array")
    return names


def learning_facts(network: ArrayNetwork) -> dict[str, Any]:
    """Return the pulses of a learning, their energy and time, and the state of the devices."""
    devices = network.devices
    synapse = devices[0].synapse
    device = network.parameters.device
    counts = network.pulse_counts
    stored = np.concatenate([each.stored.ravel() for each in devices])
    distance = np.minimum(stored - synapse.low, synapse.high - stored)
    total = Counts(
        cells=stored.size,
        potentiation=sum(each.widths[0] for each in devices),
        depression=sum(each.widths[1] for each in devices),
        pulses=int(counts.sum()),
        saturations=sum(each.saturations for each in devices),
    )
    point = symmetry_point(synapse)
    return {
        "pulses": total.pulses,
        "saturations": total.saturations,
        "pulses_per_device": float(counts.mean()),
        "most_pulses": int(counts.max()),
        "energy": device and total.energy(device.electrical),
        "pulse_time": device and total.time(device.electrical),
        "at_bounds": float(np.mean(distance <= AT_BOUND * synapse.span)),
        "asymmetry": asymmetry(synapse),
        "symmetry_point": None if point is None else (point - synapse.low) / synapse.span,
        "left_out": [] if device is None else ignored_parts(device, network.parameters),
    }


@dataclass(frozen=True, eq=False, kw_only=True)
class Learnt(Trained):
    """Result of learning in the array; `network` holds it in whole numbers.

    Attributes
    ----------
    array_accuracy : float
        Share of the test images that the chip that learnt classifies correctly.
    chip_accuracy : float or None
        The same of another chip, programmed open loop with the states, by the golden model. None
        without a device, if weights are pairs, or if the device's states are not addressable.
    curve : list of (int, float, float)
        The learning curve: see `allspin.host.learn.training.Mark`.
    classes : ndarray of int64, shape (test images,)
        Classes of the test images, by the chip that learnt.
    facts : dict
        Pulses, energy and time, R_AH at the ends of the range, and symmetry of the device.
    pulse_counts : ndarray of uint32
        Pulses that each device got.
    cells : dict of str to ndarray
        The chip that learnt, in the form that ``allspin run --measured`` takes: layer, row, column
        and R_AH of each cell as it is read. Empty without a device, or if weights are pairs.
    """

    array_accuracy: float
    chip_accuracy: float | None
    curve: list[Mark]
    classes: npt.NDArray[np.int64]
    facts: dict[str, Any]
    pulse_counts: npt.NDArray[np.uint32]
    cells: dict[str, npt.NDArray[Any]]

    def plot(self) -> Any:
        """Draw the learning curve."""
        # Pictures need Matplotlib, which training does not load.
        from allspin.host.charts.learning_curve import learning_curve

        return learning_curve(curve_records(self.curve), None, self.array_accuracy)

    def write(self, folder: Path, style: PictureStyle = SCREEN) -> None:
        """Write learning curve and pulses per device, as CSV files and pictures, and the cells.

        Parameters
        ----------
        folder : Path
            Folder, which is made.
        style : PictureStyle
            Formats, size and style of the pictures.

        Raises
        ------
        UserError
            If a file cannot be written.
        """
        from allspin.host.charts.learning_curve import pulse_histogram
        from allspin.host.draw.picture_files import save_picture

        make_folder(folder)
        _write_table(folder / "learning.csv", "images,loss_nats,test_accuracy", self.curve)
        pulses, devices = np.unique(self.pulse_counts, return_counts=True)
        histogram = zip(pulses.tolist(), devices.tolist(), strict=True)
        _write_table(folder / "pulses.csv", "pulses,devices", list(histogram))
        if self.cells:
            write_atomically(folder / "cells.npz", npz_bytes(self.cells))
        save_picture(self.plot(), folder, "learning", style)
        save_picture(pulse_histogram(self.pulse_counts), folder, "pulses", style)


def _write_table(path: Path, header: str, rows: list[Any]) -> None:
    """Write a CSV file of numbers."""
    lines = [header]
    for row in rows:
        lines.append(",".join(f"{value:.8g}" for value in row))
    lines.append("")
    write_atomically(path, "\n".join(lines).encode())
