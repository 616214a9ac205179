"""What is trained, and how: the parameters of a training, with their ranges."""

import math
import sys
from dataclasses import dataclass, field, replace
from typing import Any

from allspin.host.data.datasets import MNIST_DIGEST, Dataset, are_vectors
from allspin.host.train.feed import split
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.kernels import Kernels, laid_on, read_conv
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.host.train.training_options import AUGMENTATIONS, Augmentation, LearnRule, Robustness
from allspin.sim.errors import UnknownKind, UserError, check_number, check_one_of, check_range
from allspin.sim.network.levels import (
    MAX_RAH_BITS,
    MAX_STATES,
    MIN_RAH_BITS,
    MIN_STATES,
    uniform_levels,
)
from allspin.sim.network.network import MAX_LAYERS, MAX_LINES, NEURON_PER
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief, Parameters, option
from allspin.sim.programming.schemes import usual_tries

HIDDEN = (100,)
"""Neurons of each hidden layer."""
BATCH = 256
"""Images in a batch, where there are many."""
EPOCH_STEPS = 64
"""Batches in an epoch, where there are few images: the batches are smaller then."""
SMALLEST_BATCH = 32
RATE = 3e-3
"""Peak of the learning rate with real numbers."""
QUANTISED_SHARE = 2 / 3
"""Peak with the machine's integers, as a share of that."""
WIDE_CURRENT_HIDDEN_BITS = 7
"""Activations from this width on get input currents of 10 bits, not 8."""
DEFAULT_NEURON = "sot"
"""Of the hidden layers, where neither the options nor a device say it."""
EPOCHS = 100
QUICK_EPOCHS = 16
FLOAT_SHARE = 0.6
"""Epochs with real numbers, before, to each one with the machine's integers."""
DEFAULT_AUGMENTATION = "digits"
"""Of MNIST's images, where the options do not say it; others may mean something else once bent."""
MAX_EPOCHS = 10_000
RECIPE = 1
"""Version of the recipe: it changes when the same options give another network."""


AUTO = math.inf
"""A learning rate that is to be found."""


def learning_rate(text: str) -> float:
    """The learning rate that an option says; infinity is none, but the largest number."""
    return AUTO if text == "auto" else min(float(text), sys.float_info.max)


@dataclass(frozen=True)
class TrainingParameters(Parameters, Brief):
    """What to train.

    Parameters
    ----------
    states : int
        States of a synapse, 2 to 128.
    hidden : tuple of int
        Neurons of each hidden layer, at most 14 layers with the convolutions. None: 100; with
        convolutions there is none.
    neuron : str or None
        Kind of neuron: one of `allspin.sim.network.neuron.NEURONS`. None: that of the target's
        device; `sot` without a target.
    pixel_bits, hidden_bits : int
        Width of a pixel and of a hidden activation, 1 to 8.
    rah_bits : int
        Width of an R_AH word, 2 to 8, wide enough for the states.
    noise : float or None
        Standard deviation of the noise on every weight in training, as a fraction of the
        range of R_AH (outermost level to outermost level), 0 to 0.5. None: that of a write
        of the target's device, by state; none without a target.
    epochs : int
        Epochs with the machine's integers, 1 to 10,000; `float_epochs` go before.
    seed : int
        Names all chance, 0 to 2**32 - 1.
    rate : float
        Peak of the learning rate with real numbers, 1e-6 to 1; with the machine's integers it is
        two thirds of it. In the array `AUTO` looks for one.
    batch : int or None
        Images in a batch, 1 to 65,536. None: 256, or fewer where there are few images.
    augmentation : Augmentation or None
        How far the training images are bent. None: MNIST's as digits are, others not at all.
    target : TrainingTarget, optional
        The device whose levels the states have, and whose neuron the hidden layers have if it is
        of the kind that is asked for.
    robust : Robustness, optional
        Train for chips of the target's device, with all that varies, and how.
    tiles : Tiles, optional
        What the columns are cut into once training computes with the machine's integers.
    rule : LearnRule, optional
        How changes become pulses, where the network learns in the array.
    straight_through : bool
        Whether each use of neurons that switch by chance is drawn once training computes with the
        machine's integers; else they answer their mean.
    conv : tuple of Kernels
        Convolutions before the hidden layers.
    neuron_per : str
        Of convolutions: as of `allspin.sim.network.network.Network`.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, or the target's device has no such levels; the message
        names the range.
    """

    states: int = field(
        default=10,
        metadata={"low": MIN_STATES, "high": MAX_STATES}
        | option("states of a synapse, 2 to 128 (10)", "N"),
    )
    hidden: tuple[int, ...] = None  # pyright: ignore[reportAssignmentType]
    neuron: str | None = field(
        default=None,
        metadata=option(f"hidden neurons: {', '.join(NEURONS)} (the device's, else sot)", "NAME"),
    )
    pixel_bits: int = field(
        default=4, metadata={"low": 1, "high": 8} | option("of a pixel, 1 to 8 (4)", "N")
    )
    hidden_bits: int = field(
        default=4, metadata={"low": 1, "high": 8} | option("of a neuron, 1 to 8 (4)", "N")
    )
    rah_bits: int = field(
        default=8,
        metadata={"low": MIN_RAH_BITS, "high": MAX_RAH_BITS}
        | option("of an R_AH word, 2 to 8 (8)", "N"),
    )
    noise: float | None = field(
        default=None,
        metadata={"low": 0, "high": 0.5}
        | option(
            "noise on the weights in training, as a fraction of the range of R_AH (that of the "
            "device's writes, else 0)",
            "SIGMA",
        ),
    )
    epochs: int = field(
        default=EPOCHS,
        metadata={"low": 1, "high": MAX_EPOCHS}
        | option(
            f"epochs with the machine's integers ({EPOCHS}, quick {QUICK_EPOCHS}); {FLOAT_SHARE} "
            "times as many with real numbers go before",
            "N",
        ),
    )
    seed: int = field(
        default=0,
        metadata={"low": 0, "high": 2**32 - 1} | option("seed of all random draws (0)", "N"),
    )
    rate: float = field(
        default=RATE,
        metadata=option(
            f"peak of the learning rate, 1e-6 to 1 ({RATE:g}), or with --in-array auto",
            "RATE",
            type=learning_rate,
        ),
    )
    batch: int | None = field(
        default=None,
        metadata={"low": 1, "high": 65_536}
        | option(f"images in a batch ({BATCH}; fewer where images are few)", "N"),
    )
    augmentation: Augmentation | None = field(default=None, metadata={"made": Augmentation.parse})
    target: TrainingTarget | None = field(default=None, metadata={"made": TrainingTarget.asked})
    robust: Robustness | None = field(default=None, metadata={"made": Robustness.parse})
    tiles: Tiles | None = field(default=None, metadata={"made": Tiles.asked})
    rule: LearnRule | None = field(default=None, metadata={"made": LearnRule})
    straight_through: bool = field(
        default=False,
        metadata=option("draw each use of neurons that switch by chance (train by their mean)"),
    )
    conv: tuple[Kernels, ...] = field(
        default=(),
        metadata={"made": read_conv}
        | option(
            "convolutions before the hidden layers, then none unless given: height x width x "
            "number of kernels, and s2 for a stride of 2, p1 or pad for a padding, pool for the "
            'maximum of 2 x 2, such as "5x5x16 s2, 3x3x32 pad pool"',
            "KERNELS",
            type=str,
        ),
    )
    neuron_per: str = field(
        default="column",
        metadata=option(
            "with --conv, whether a neuron is for a column, whose positions share it, or for each "
            "position (column)",
            choices=NEURON_PER,
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        uniform_levels(self.states, self.rah_bits)
        hidden = (() if self.conv else HIDDEN) if self.hidden is None else tuple(self.hidden)
        if self.conv and hidden == (0,):
            hidden = ()
        object.__setattr__(self, "hidden", hidden)
        layers = len(self.conv) + len(self.hidden)
        check_range("number of hidden layers", layers, 1, MAX_LAYERS - 1)
        check_one_of("neuron_per", self.neuron_per, NEURON_PER)
        for width in self.hidden:
            check_range("hidden", width, 1, MAX_LINES)
        if self.neuron is not None and self.neuron not in NEURONS:
            raise UnknownKind.named("neuron", NEURONS, self.neuron)
        if self.rate != AUTO:
            object.__setattr__(self, "rate", check_number("rate", self.rate, 1e-6, 1))
        if self.target is not None:
            self.target.levels(self.states, self.rah_bits)
        if self.robust is not None and self.target is None:
            raise ValueError("robust training needs the device whose chips the network is to bear")
        if self.straight_through and not self.hidden_neuron.noise:
            raise ValueError("straight_through is for neurons that switch by chance: stochastic")

    @property
    def float_epochs(self) -> int:
        """Epochs with real numbers."""
        share = FLOAT_SHARE if self.robust is None else self.robust.FLOAT_SHARE
        return max(1, round(share * self.epochs))

    @property
    def teacher_epochs(self) -> int:
        """Epochs of the network that teaches this one; 0 where nobody does."""
        if self.robust is None or not self.robust.taught:
            return 0
        return max(1, round(self.robust.TEACHER_SHARE * self.epochs))

    @property
    def quantised_rate(self) -> float:
        """Peak of the learning rate with the machine's integers."""
        return self.rate * (QUANTISED_SHARE if self.robust is None else self.robust.RATE_SHARE)

    @property
    def occasions(self) -> list[Occasion]:
        """The ways of using chips that the network is trained for, if it is."""
        if self.robust is None or self.target is None:
            return []
        blind, share = self.target.programming, self.robust.verified
        verified = replace(blind, scheme="write-verify", tries=usual_tries(self.states))
        return [Occasion(blind, False, 1 - share), Occasion(verified, True, share)]

    @property
    def weight_noise(self) -> Noise:
        """Noise on the weights, as `allspin.host.train.gradient.passes.forward` takes it."""
        if self.noise is not None or self.target is None:
            return self.noise or 0.0
        return self.target.noise(self.states, self.rah_bits)

    @property
    def hidden_neuron(self) -> Neuron:
        """The neuron of the hidden layers."""
        if self.target is not None and self.neuron in (None, self.target.device.neuron.name):
            return self.target.device.neuron
        return NEURONS[self.neuron or DEFAULT_NEURON]()

    @property
    def formats(self) -> NumberFormats:
        """The number formats."""
        target = self.target
        return NumberFormats(
            neuron=self.hidden_neuron,
            states=self.states,
            pixel_bits=self.pixel_bits,
            hidden_bits=self.hidden_bits,
            rah_bits=self.rah_bits,
            current_bits=10 if self.hidden_bits >= WIDE_CURRENT_HIDDEN_BITS else 8,
            own_levels=None if target is None else target.levels(self.states, self.rah_bits),
            straight_through=self.straight_through,
        )

    def augmentation_of(self, dataset: Dataset) -> Augmentation:
        """How far the images of a data set are bent.

        Raises
        ------
        UserError
            If they are lists of values or have channels, which cannot be bent.
        """
        if self.augmentation is None:
            return AUGMENTATIONS[DEFAULT_AUGMENTATION if dataset.digest == MNIST_DIGEST else "none"]
        shape, text = dataset.image_shape, self.augmentation.text
        if are_vectors(shape) and text != "none":
            raise UserError(
                f"`augment` {text} bends images, but the data set has lists of "
                f"{math.prod(shape)} values: give none, or the images' shape"
            )
        if len(shape) > 2 and text != "none":
            raise UserError(
                f"`augment` {text} bends grey images, and these have channels: give none"
            )
        return self.augmentation

    def quickly(self, dataset: Dataset) -> "TrainingParameters":
        """The same for few epochs, which bear less: MNIST's images are bent gently, unless told."""
        is_bent = self.augmentation is None and dataset.digest == MNIST_DIGEST
        return replace(self, augmentation=AUGMENTATIONS["gentle"]) if is_bent else self

    def batch_of(self, images: int) -> int:
        """Images in a batch where so many are learnt from.

        Raises
        ------
        UserError
            If there are fewer images than a batch is to have.
        """
        if self.batch is None:
            return min(max(SMALLEST_BATCH, min(BATCH, images // EPOCH_STEPS)), images)
        if self.batch > images:
            raise UserError(
                f"`batch` must be at most {images:,}, the images that are learnt from, "
                f"not {self.batch:,}"
            )
        return self.batch

    def options(self, dataset: Dataset) -> dict[str, Any]:
        """All that a training on a data set uses, by the names of ``train``'s options.

        Raises
        ------
        UserError
            If the parameters do not go with the data set.
        """
        laid_on(self.conv, dataset.image_shape)
        target, robust, tiles = self.target, self.robust, self.tiles
        return {
            "states": self.states,
            **({"conv": ", ".join(each.text for each in self.conv)} if self.conv else {}),
            **({} if self.neuron_per == "column" else {"neuron_per": self.neuron_per}),
            "hidden": list(self.hidden),
            "neuron": self.hidden_neuron.name,
            "pixel_bits": self.pixel_bits,
            "hidden_bits": self.hidden_bits,
            "rah_bits": self.rah_bits,
            # As ever without a device: equal options make equal files.
            "noise": self.noise if target else self.noise or 0.0,
            "epochs": self.epochs,
            "seed": self.seed,
            **({} if target is None else target.to_dict()),
            **({} if robust is None else {"robust": robust.text}),
            **({} if tiles is None else tiles.to_dict()),
            **({} if self.rule is None else self.rule.text),
            **({"straight_through": True} if self.straight_through else {}),
            "augment": self.augmentation_of(dataset).text,
            "rate": self.rate,
            "batch": self.batch_of(len(split(len(dataset.train_images))[0])),
        }


def provenance_of(parameters: TrainingParameters, dataset: Dataset) -> dict[str, Any]:
    """What a network's file says of its training: options as they are unless told are left out."""
    options = parameters.options(dataset)
    unsaid: dict[str, Any] = {"rate": RATE}
    if dataset.digest == MNIST_DIGEST:
        unsaid["augment"] = DEFAULT_AUGMENTATION
    if parameters.batch is None:
        unsaid["batch"] = options["batch"]
    said = {name: options[name] for name in options if unsaid.get(name, ...) != options[name]}
    return {"command": "train", "recipe": RECIPE, "options": said}
