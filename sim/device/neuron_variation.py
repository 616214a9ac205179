"""Variation of neurons: differences between uses (C2C) and between devices (D2D).

A neuron is reset before each use, so its history has no effect: only the current, the device's own
deviations and the deviation of this use count. All three deviations are Gaussian::

    drive = (1 + gain z_g) (i - pivot) + pivot - threshold z_t + use z_u
    R_AH  = response(drive)

i is the input current as a fraction of full scale. `response` is that of
`allspin.sim.network.neuron.SotNeuron` with its threshold, slope and saturation, or of another kind
with its knees (`allspin.sim.network.neuron_base.Neuron.knees`). The machine computes the same with
integer currents: see `allspin.sim.chip.chip`.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.network.neuron_base import Neuron
from allspin.sim.parameters import Parameters, choice, number
from allspin.sim.synapse.response import Array

GAIN_READINGS = {
    "current": "a factor on the input current: threshold and slope both move",
    "slope": "a factor on the slope, about the threshold",
}
"""Quantity that the neuron's gain deviation multiplies; the paper does not state it."""
THRESHOLD_READINGS = {
    "range": "of the input current's full scale",
    "threshold": "of the threshold itself",
    "linear": "of the current between threshold and saturation",
}
"""Quantity that the threshold deviation is a fraction of; the paper does not state it."""
USE_READINGS = {
    "current": "of the input current's full scale, on the current",
    "output": "of the range of R_AH, on the current that gives it on the linear part",
    "threshold": "of the threshold, on the current",
}
"""Quantity that the neuron's C2C is a fraction of; the paper does not state it."""


@dataclass(frozen=True)
class NeuronVariation(Parameters):
    """Variation of neurons, each figure a standard deviation, 0 to 1.

    Parameters
    ----------
    gain, threshold : float
        Device-to-device variation (D2D), drawn once for a neuron.
    use : float
        Cycle-to-cycle variation (C2C), drawn at each use.
    gain_reading, threshold_reading, use_reading : str
        One of `GAIN_READINGS`, `THRESHOLD_READINGS` and `USE_READINGS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    gain: float = number(0.0, 0, 1)
    threshold: float = number(0.0, 0, 1)
    use: float = number(0.0, 0, 1)
    gain_reading: str = choice("current", GAIN_READINGS)
    threshold_reading: str = choice("range", THRESHOLD_READINGS)
    use_reading: str = choice("current", USE_READINGS)

    def called(self, name: str) -> str:
        """See `Parameters.called`."""
        return f"the neuron's {name}"

    def pivot(self, neuron: Neuron) -> float:
        """Return the current that a gain deviation does not change, as a fraction of full scale."""
        knees = neuron.knees
        if knees is None or self.gain_reading == "current":
            return 0.0
        return knees.threshold

    def threshold_deviation(self, neuron: Neuron) -> float:
        """Return the standard deviation of the threshold, as a fraction of full-scale current."""
        knees = neuron.knees
        if knees is None or self.threshold_reading == "range":
            return self.threshold
        if self.threshold_reading == "threshold":
            return self.threshold * knees.threshold
        return self.threshold * knees.saturation / knees.slope

    def use_deviation(self, neuron: Neuron) -> float:
        """Return the standard deviation of the current at a use, as a fraction of full scale.

        It includes the noise of a neuron that switches by chance.
        """
        knees = neuron.knees
        if neuron.noise:
            return math.hypot(self.use, neuron.noise)
        if knees is None or self.use_reading == "current":
            return self.use
        if self.use_reading == "output":
            return self.use / knees.slope
        return self.use * knees.threshold

    def respond(
        self,
        neuron: Neuron,
        current: npt.ArrayLike,
        gain_deviate: npt.ArrayLike = 0.0,
        threshold_deviate: npt.ArrayLike = 0.0,
        use_deviate: npt.ArrayLike | None = None,
    ) -> Array:
        """Compute R_AH of neurons after one use that started from reset.

        Parameters
        ----------
        neuron : Neuron
            Mean device.
        current : array_like of float
            Input current as a fraction of full scale.
        gain_deviate, threshold_deviate, use_deviate : array_like of float
            Deviations of the neurons and of this use, in standard deviations; None for the mean
            of many uses of a neuron that switches by chance.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            R_AH as a fraction of the output's full scale.
        """
        pivot = self.pivot(neuron)
        factor = 1 + self.gain * np.asarray(gain_deviate, np.float64)
        drive = factor * (np.asarray(current, np.float64) - pivot) + pivot
        drive = drive - self.threshold_deviation(neuron) * np.asarray(threshold_deviate)
        if use_deviate is None:
            return neuron.response(drive)
        return neuron.switched(drive + self.use_deviation(neuron) * np.asarray(use_deviate))

    def readings(self) -> list[str]:
        """Describe each variation and its reading in one line, for reports."""
        figures = [
            ("D2D of gain", self.gain, f": {GAIN_READINGS[self.gain_reading]}"),
            ("D2D of threshold", self.threshold, f" {THRESHOLD_READINGS[self.threshold_reading]}"),
            ("C2C", self.use, f" {USE_READINGS[self.use_reading]}"),
        ]
        lines = [f"neuron {name} {value:.3g}{reading}" for name, value, reading in figures if value]
        # A figure of 0 may be unknown, so it is not reported as a measurement.
        absent = [name for name, value, _ in figures if not value]
        if absent:
            lines.append(f"neuron without {', '.join(absent)}")
        return lines
