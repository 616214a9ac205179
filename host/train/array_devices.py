"""What learns in the array: weights and hidden neurons, in software or SOT devices.

The paper's four types are of two families, each with one recipe and no knob of its own for a type:

software synapses (types 1 and 2)
    Plain stochastic gradient descent, batches of 32, rate 0.1, 5 epochs.
SOT synapses (types 3 and 4)
    The same rule, batches of 32, rate 0.03, 3 epochs; each change is rounded at random to
    whole pulses, and each pulse is one state of equal size, as a linearised response gives
    it; weights from -1 to 1; a cycle-to-cycle deviation of 0.014 of the range on each update.

Both train on all training images, without biases, from Gaussian weights of variance
``2 / rows`` (K. He et al., ICCV 2015). Neither rates nor epochs are in the paper.

What had to be assumed, since the text does not give it:

* the gain of the V-I converter (`FULL_SCALE`): 30 weights of 1 at full row current drive a
  neuron with its full-scale current. No column sum of any type then meets the end of the
  curve. With a smaller one the SOT neuron costs nothing (97 %), with a larger one more;
* threshold, slope and knee of the neuron's curve (``host/data/devices/paper.toml``);
* the C2C of 0.014: it is the *neuron's* figure. The synapse's own, 0.065 and 0.029, are run
  beside it.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.host.train.latent import FINE, Array, smooth_response
from allspin.sim.chip.generator import Purpose, cell_normals, column_normals
from allspin.sim.chip.words import D2D, UNIT
from allspin.sim.device.device import NeuronVariation
from allspin.sim.network.neuron import Neuron, SotNeuron
from allspin.sim.parameters import Parameters, choice, number
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation, SotSynapse

FULL_SCALE = 30.0
"""Column sum that drives a neuron with its full-scale current, in weights of 1."""
ROUNDINGS = {
    "stochastic": "at random, so that the mean number of pulses is what was asked for",
    "nearest": "to the nearest whole number",
}
"""How a change becomes whole pulses."""
SCHEMES = {
    "equal": "equal pulses, one for each mean step that is asked for",
    "width": "pulses as wide as the step from the present R_AH needs: shorter or wider ones",
}
"""What pulses an update is made of."""


@dataclass(frozen=True)
class ArrayParameters(Parameters):
    """A network to be trained in the array, and how; unless told, as SOT synapses are.

    Parameters
    ----------
    rate : float
        Learning rate, weights from -1 to 1 and the mean cross-entropy of a batch in nats.
    epochs : int
        Times through the training images.
    batch : int
        Images in a batch.
    rounding : str
        One of `ROUNDINGS`.
    scheme : str
        One of `SCHEMES`.
    output_bias : bool
        Whether the output layer has biases in software.
    synapse : SotSynapse or None
        The device, R_AH in weights; None for numbers in software.
    neuron : Neuron or None
        The hidden layers' neuron; None for the ideal ReLU in software.
    neuron_variation : NeuronVariation
        How SOT neurons differ, in training and after it.
    full_scale : float
        Column sum that drives a neuron with its full-scale current, in weights of 1.
    hidden : tuple of int
        Neurons of each hidden layer, if there is one.
    seed : int
        Names all chance, and the chip.
    """

    rate: float = number(0.03, 1e-9, 1e6)
    epochs: int = 3
    batch: int = 32
    rounding: str = choice("stochastic", ROUNDINGS)
    scheme: str = choice("equal", SCHEMES)
    output_bias: bool = False
    synapse: SotSynapse | None = None
    neuron: Neuron | None = None
    neuron_variation: NeuronVariation = field(default_factory=NeuronVariation)
    full_scale: float = number(FULL_SCALE, 1e-6, 1e6)
    hidden: tuple[int, ...] = (100,)
    seed: int = 0


def linear_synapse(
    states: int,
    c2c: CycleVariation = CycleVariation(),  # noqa: B008 (it is frozen)
    d2d: DeviceVariation = DeviceVariation(),  # noqa: B008
) -> SotSynapse:
    """A synapse whose pulses are equal steps from state to state, R_AH from -1 to 1."""
    response = PulseResponse(math.inf, states - 1)
    return SotSynapse(response, response, states, c2c, d2d)


def raw_synapse(
    potentiation: float = 22.0,
    depression: float = 9.0,
    states: int = 100,
    c2c: CycleVariation = CycleVariation(),  # noqa: B008
) -> SotSynapse:
    """A synapse with a nonlinear response, R_AH from -1 to 1; the paper's by default.

    Parameters
    ----------
    potentiation, depression : float
        A, in pulses.
    states : int
        States, and P_max: the paper does not give P_max.
    c2c : CycleVariation
        Cycle-to-cycle variation.
    """
    up, down = PulseResponse(potentiation, states), PulseResponse(depression, states)
    return SotSynapse(up, down, states, c2c)


CYCLE = CycleVariation(0.014, 0.014)
"""C2C of an update in types 3 and 4, of the range; an assumption."""
TYPES = {
    1: ArrayParameters(rate=0.1, epochs=5),
    2: ArrayParameters(rate=0.1, epochs=5, neuron=SotNeuron()),
    3: ArrayParameters(synapse=linear_synapse(100, CYCLE), neuron=SotNeuron()),
    4: ArrayParameters(synapse=linear_synapse(10, CYCLE), neuron=SotNeuron()),
}
"""The paper's four types, by number."""
TYPE_NAMES = {
    1: "software ReLU, software synapses",
    2: "SOT neurons, software synapses",
    3: "SOT neurons, SOT synapses of 100 states",
    4: "SOT neurons, SOT synapses of 10 states",
}
"""What the types are, as the paper lists them."""


class ReluHidden:
    """A layer of ideal ReLUs, in software."""

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
            Activations in the unit of the sums.
        """
        return np.maximum(sums, 0), (sums > 0).astype(np.float32)


class SotHidden:
    """SOT neurons behind their V-I converters, each a device of the chip.

    The arithmetic is that of `allspin.sim.device.device.NeuronVariation.respond`, with the
    response from a table. Slopes, for learning, are those of the device's own curve.

    Parameters
    ----------
    neuron : Neuron
        The mean device.
    parameters : ArrayParameters
        Column sum that drives it with its full-scale current, number of neurons, and the seed
        that names the D2D draws.
    variation : NeuronVariation
        How devices and uses differ.
    layer : int
        Which layer's neurons they are, from 0; it names the draws, too.
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
        self._full = np.float32(parameters.full_scale)
        self._pivot = np.float32(variation.pivot(neuron))
        gain, threshold = (
            column_normals(parameters.seed, layer, purpose, parameters.hidden[layer]) * UNIT
            for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
        )
        self._gain = (1 + variation.gain * gain).astype(np.float32)
        self._threshold = (variation.threshold_deviation(neuron) * threshold).astype(np.float32)
        self._use = np.float32(variation.use_deviation(neuron))

    def forward(self, sums: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """As of `ReluHidden.forward`."""
        drive = self._gain * (sums / self._full - self._pivot) + self._pivot - self._threshold
        if self._use:
            drive += self._use * rng.standard_normal(drive.shape, np.float32)
        np.clip(drive, 0, 1, out=drive)
        drive *= np.float32(FINE - 1)
        place = (drive + np.float32(0.5)).astype(np.intp)
        return self._response[place], self._slope[place] * self._gain


class SoftwareWeights:
    """Numbers without bounds or noise: the paper's software synapses.

    Parameters
    ----------
    initial : ndarray of float32, shape (rows, columns)
        First weights.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
        The weights as the network reads them.
    pulses : int
        Pulses given so far.
    """

    def __init__(self, initial: Array) -> None:
        self.matrix = initial.copy()
        self.pulses = 0

    def update(self, change: Array) -> None:
        """Change the weights.

        Parameters
        ----------
        change : ndarray of float32, shape (rows, columns)
            What the rule of learning asks for; it may be overwritten.
        """
        self.matrix += change


def device_deviates(chip: int, layer: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Each cell's own D2D deviation by polarity, in standard deviations, as the chip has it."""
    potentiation, depression = (
        (cell_normals(chip, layer, D2D[polarity], (shape[0], shape[1])) * UNIT).astype(np.float32)
        for polarity in Polarity
    )
    return potentiation, depression


class PulsedWeights:
    """SOT synapses: a weight is the R_AH that is read, and only pulses change it.

    A change is asked for in mean steps, ``span / (states - 1)``, and rounded to whole
    steps. Its sign is the polarity. With equal pulses a step is a pulse, whatever it does
    where the device is; with pulses of computed width it is the width that the mean device
    needs. What the pulses do, the device's curve says (`SotSynapse.advance`); each cell that
    got some has a cycle-to-cycle deviation of its own. The film never leaves its range.

    Parameters
    ----------
    synapse : SotSynapse
        The device; its R_AH in weights.
    parameters : ArrayParameters
        Rounding and scheme, and the seed that names all chance. A training gives a cell more
        pulses than a chip's generator numbers, so only the D2D draws are the chip's.
    initial : ndarray of float32, shape (rows, columns)
        R_AH asked for to begin with; it is rounded to a state, at random.
    layer : int
        Which crossbar it is, from 0; it names the draws, too.

    Attributes
    ----------
    matrix, pulses
        As of `SoftwareWeights`.
    film : ndarray of float32, shape (rows, columns)
        R_AH that each film holds.
    last : ndarray of int8, shape (rows, columns)
        Polarity of each cell's last pulse; at first depression, since a cycle begins with
        the film saturated at the highest R_AH.
    """

    def __init__(
        self, synapse: SotSynapse, parameters: ArrayParameters, initial: Array, layer: int = 0
    ) -> None:
        self.synapse, self.parameters = synapse, parameters
        self.pulses = 0
        self._rng = rng = np.random.default_rng([parameters.seed, 1, layer])
        step = synapse.span / (synapse.states - 1)
        states = (np.clip(initial, synapse.low, synapse.high) - synapse.low) / step
        states = np.floor(states + rng.random(states.shape))
        self.film = (synapse.low + step * np.minimum(states, synapse.states - 1)).astype(np.float32)
        self.last = np.full(initial.shape, Polarity.DEPRESSION, np.int8)
        self._steps = np.float32(1 / step)
        self._chance = np.empty_like(self.film)
        self._own: tuple[Array, Array] | None = None
        self.matrix = self.film
        if any(synapse.d2d[polarity] for polarity in Polarity):
            self._own = device_deviates(parameters.seed, layer, self.film.shape)
            self.matrix = self.read(synapse, self._own)

    def read(self, synapse: SotSynapse, own: tuple[Array, Array]) -> Array:
        """R_AH that is read where cells have given D2D deviates of a given synapse."""
        potentiated, depressed = (
            synapse.read(polarity, self.film, own[polarity]) for polarity in Polarity
        )
        return np.where(self.last == Polarity.DEPRESSION, depressed, potentiated).astype(np.float32)

    def update(self, change: Array) -> None:
        """As of `SoftwareWeights.update`."""
        change *= self._steps
        if self.parameters.rounding == "stochastic":
            self._rng.random(dtype=np.float32, out=self._chance)
            change += self._chance
            np.floor(change, out=change)
        else:
            np.rint(change, out=change)
        steps = change.ravel()
        for polarity, cells in (
            (Polarity.POTENTIATION, np.flatnonzero(steps > 0)),
            (Polarity.DEPRESSION, np.flatnonzero(steps < 0)),
        ):
            if cells.size:
                self._pulse(polarity, cells, np.abs(steps[cells]))

    def _pulse(self, polarity: Polarity, cells: npt.NDArray[np.intp], steps: Array) -> None:
        """Move cells some steps in one polarity's direction."""
        synapse = self.synapse
        own = 0.0 if self._own is None else self._own[polarity].ravel()[cells]
        before = self.film.ravel()[cells]
        if self.parameters.scheme == "width":
            aim = before + (steps if polarity == Polarity.POTENTIATION else -steps) / self._steps
            pulses = synapse.pulses_to(polarity, aim) - synapse.pulses_to(polarity, before)
            self.pulses += len(cells)
        else:
            # More than P_max pulses cannot do more: they have crossed the whole range.
            pulses = np.minimum(steps, synapse.response(polarity).pulses)
            self.pulses += int(pulses.sum())
        after = synapse.advance(polarity, before, pulses, own)
        if synapse.c2c[polarity]:
            deviation = synapse.cycle_deviation(polarity, before, pulses)
            after += deviation * self._rng.standard_normal(len(cells), np.float32)
            np.clip(after, synapse.low, synapse.high, out=after)
        self.film.ravel()[cells] = after
        self.last.ravel()[cells] = polarity
        if self._own is not None:
            self.matrix.ravel()[cells] = synapse.read(polarity, after, own)


Hidden = ReluHidden | SotHidden
Weights = SoftwareWeights | PulsedWeights
