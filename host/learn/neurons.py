"""Hidden neurons of a network that learns in the array: ideal ReLUs, or SOT neurons of a chip."""

import numpy as np

from allspin.host.learn.parameters import FULL_SCALE, ArrayParameters
from allspin.host.train.gradient.number_formats import FINE, Array, smooth_response
from allspin.sim.chip.device_deviates import UNIT
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.neuron_base import Neuron

HALF_SWITCH = 1.0
"""Column sum at which a stochastic neuron switches in half of its uses. Sums are of this size at
first; a neuron that never switches has no gradient."""


def full_scale_of(neuron: Neuron) -> float:
    """Return the column sum that drives a neuron with its full-scale current, in weights of 1.

    This is `FULL_SCALE`, or less if the neuron's slope at a sum of `HALF_SWITCH` would otherwise
    be less than a tenth of its largest slope: a sharp threshold leaves no gradient either.
    """
    if neuron.noise:
        sensitive_current = neuron.line.middle
    else:
        slope = smooth_response(neuron)[1]
        sensitive_current = int(np.argmax(slope >= slope.max() / 10)) / (FINE - 1)
    return HALF_SWITCH / max(HALF_SWITCH / FULL_SCALE, sensitive_current)


class ReluHidden:
    """Layer of ideal ReLUs in software."""

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Compute one use of each neuron.

        Parameters
        ----------
        sums : ndarray of float32, shape (images, columns)
            Column sums.
        rng : numpy.random.Generator
            Draws of C2C deviations.

        Returns
        -------
        activations, slopes : ndarray of float32, shape (images, columns)
            Activations in the unit of the sums, and their slopes by the sums.
        """
        return np.maximum(sums, 0), (sums > 0).astype(np.float32)


class SotHidden:
    """Layer of SOT neurons behind V-I converters, each neuron a device of the chip.

    The arithmetic is that of `NeuronVariation.respond` of `allspin.sim.device.neuron_variation`;
    the response is a table. Learning uses the slopes of the device's own curve.

    Parameters
    ----------
    neuron : Neuron
        Mean device.
    parameters : ArrayParameters
        Full-scale column sum, number of neurons, and the seed of the D2D draws.
    variation : NeuronVariation
        Variation of devices and of uses.
    layer : int
        Number of the hidden layer, from 0, which names the D2D draws too.
    """

    def __init__(
        self,
        neuron: Neuron,
        parameters: ArrayParameters,
        variation: NeuronVariation,
        layer: int = 0,
    ) -> None:
        self._slope = smooth_response(neuron)[1]
        response = neuron.switched(np.arange(FINE) / (FINE - 1))
        self._response = (response * parameters.full_scale).astype(np.float32)
        self._full_scale = np.float32(parameters.full_scale)
        self._pivot = np.float32(variation.pivot(neuron))
        columns = parameters.hidden[layer]
        gain = column_normals(parameters.seed, layer, Purpose.NEURON_GAIN, columns) * UNIT
        threshold = column_normals(parameters.seed, layer, Purpose.NEURON_THRESHOLD, columns) * UNIT
        self._gain = (1 + variation.gain * gain).astype(np.float32)
        self._threshold = (variation.threshold_deviation(neuron) * threshold).astype(np.float32)
        self._use_deviation = np.float32(variation.use_deviation(neuron))

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Compute one use of each neuron; see `ReluHidden.forward`."""
        current = sums / self._full_scale
        drive = self._gain * (current - self._pivot) + self._pivot - self._threshold
        if self._use_deviation:
            drive += self._use_deviation * rng.standard_normal(drive.shape, np.float32)
        np.clip(drive, 0, 1, out=drive)
        drive *= np.float32(FINE - 1)
        place = (drive + np.float32(0.5)).astype(np.intp)
        return self._response[place], self._slope[place] * self._gain


Hidden = ReluHidden | SotHidden
