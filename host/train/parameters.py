"""Parameters of a training, with their ranges."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from allspin.host.data.datasets import MNIST_DIGEST, Dataset, are_vectors
from allspin.host.train.feed import split
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.kernels import Kernels, convolutions, read_conv
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.host.train.training_options import (
    AUGMENTATIONS,
    Augmentation,
    Robustness,
    learning_rate,
)
from allspin.sim.errors import UnknownKind, UserError, check_one_of, check_range
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
"""Neurons of each hidden layer, by default."""
BATCH = 256
"""Images in a batch of a large data set."""
EPOCH_STEPS = 64
"""Least number of batches in an epoch; with few images the batches are smaller."""
SMALLEST_BATCH = 32
RATE = 3e-3
"""Peak of the learning rate with real numbers."""
QUANTISED_SHARE = 2 / 3
"""Peak with the machine's integers, as a share of that."""
WIDE_CURRENT_HIDDEN_BITS = 7
"""Width of activations from which input currents have 10 bits, not 8."""
DEFAULT_NEURON = "sot"
"""Neuron of the hidden layers if neither the options nor a device name one."""
EPOCHS = 100
QUICK_EPOCHS = 16
FLOAT_SHARE = 0.6
"""Epochs with real numbers, before, for each one with the machine's integers."""
DEFAULT_AUGMENTATION = "digits"
"""Augmentation of MNIST's images by default; other images may mean something else once bent."""
MAX_EPOCHS = 10_000
RECIPE = 1
"""Version of the recipe; it changes when the same options train another network."""


@dataclass(frozen=True)
class TrainingParameters(Parameters, Brief):
    """Parameters of a training.

    Parameters
    ----------
    states : int
        States of a synapse, 2 to 128.
    hidden : tuple of int
        Neurons of each hidden layer; with the convolutions, at most 14 layers. None: 100, or no
        dense hidden layer behind convolutions.
    neuron : str or None
        Kind of hidden neuron. None: the device's; `sot` without a device.
    pixel_bits, hidden_bits : int
        Width of a pixel and of a hidden activation, 1 to 8.
    rah_bits : int
        Width of an R_AH word, 2 to 8, wide enough for the states.
    noise : float or None
        Standard deviation of the noise on every weight in training, 0 to 0.5, as a fraction of the
        range of R_AH (outermost level to outermost level). None: that of a write of the device, by
        state; 0 without a device.
    epochs : int
        Epochs with the machine's integers, 1 to 10,000; 0.6 times as many with real numbers go
        before.
    seed : int
        Seed of all random draws, 0 to 2**32 - 1.
    rate : float
        Peak of the learning rate with real numbers, 1e-6 to 1; with the machine's integers it is
        two thirds of it.
    batch : int or None
        Images in a batch, 1 to 65,536. None: 256, or fewer for small data sets.
    augmentation : Augmentation or None
        Amounts by which the training images are bent. None: those of digits for MNIST, none for
        other images.
    target : TrainingTarget, optional
        Device that gives the states their levels, and the hidden layers their neuron if it is of
        the chosen kind.
    robust : Robustness, optional
        Options of a training for chips of the device, with all that varies.
    tiles : Tiles, optional
        Tiles that columns are cut into once training computes with the machine's integers.
    straight_through : bool
        True to draw each use of neurons that switch by chance once training computes with the
        machine's integers; False to train with their mean.
    conv : tuple of Kernels
        Convolutions before the hidden layers.
    neuron_per : str
        Neurons of convolutions: one for each column, which its positions share, or one for each
        position.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, or the device does not have such levels; the message names
        the range.
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
        metadata={"low": 1e-6, "high": 1}
        | option(
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
        """Epochs of the teacher; 0 without a teacher."""
        if self.robust is None or not self.robust.taught:
            return 0
        return max(1, round(self.robust.TEACHER_SHARE * self.epochs))

    @property
    def quantised_rate(self) -> float:
        """Peak of the learning rate with the machine's integers."""
        return self.rate * (QUANTISED_SHARE if self.robust is None else self.robust.RATE_SHARE)

    @property
    def occasions(self) -> list[Occasion]:
        """Ways of using chips that the network is trained for; empty without robust training."""
        if self.robust is None or self.target is None:
            return []
        blind, share = self.target.programming, self.robust.verified
        verified = replace(blind, scheme="write-verify", tries=usual_tries(self.states))
        return [Occasion(blind, False, 1 - share), Occasion(verified, True, share)]

    @property
    def weight_noise(self) -> Noise:
        """Noise on the weights, in the form of `allspin.host.train.gradient.passes.forward`."""
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
        """Return the augmentation of a data set's images.

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
        """Return the parameters for few epochs: by default, MNIST's images are bent gently."""
        is_bent = self.augmentation is None and dataset.digest == MNIST_DIGEST
        return replace(self, augmentation=AUGMENTATIONS["gentle"]) if is_bent else self

    def batch_of(self, images: int) -> int:
        """Return the images in a batch for a number of images to learn from.

        Raises
        ------
        UserError
            If `batch` is larger than this number.
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
        """Return all options of a training on a data set, by the names of ``train``'s options.

        Raises
        ------
        UserError
            If the parameters do not fit the data set.
        """
        convolutions(self.conv, dataset.image_shape)
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
            # Older files have 0.0 without a device; equal options keep on giving equal files.
            "noise": self.noise if target else self.noise or 0.0,
            "epochs": self.epochs,
            "seed": self.seed,
            **({} if target is None else target.to_dict()),
            **({} if robust is None else {"robust": robust.text}),
            **({} if tiles is None else tiles.to_dict()),
            **({"straight_through": True} if self.straight_through else {}),
            "augment": self.augmentation_of(dataset).text,
            "rate": self.rate,
            "batch": self.batch_of(len(split(len(dataset.train_images))[0])),
        }


def provenance_of(parameters: TrainingParameters, dataset: Dataset) -> dict[str, Any]:
    """Return the provenance of a training for the network's file, without default options."""
    options = parameters.options(dataset)
    defaults: dict[str, Any] = {"rate": RATE}
    if dataset.digest == MNIST_DIGEST:
        defaults["augment"] = DEFAULT_AUGMENTATION
    if parameters.batch is None:
        defaults["batch"] = options["batch"]
    chosen = {
        name: value
        for name, value in options.items()
        if name not in defaults or value != defaults[name]
    }
    return {"command": "train", "recipe": RECIPE, "options": chosen}
