"""Hidden neurons in training: a column's sum in, an activation in the same unit out."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.cells.array import UNIT
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.network.neuron_kind import Neuron

Array = npt.NDArray[np.float32]

FINE = 4096
"""Entries of the tables that stand for the response and its slope."""


class Hidden(Protocol):
    """A layer of hidden neurons."""

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Activations and slopes of one use of each neuron.

        Parameters
        ----------
        sums : ndarray of float32, shape (images, columns)
            Column sums.
        rng : numpy.random.Generator
            Cycle-to-cycle deviations.

        Returns
        -------
        activations, slopes : ndarray of float32, shape (images, columns)
        """
        ...


class ReluHidden:
    """The ideal ReLU, in software."""

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """See `Hidden.forward`."""
        return np.maximum(sums, 0), (sums > 0).astype(np.float32)


class SotHidden:
    """SOT neurons behind their V-I converters, each a device of the chip.

    The arithmetic is that of `allspin.sim.device.neuron_device.NeuronVariation.respond`, with the
    response from a table. Slopes, for learning, are those of the device's own curve.

    Parameters
    ----------
    neuron : Neuron
        The mean device.
    variation : NeuronVariation
        How devices and uses differ.
    full_scale : float
        Column sum that drives the mean device with its full-scale current.
    columns : int
        Neurons.
    chip : int
        Names the D2D draws.
    layer : int
        Which layer's neurons they are, from 0; it names the draws, too.
    """

    def __init__(
        self,
        neuron: Neuron,
        variation: NeuronVariation,
        full_scale: float,
        columns: int,
        chip: int,
        layer: int = 0,
    ) -> None:
        currents = np.arange(FINE) / (FINE - 1)
        response = neuron.response(currents)
        self._response = (response * full_scale).astype(np.float32)
        self._slope = np.gradient(response, currents).astype(np.float32)
        self._full = np.float32(full_scale)
        self._pivot = np.float32(variation.pivot(neuron))
        gain, threshold = (
            column_normals(chip, layer, purpose, columns) * UNIT
            for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
        )
        self._gain = (1 + variation.gain * gain).astype(np.float32)
        self._threshold = (variation.threshold_deviation(neuron) * threshold).astype(np.float32)
        self._use = np.float32(variation.use_deviation(neuron))

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """See `Hidden.forward`."""
        drive = self._gain * (sums / self._full - self._pivot) + self._pivot - self._threshold
        if self._use:
            drive += self._use * rng.standard_normal(drive.shape, np.float32)
        np.clip(drive, 0, 1, out=drive)
        drive *= np.float32(FINE - 1)
        place = (drive + np.float32(0.5)).astype(np.intp)
        return self._response[place], self._slope[place] * self._gain
