"""The SOT neuron as a device: how it differs from use to use and from neuron to neuron.

A neuron is reset before each use, so what it did before does not matter: only the current,
the device's own deviations and the deviation of this use do. All three are Gaussian::

    drive = (1 + gain z_g) (i - pivot) + pivot - threshold z_t + use z_u
    R_AH  = response(drive)

i is the input current as a fraction of full scale, `response` that of
`allspin.sim.network.neuron.SotNeuron` with its threshold, slope and saturation, or of another kind
with its knees (`allspin.sim.network.neuron_kind.Neuron.knees`). The machine does the same on whole
currents: see `allspin.sim.chip.chip`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.device.checks import check_number, check_reading
from allspin.sim.device.synapse.response import Array
from allspin.sim.network.neuron_kind import Neuron

GAIN_READINGS = {
    "current": "a factor on the input current: threshold and slope both move",
    "slope": "a factor on the slope, about the threshold",
}
"""What the neuron's gain deviation is a factor on; the paper does not say."""
THRESHOLD_READINGS = {
    "range": "of the input current's full scale",
    "threshold": "of the threshold itself",
    "linear": "of the current between threshold and saturation",
}
"""What the neuron's threshold deviation is a fraction of; the paper does not say."""
USE_READINGS = {
    "current": "of the input current's full scale, on the current",
    "output": "of the range of R_AH, on the current that gives it on the linear part",
    "threshold": "of the threshold, on the current",
}
"""What the neuron's cycle-to-cycle figure is a fraction of; the paper does not say."""


@dataclass(frozen=True)
class NeuronVariation:
    """Variation of neurons, each figure a standard deviation, 0 to 1.

    Parameters
    ----------
    gain, threshold : float
        Device to device (D2D), drawn once for a neuron.
    use : float
        Cycle to cycle (C2C), drawn at each use.
    gain_reading, threshold_reading, use_reading : str
        One of `GAIN_READINGS`, `THRESHOLD_READINGS` and `USE_READINGS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    gain: float = 0.0
    threshold: float = 0.0
    use: float = 0.0
    gain_reading: str = "current"
    threshold_reading: str = "range"
    use_reading: str = "current"

    def __post_init__(self) -> None:
        for name in ("gain", "threshold", "use"):
            value = check_number(f"the neuron's {name} deviation", getattr(self, name), 0, 1)
            object.__setattr__(self, name, value)
        for name, known in (
            ("gain", GAIN_READINGS),
            ("threshold", THRESHOLD_READINGS),
            ("use", USE_READINGS),
        ):
            check_reading(
                f"the reading of the neuron's {name}", getattr(self, f"{name}_reading"), known
            )

    def pivot(self, neuron: Neuron) -> float:
        """Current that a gain's deviation leaves as it is, as a fraction of full scale."""
        knees = neuron.knees
        return knees.threshold if knees is not None and self.gain_reading == "slope" else 0.0

    def threshold_deviation(self, neuron: Neuron) -> float:
        """Standard deviation of the threshold, as a fraction of the current's full scale."""
        knees = neuron.knees
        if knees is None or self.threshold_reading == "range":
            return self.threshold
        if self.threshold_reading == "threshold":
            return self.threshold * knees.threshold
        return self.threshold * knees.saturation / knees.slope

    def use_deviation(self, neuron: Neuron) -> float:
        """Standard deviation of the current at a use, as a fraction of its full scale."""
        knees = neuron.knees
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
        use_deviate: npt.ArrayLike = 0.0,
    ) -> Array:
        """R_AH of neurons after one use that started from reset.

        Parameters
        ----------
        neuron : Neuron
            The mean device.
        current : array_like of float
            Input current as a fraction of full scale.
        gain_deviate, threshold_deviate, use_deviate : array_like of float
            The neurons' own deviations and those of this use, in standard deviations.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            As a fraction of the output's full scale.
        """
        pivot = self.pivot(neuron)
        factor = 1 + self.gain * np.asarray(gain_deviate, np.float64)
        drive = factor * (np.asarray(current, np.float64) - pivot) + pivot
        drive = drive - self.threshold_deviation(neuron) * np.asarray(threshold_deviate)
        return neuron.response(drive + self.use_deviation(neuron) * np.asarray(use_deviate))

    def readings(self) -> list[str]:
        """What the variations are taken to be of, a line each, for reports."""
        told = {
            "D2D of gain": (self.gain, f": {GAIN_READINGS[self.gain_reading]}"),
            "D2D of threshold": (self.threshold, f" {THRESHOLD_READINGS[self.threshold_reading]}"),
            "C2C": (self.use, f" {USE_READINGS[self.use_reading]}"),
        }
        # A figure of 0 may be one that is not known: it is not told as if it were measured.
        none = ", ".join(name for name, (figure, _) in told.items() if not figure)
        return [
            *(f"neuron {name} {figure:.3g}{of}" for name, (figure, of) in told.items() if figure),
            *([f"neuron without {none}"] if none else []),
        ]
