"""What is trained in the array, and how: one recipe for each family, and the four types.

Two families, each with one recipe and no knob of its own for a type:

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
from collections.abc import Callable
from dataclasses import dataclass, field

from allspin.sim.device.checks import check_number, check_reading
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.synapse.response import PulseResponse
from allspin.sim.device.synapse.synapse import SotSynapse
from allspin.sim.device.synapse.variation import CycleVariation, DeviceVariation
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import MAX_LAYERS, MAX_LINES
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.neuron_kind import Neuron

VERSION = 1
"""It changes when the same parameters train to another network."""
FULL_SCALE = 30.0
"""Column sum that drives a neuron with its full-scale current, in weights of 1."""
ASSUMED_CYCLE = 0.014
"""C2C of an update in types 3 and 4, of the range; an assumption."""
HIDDEN = (100,)
"""Neurons of each hidden layer, as the paper has them."""

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
class ArrayRecipe:
    """How a network is trained in the array.

    Parameters
    ----------
    rate : float
        Learning rate, weights from -1 to 1 and the mean cross-entropy of a batch in nats.
    epochs : int
        Times through the training images, 1 to 10,000.
    batch : int
        Images in a batch, 1 to 4096.
    rounding : str
        One of `ROUNDINGS`.
    scheme : str
        One of `SCHEMES`.
    output_bias : bool
        Whether the output layer has biases in software.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    rate: float
    epochs: int
    batch: int = 32
    rounding: str = "stochastic"
    scheme: str = "equal"
    output_bias: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", check_number("rate", self.rate, 1e-9, 1e6))
        check_range("epochs", self.epochs, 1, 10_000)
        check_range("batch", self.batch, 1, 4096)
        check_reading("rounding", self.rounding, ROUNDINGS)
        check_reading("scheme", self.scheme, SCHEMES)


SOFTWARE_RECIPE = ArrayRecipe(rate=0.1, epochs=5)
"""Of types 1 and 2."""
PULSED_RECIPE = ArrayRecipe(rate=0.03, epochs=3)
"""Of types 3 and 4."""


@dataclass(frozen=True)
class ArrayParameters:
    """A network to be trained in the array.

    Parameters
    ----------
    recipe : ArrayRecipe
        How.
    synapse : SotSynapse or None
        The device, R_AH in weights; None for numbers in software.
    neuron : Neuron or None
        The hidden layers' neuron; None for the ideal ReLU in software.
    neuron_variation : NeuronVariation
        How SOT neurons differ, in training and after it.
    full_scale : float
        Column sum that drives a neuron with its full-scale current, in weights of 1.
    hidden : tuple of int
        Neurons of each hidden layer, 1 to 65,535; at most 14 layers, or none.
    seed : int
        Names all chance, and the chip, 0 to 2**32 - 1.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    recipe: ArrayRecipe
    synapse: SotSynapse | None = None
    neuron: Neuron | None = None
    neuron_variation: NeuronVariation = field(default_factory=NeuronVariation)
    full_scale: float = FULL_SCALE
    hidden: tuple[int, ...] = HIDDEN
    seed: int = 0

    def __post_init__(self) -> None:
        full = check_number("full_scale", self.full_scale, 1e-6, 1e6)
        object.__setattr__(self, "full_scale", full)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        check_range("number of hidden layers", len(self.hidden), 0, MAX_LAYERS - 1)
        for width in self.hidden:
            check_range("hidden", width, 1, MAX_LINES)
        check_range("seed", self.seed, 0, 2**32 - 1)


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
    return SotSynapse(
        PulseResponse(potentiation, states), PulseResponse(depression, states), states, c2c
    )


def assumed_cycle() -> CycleVariation:
    """The C2C that types 3 and 4 are trained with."""
    return CycleVariation(ASSUMED_CYCLE, ASSUMED_CYCLE)


def _type_1(seed: int) -> ArrayParameters:
    return ArrayParameters(SOFTWARE_RECIPE, seed=seed)


def _type_2(seed: int) -> ArrayParameters:
    return ArrayParameters(SOFTWARE_RECIPE, neuron=SotNeuron(), seed=seed)


def _type_3(seed: int) -> ArrayParameters:
    synapse = linear_synapse(100, assumed_cycle())
    return ArrayParameters(PULSED_RECIPE, synapse, SotNeuron(), seed=seed)


def _type_4(seed: int) -> ArrayParameters:
    synapse = linear_synapse(10, assumed_cycle())
    return ArrayParameters(PULSED_RECIPE, synapse, SotNeuron(), seed=seed)


TYPES: dict[int, Callable[[int], ArrayParameters]] = {
    1: _type_1,
    2: _type_2,
    3: _type_3,
    4: _type_4,
}
"""The paper's four types: what to train, by number, for a seed."""
TYPE_NAMES = {
    1: "software ReLU, software synapses",
    2: "SOT neurons, software synapses",
    3: "SOT neurons, SOT synapses of 100 states",
    4: "SOT neurons, SOT synapses of 10 states",
}
"""What the types are, as the paper lists them."""
