"""Parameters of a training, with their ranges."""

import math
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from allspin.host.data.datasets import MNIST_DIGEST, Dataset, are_vectors
from allspin.host.options import FLAT, IN_RECIPE, TILES, Options, parsed
from allspin.host.train.feed import split
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.kernels import Kernels, convolutions, read_conv
from allspin.host.train.target import Occasion, TrainingTarget
from allspin.host.train.training_options import (
    AUGMENT,
    AUGMENTATIONS,
    Augmentation,
    Robustness,
)
from allspin.sim.errors import UnknownKind, UserError, check_range
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
from allspin.sim.parameters import Brief, choice, number
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


def widths(text: str) -> tuple[int, ...]:
    """Read the neurons of each hidden layer, such as ``128,64``; an empty text has no layer."""
    if not text:
        return ()
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not a list of widths such as 100 or 128,64") from None


@dataclass(frozen=True)
class TrainingParameters(Options, Brief):
    """What to train.

    Parameters
    ----------
    states : int
        States of a synapse, 2 to 128.
    hidden : tuple of int
        Neurons of each hidden layer, at most 14 layers with the convolutions: 100 unless given, or
        no such layer (0) with `conv`.
    neuron : str or None
        Kind of hidden neurons: the device's, else sot, unless given. Others are cmos-bare,
        cmos-relu, cmos-sigmoid, relu and stochastic.
    pixel_bits : int
        Bits of a pixel, 1 to 8.
    hidden_bits : int
        Bits of a hidden activation, 1 to 8.
    rah_bits : int
        Bits of an R_AH word, 2 to 8, wide enough for the states.
    noise : float or None
        Standard deviation of the noise on every weight in training, 0 to 0.5, as a fraction of the
        range of R_AH: that of a write of the device, by state, unless given; none without a
        device.
    epochs : int
        Epochs with the machine's integers, 1 to 10,000: 100 unless given, quick 16; with `robust`
        150, quick 20. Epochs with real numbers go before, 0.6 as many, with `robust` 0.06.
    seed : int
        Seed of all random draws, 0 to 2**32 - 1.
    rate : float
        Peak of the learning rate with real numbers, 1e-6 to 1; with the machine's integers it is
        two thirds of it.
    batch : int or None
        Images in a batch, 1 to 65,536: 256 unless given, or fewer where there are few images.
    augmentation : Augmentation or None
        Distortion of training images: none, digits, gentle or objects (shifts and mirror images),
        with amounts as in objects,shift=2, in pixels of an image of 28 x 28. Unless given, digits
        for MNIST, quick gentle, and none for other data.
    target : TrainingTarget, optional
        Device whose levels the states have; the hidden layers have its neuron if it is of the
        kind that is asked for.
    robust : Robustness, optional
        With a device, train for chips of it with all variation, open loop and verified, taught by
        a wider network: usual, or options that differ from
        verified=0.6,taught=0.5,temperature=2.0,teacher=1024.
    tiles : Tiles, optional
        Tiles that the columns are cut into once training computes with the machine's integers.
    straight_through : bool
        Draw each use of neurons that switch by chance once training computes with the machine's
        integers; else they answer their mean.
    conv : tuple of Kernels
        Convolutions before the hidden layers: height x width x number of kernels, and s2 for a
        stride of 2, p1 or pad for a padding, pool for the maximum of 2 x 2, such as
        5x5x16 s2, 3x3x32 pad pool.
    neuron_per : str
        With `conv`, a neuron for a column, whose positions share it (column), or one for each
        position (position).
    quick : bool
        Train for seconds in place of minutes: fewer epochs unless given, and MNIST's images bent
        gently.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range, or the target's device has no such levels; the message
        names the range.
    """

    states: int = number(10, MIN_STATES, MAX_STATES)
    hidden: Annotated[tuple[int, ...], parsed(widths, "N[,N...]")] = field(default=None)  # pyright: ignore[reportAssignmentType]
    neuron: str | None = None
    pixel_bits: int = number(4, 1, 8)
    hidden_bits: int = number(4, 1, 8)
    rah_bits: Annotated[int, IN_RECIPE] = number(8, MIN_RAH_BITS, MAX_RAH_BITS)
    noise: float | None = number(None, 0, 0.5)
    epochs: int = number(None, 1, MAX_EPOCHS)
    seed: int = number(0, 0, 2**32 - 1)
    rate: float = number(RATE, 1e-6, 1)
    batch: Annotated[int | None, IN_RECIPE] = number(None, 1, 65_536)
    augmentation: Annotated[Augmentation | None, AUGMENT] = None
    target: Annotated[TrainingTarget | None, FLAT] = None
    robust: Annotated[Robustness | None, parsed(Robustness.parse, "OPTIONS")] = None
    tiles: Annotated[Tiles | None, TILES] = None
    straight_through: Annotated[bool, IN_RECIPE] = False
    conv: Annotated[tuple[Kernels, ...], parsed(read_conv, "KERNELS")] = ()
    neuron_per: Annotated[str, IN_RECIPE] = choice("column", NEURON_PER)
    quick: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epochs is None:
            object.__setattr__(self, "epochs", self._usual_epochs())
        uniform_levels(self.states, self.rah_bits)
        hidden = (() if self.conv else HIDDEN) if self.hidden is None else tuple(self.hidden)
        if self.conv and hidden == (0,):
            hidden = ()
        object.__setattr__(self, "hidden", hidden)
        layers = len(self.conv) + len(self.hidden)
        check_range("number of hidden layers", layers, 1, MAX_LAYERS - 1)
        if self.neuron_per != "column" and not self.conv:
            raise ValueError("`neuron_per` needs `conv`")
        for width in self.hidden:
            check_range("`hidden`", width, 1, MAX_LINES)
        if self.neuron is not None and self.neuron not in NEURONS:
            raise UnknownKind.named("neuron", NEURONS, self.neuron)
        if self.target is not None:
            self.target.levels(self.states, self.rah_bits)
        if self.robust is not None and self.target is None:
            raise ValueError("`robust` needs `device`, whose chips the network is to bear")
        if self.straight_through and not self.hidden_neuron.noise:
            raise ValueError("`straight_through` is for neurons that switch by chance: stochastic")

    def _usual_epochs(self) -> int:
        """Return the epochs where the caller does not give them."""
        if self.robust is None:
            return QUICK_EPOCHS if self.quick else EPOCHS
        return Robustness.QUICK_EPOCHS if self.quick else Robustness.EPOCHS

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
            usual = "gentle" if self.quick else DEFAULT_AUGMENTATION
            return AUGMENTATIONS[usual if dataset.digest == MNIST_DIGEST else "none"]
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
