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

from allspin.host.train.films import Cells, Films, zero_of
from allspin.host.train.gradient.number_formats import FINE, Array, smooth_response
from allspin.host.train.training_options import LearnRule
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.chip.words import UNIT
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.parameters import number
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

FULL_SCALE = 30.0
"""Column sum that drives a neuron with its full-scale current, in weights of 1."""
HALF_SWITCH = 1.0
"""Column sum at which half of the uses of a neuron switch that does so by chance: sums are of this
size at first, and where no use ever switches there is no gradient."""
FULL = 0.9
"""Share of the range from which a device of a pair is nearly full."""
SECOND = 2**31
"""By how much the second chip's seed is larger than the first's, where weights are pairs."""


@dataclass(frozen=True)
class ArrayParameters(LearnRule):
    """A network to be trained in the array, and how; unless told, as SOT synapses are.

    Parameters
    ----------
    rate : float
        Learning rate, weights from -1 to 1 and the mean cross-entropy of a batch in nats.
    epochs : int
        Times through the training images.
    batch : int
        Images in a batch.
    steps : int or None
        Mean steps that a change by the whole range is; None for P_max of its polarity.
    output_bias : bool
        Whether the output layer has biases in software.
    synapse : Synapse or None
        The device; None for numbers in software.
    device : Device or None
        Whose stuck cells and read noise there are; None for none.
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
    steps: int | None = None
    output_bias: bool = False
    synapse: Synapse | None = None
    device: Device | None = None
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


def full_scale_of(neuron: Neuron) -> float:
    """Column sum that drives a neuron with its full-scale current, in weights of 1.

    It is `FULL_SCALE`, or less where the neuron's slope at a sum of `HALF_SWITCH` would be less
    than a tenth of its greatest: behind a sharp threshold there is no gradient either.
    """
    slope = smooth_response(neuron)[1]
    return HALF_SWITCH / max(
        HALF_SWITCH / FULL_SCALE,
        neuron.line.middle
        if neuron.noise
        else int(np.argmax(slope >= slope.max() / 10)) / (FINE - 1),
    )


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

    The arithmetic is that of `NeuronVariation.respond` (`allspin.sim.device.neuron_variation`); the
    response is a table. Slopes, for learning, are those of the device's own curve.

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
    """

    def __init__(self, initial: Array) -> None:
        self.matrix = initial.copy()

    def update(self, change: Array, rows: Cells | None = None) -> None:
        """Change the weights.

        Parameters
        ----------
        change : ndarray of float32, shape (rows, columns)
            What the rule of learning asks for; it may be overwritten.
        rows : ndarray of int, optional
            Which rows these are; all by default.
        """
        self.matrix[slice(None) if rows is None else rows] += change


class PulsedWeights:
    """Devices: a weight is the R_AH that is read, and only pulses change it.

    With `update` ``equal`` a wanted change asks for its share of P_max pulses of its polarity,
    whatever they do where the device is; with ``width`` for one pulse, as wide as the mean device
    needs; with ``sign`` for one pulse where it is beyond a threshold. What pulses do, the device
    says (`allspin.host.train.films.Films`). The film never leaves its range.

    With a pair of devices a weight is the difference of two, of which each is potentiated only.
    Where one is nearly full, both are saturated at the lowest R_AH, and the difference is written
    again: the *refresh*.

    Parameters
    ----------
    synapse : Synapse
        The device. Its range is a range of weights of 2, of a pair it is one of 1.
    parameters : ArrayParameters
        How it learns, and the seed that names all chance.
    initial : ndarray of float32, shape (rows, columns)
        Weights asked for to begin with; rounded to a whole number of mean steps, at random.
    layer : int
        Which crossbar it is, from 0; it names the draws, too.

    Attributes
    ----------
    matrix : ndarray of float32, shape (rows, columns)
        The weights as the network reads them.
    films : list of one or two Films
        The devices.
    low, high : float
        Least and largest weight of the mean device.
    """

    def __init__(
        self, synapse: Synapse, parameters: ArrayParameters, initial: Array, layer: int = 0
    ) -> None:
        self.synapse, self.parameters = synapse, parameters
        pair, seed, device = parameters.pair, parameters.seed, parameters.device
        self._rng = rng = np.random.default_rng([seed, 1, layer])
        self._scale = (1 if pair else 2) / synapse.span
        self._zero = synapse.low if pair else zero_of(synapse, parameters.reference)
        low, high = ((end - self._zero) * self._scale for end in (synapse.low, synapse.high))
        self.low, self.high = (-high if pair else low), high
        self._across = [synapse.pulses_across(polarity) for polarity in Polarity]
        # Of a pair both are potentiated.
        across = [parameters.steps or self._across[0 if pair else way] for way in Polarity]
        unit = high - low
        self._steps = [np.float32(pulses / unit) for pulses in across]
        self.films = []
        for device_number, asked in enumerate([initial, -initial][: 1 + pair]):
            steps = (np.clip(asked, low, high) - low) / (unit / across[0])
            steps = np.minimum(np.floor(steps + rng.random(steps.shape)), across[0])
            film = synapse.low + synapse.span / across[0] * steps
            # The second device of each pair is a cell of another chip.
            chip = (seed + device_number * SECOND) % 2**32
            self.films.append(Films(synapse, film, chip, layer, rng, device))
        self._chance = np.empty_like(self.film)
        plain = not pair and self._scale == 1 and self._zero == 0
        self.matrix = self.films[0].resistance if plain else np.empty_like(self.film)
        self.settle()

    @property
    def film(self) -> Array:
        """R_AH that each film holds; of a pair, of the first of them."""
        return self.films[0].film

    def _show(self, cells: Cells) -> None:
        """Let the network read what cells hold now."""
        if self.matrix is self.films[0].resistance:
            return
        first, *second = (films.resistance.ravel()[cells] for films in self.films)
        other = second[0] if second else np.float32(self._zero)
        self.matrix.ravel()[cells] = (first - other) * np.float32(self._scale)

    def update(self, change: Array, rows: Cells | None = None) -> None:
        """As of `SoftwareWeights.update`."""
        given, (up, down) = self.parameters, self._steps
        if given.update == "sign":
            change = np.sign(change) * (np.abs(change) > np.float32(given.threshold))
        else:
            change *= up if up == down else np.where(change > 0, up, down)
            if given.rounding == "stochastic":
                chance = self._chance if rows is None else self._chance[: len(rows)]
                self._rng.random(dtype=np.float32, out=chance)
                change += chance
                np.floor(change, out=change)
            else:
                np.rint(change, out=change)
        steps, columns = change.ravel(), change.shape[1]
        for polarity, some in (
            (Polarity.POTENTIATION, np.flatnonzero(steps > 0)),
            (Polarity.DEPRESSION, np.flatnonzero(steps < 0)),
        ):
            if some.size:
                cells = some if rows is None else rows[some // columns] * columns + some % columns
                self._pulse(polarity, cells, np.abs(steps[some]))

    def _pulse(self, polarity: Polarity, cells: Cells, steps: Array) -> None:
        """Move weights some steps in one polarity's direction."""
        films, synapse, width = self.films[0], self.synapse, self.parameters.update == "width"
        sign = -1 if polarity else 1
        if self.parameters.pair:
            films, polarity, sign = self.films[polarity], Polarity.POTENTIATION, 1
        if width:
            before = films.film.ravel()[cells]
            aim = before + sign * steps / (self._steps[polarity] * np.float32(self._scale))
            pulses = synapse.pulses_to(polarity, aim) - synapse.pulses_to(polarity, before)
        else:
            # More than P_max pulses cannot do more: they have crossed the whole range.
            pulses = np.minimum(steps, self._across[polarity])
        films.pulse(polarity, cells, pulses, not width)
        if self.parameters.pair:
            self._refresh(cells)
        self._show(cells)

    def settle(self) -> None:
        """Make what is read that of the films, where Ctrl-C came between the two."""
        for films in self.films:
            films.settle()
        self._show(np.arange(self.film.size))

    def _refresh(self, cells: Cells) -> None:
        """Write the difference of pairs again of which one device is nearly full."""
        synapse, up = self.synapse, Polarity.POTENTIATION
        held = np.array([films.film.ravel()[cells] for films in self.films]) - synapse.low
        full = held.max(axis=0) > FULL * synapse.span
        # A weight that needs a full device gets none the better for it.
        full &= held.min(axis=0) * self._across[up] >= synapse.span
        cells, (first, second) = cells[full], held[:, full]
        for films, more in zip(self.films, (first - second, second - first), strict=True):
            films.saturate(cells)
            pulses = np.rint(synapse.pulses_to(up, synapse.low + more))
            films.pulse(up, cells[pulses > 0], pulses[pulses > 0], many=True)


Hidden = ReluHidden | SotHidden
Weights = SoftwareWeights | PulsedWeights
