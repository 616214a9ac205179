"""Parameters of learning in the array: the update rule, its options, and the learning network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from allspin.host.data.datasets import Dataset
from allspin.host.options import FLAT, IN_RECIPE, Options, parsed
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.parameters import TrainingParameters, widths
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import AUGMENTATIONS, AUTO, learning_rate
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError, check_one_of
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.parameters import Brief, choice, described, number
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation

FULL_SCALE = 30.0
"""Column sum that drives a neuron with its full-scale current, in weights of 1."""
CYCLE_DEVIATION = 0.014
"""C2C of an update without a device file, as a fraction of the range; an assumption."""
QUICK_EPOCHS = 1
"""Epochs of a learning that takes seconds."""

ROUNDINGS = {
    "stochastic": "at random, so that the mean number of pulses is the exact change",
    "nearest": "to the nearest whole number",
}
"""Rounding of a change to whole pulses."""
UPDATES = {
    "equal": "equal pulses, P_max for a change by the whole range, at any R_AH",
    "width": "one pulse, as wide as the step from the present R_AH needs",
    "sign": "one pulse if the change exceeds a threshold",
}
"""Pulses of an update."""


@dataclass(frozen=True)
class LearnRule(Options):
    """How changes become pulses.

    Parameters
    ----------
    update : str
        Pulses of an update: equal pulses, P_max for a change by the whole range (equal); pulses
        as wide as the step from the present R_AH needs (width); or one pulse where the change is
        beyond a threshold (sign).
    rounding : str
        Rounding to whole pulses: at random, so that the mean is right (stochastic), or to the
        nearest number (nearest). Single pulses have no rounding.
    threshold : float
        With sign, change of a weight beyond which there is a pulse, 0 to 1e6.
    momentum : float
        Share of each change that is repeated with the next one, 0 to 0.999, in software: no array
        keeps it.
    reference : str
        Weight 0: the middle of the range, the symmetry point, or a value of R_AH.
    pair : bool
        Take the difference of two devices as a weight, with refresh.
    """

    update: str = choice("equal", UPDATES)
    rounding: Annotated[str, IN_RECIPE] = choice("stochastic", ROUNDINGS)
    threshold: Annotated[float, IN_RECIPE] = number(0.0, 0.0, 1e6)
    momentum: Annotated[float, IN_RECIPE] = number(0.0, 0.0, 0.999)
    reference: Annotated[str, IN_RECIPE] = "middle"
    pair: Annotated[bool, IN_RECIPE] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold and self.update != "sign":
            raise ValueError("`threshold` needs `update` sign")
        if self.update == "sign" and self.rounding != "stochastic":
            raise ValueError("`rounding` does not go with `update` sign: leave one of them out")
        if self.pair and self.reference != "middle":
            raise ValueError("`reference` does not go with `pair`: leave one of them out")

    @property
    def changes(self) -> dict[str, Any]:
        """Options that differ from their defaults, by name."""
        usual = vars(LearnRule())
        return {name: getattr(self, name) for name in usual if getattr(self, name) != usual[name]}


@dataclass(frozen=True)
class ArrayParameters(LearnRule):
    """Network that learns in the array, with its learning rule; by default, of SOT synapses.

    Parameters
    ----------
    rate : float
        Learning rate, for weights from -1 to 1 and the mean cross-entropy of a batch in nats.
    epochs : int
        Passes over the training images.
    batch : int
        Images in a batch.
    steps : int or None
        Mean steps of a change by the whole range; None for P_max of its polarity.
    output_bias : bool
        True if the output layer has biases in software.
    synapse : Synapse or None
        The device; None for numbers in software.
    device : Device or None
        Device with stuck cells and read noise; None for neither.
    neuron : Neuron or None
        The hidden layers' neuron; None for the ideal ReLU in software.
    neuron_variation : NeuronVariation
        Variation of SOT neurons, in training and afterwards.
    full_scale : float
        Column sum that drives a neuron with its full-scale current, in weights of 1.
    hidden : tuple of int
        Neurons of each hidden layer; empty for none.
    seed : int
        Seed of all draws, and of the chip.
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


@dataclass(frozen=True)
class LearnParameters(Brief):
    """Options of learning in the array.

    Parameters
    ----------
    states : int or None
        States of a synapse in the network that is written down, 2 to 128: the device's, else 10,
        unless given.
    hidden : tuple of int
        Neurons of each hidden layer.
    neuron : str or None
        Kind of hidden neuron, a spin device such as sot, or relu: the device's, else sot, unless
        given.
    pixel_bits : int
        Width of a pixel, 1 to 8.
    hidden_bits : int
        Width of a hidden activation, 1 to 8. Activations use a small part of the
        neurons' curve here, so they need more bits than in a training that learns gains.
    rah_bits : int
        Width of an R_AH word, 2 to 8, wide enough for the states.
    noise : float or None
        C2C of each update as a fraction of the range of R_AH, 0 to 0.5, without a device file,
        which has its own: 0.014 unless given.
    epochs : int
        Passes over the training images, 1 to 10,000: 3 unless given, quick 1.
    seed : int
        Seed of all draws, and of the chip, 0 to 2**32 - 1.
    rate : float
        Learning rate, 1e-6 to 1, or auto (infinity in Python) to search one.
    batch : int
        Images in a batch, 1 to 65,536.
    target : TrainingTarget, optional
        Device that learns.
    rule : LearnRule
        Rule that turns changes into pulses.
    quick : bool
        Learn for seconds in place of minutes.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    UserError
        If the neuron is not one of an array, or `noise` is given with a device.
    """

    states: int | None = None
    hidden: Annotated[tuple[int, ...], parsed(widths, "N[,N...]", show_default="100")] = (100,)
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 8
    rah_bits: Annotated[int, IN_RECIPE] = 8
    noise: Annotated[float | None, IN_RECIPE] = None
    epochs: int = None  # pyright: ignore[reportAssignmentType]
    seed: int = 0
    rate: Annotated[float, parsed(learning_rate, "RATE")] = ArrayParameters.rate
    batch: Annotated[int, IN_RECIPE] = ArrayParameters.batch
    target: Annotated[TrainingTarget | None, FLAT] = None
    rule: Annotated[LearnRule, FLAT] = LearnRule()
    quick: bool = False

    def __post_init__(self) -> None:
        if self.epochs is None:
            usual = QUICK_EPOCHS if self.quick else ArrayParameters.epochs
            object.__setattr__(self, "epochs", usual)
        if self.target is not None and self.noise is not None:
            raise UserError("`noise` is for learning without `device`, whose file has its C2C")
        neuron = self.training.hidden_neuron
        if not (neuron.spin or isinstance(neuron, ReluNeuron)):
            raise UserError(
                f"`neuron` must be a spin device in the array, such as sot, or relu, "
                f"not {neuron.name}"
            )

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], device: Device | None = None, **more: Any
    ) -> Self:
        """Make the parameters from options in one table, as a sweep's grid has them.

        Parameters
        ----------
        options : mapping of str to object
            Values by the names of fields here, of `LearnRule`, and of `TrainingTarget`.
        device : Device, optional
            Device that learns.
        **more
            Further fields, which win.

        Raises
        ------
        ValueError, TypeError, UserError
            If a name is unknown, or a value is outside its range.
        """
        own: dict[str, Any] = {}
        rule: dict[str, Any] = {}
        target: dict[str, Any] = {}
        known = [*vars(LearnRule()), "level_choice", "polarity"]
        known += [name for name in described(cls) if name not in ("target", "rule")]
        for name, value in options.items():
            check_one_of("an option", name, known)
            if name in vars(LearnRule()):
                rule[name] = value
            elif name in ("level_choice", "polarity"):
                target[name] = value
            else:
                own[name] = learning_rate(str(value)) if name == "rate" else value
        made = None if device is None else TrainingTarget(device, **target)
        return cls(**own | more, target=made, rule=LearnRule(**rule))

    @property
    def device(self) -> Device | None:
        """Device that learns, if there is a device file."""
        return None if self.target is None else self.target.device

    @property
    def training(self) -> TrainingParameters:
        """Parameters of a training with the same network, which check the ranges."""
        states = self.states
        if states is None:
            default = TrainingParameters.states
            states = default if self.device is None else self.device.synapse.states
        noise = self.noise
        if noise is None and self.target is None:
            noise = CYCLE_DEVIATION
        return TrainingParameters(
            states=states,
            hidden=self.hidden,
            neuron=self.neuron,
            pixel_bits=self.pixel_bits,
            hidden_bits=self.hidden_bits,
            rah_bits=self.rah_bits,
            noise=noise,
            epochs=self.epochs,
            seed=self.seed,
            rate=TrainingParameters.rate if self.rate == AUTO else self.rate,
            batch=self.batch,
            augmentation=AUGMENTATIONS["none"],
            target=self.target,
        )

    @property
    def cycle(self) -> CycleVariation:
        """C2C of an update without a device file."""
        deviation = self.training.noise or 0.0
        return CycleVariation(deviation, deviation)

    @property
    def formats(self) -> NumberFormats:
        """Number formats of the network that is written down."""
        return self.training.formats

    def options(self, dataset: Dataset) -> dict[str, Any]:
        """Return all options of a learning by name, as the network's provenance has them.

        Raises
        ------
        UserError
            If the data set has fewer images than a batch.
        """
        options = self.training.options(dataset)
        return options | self.rule.changes | {"rate": self.rate, "in_array": True}
