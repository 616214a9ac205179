"""What a network learns of a batch of images: on the machine, or each on a chip of its own."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.machine_pass import Noise
from allspin.host.train.gradient.number_formats import FINE, Array, NumberFormats
from allspin.host.train.gradient.passes import backward, forward
from allspin.host.train.target import Occasion
from allspin.host.train.training_options import Robustness
from allspin.sim.chip.chip import Chip, calibrate
from allspin.sim.device.device import Device
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip

FIRST_TRAINING_CHIP = 2**32 - 2**16
"""Chips from this seed on belong to training; `chips` and `sweep` count theirs from 0."""
CELLS = 4096
"""Cells of each state that a law is counted on: its deviations are known within 1.1 %."""
SLOPES = 0.1, 2.0
"""Least and most that a mean word may follow its level in the backward pass."""
CHIPS = 20
"""Chips that a trained network is judged by."""
FIRST_JUDGE = FIRST_TRAINING_CHIP + 1
"""The first of them: the law was counted on the one before."""
JUDGE_SEED = 1605
"""The same chips judge every epoch."""
LEAST_SHARE = 1e-12
"""A logarithm is taken of no less."""
SHARPNESS = 1e-3, 5.0
"""Standard deviations of logits between which a scale is looked for: with larger ones a network
that knows its images by heart would learn nothing more."""


def _slopes(values: npt.NDArray[np.float64], levels: npt.NDArray[np.int16]) -> Array:
    """Slope by level; states of one level share one."""
    own, place, counts = np.unique(levels, return_inverse=True, return_counts=True)
    means = np.bincount(place, values) / counts
    return np.gradient(means, own.astype(np.float64))[place].astype(np.float32)


def chip_law(
    device: Device, formats: NumberFormats, occasion: Occasion, tiled: bool = False
) -> ChipLaw:
    """What a device's chips make of states and of neurons: the noise that training for them has.

    A cell's R_AH word is a random number whose law depends on the state alone, once it is said how
    chips are programmed. Its mean and variance are counted on cells that the chip generator itself
    draws and clamps, so whatever a device file has is in them. A column sums many cells, so its
    sum is normal, with the sum of the means and of the variances. Columns' own draws are those of
    `allspin.sim.chip.chip.Chip.varied`.

    Parameters
    ----------
    device : Device
        What the chips are made of.
    formats : NumberFormats
        Levels, neuron and widths of the network.
    occasion : Occasion
        How the chips are used. Where they are calibrated no threshold differs, and a gain turns
        about the current of half an answer; tiles stay as they are: thresholds are behind them.
    tiled : bool
        Whether the amplifiers are those of tiles.
    """
    states = np.broadcast_to(np.arange(formats.states, dtype=np.uint8), (CELLS, formats.states))
    network = formats.network([Layer(states, formats.levels)], (1, CELLS), {})
    chip = Chip(device, FIRST_TRAINING_CHIP)
    calibrated = occasion.calibrated
    words = program_chip(chip, network, occasion.programming).words[0].astype(np.float64)
    mean, variance = words.mean(axis=0), words.var(axis=0)
    varies, wrong, adc = device.neuron_variation, device.imperfections, device.adc
    half = float(np.argmax(formats.table >= (int(formats.table.max()) + 1) // 2))
    offsets = np.hypot(varies.threshold_deviation(formats.neuron), wrong.converter_offset)
    return ChipLaw(
        mean.astype(np.float32),
        variance.astype(np.float32),
        np.clip(_slopes(mean, formats.levels), *SLOPES),
        _slopes(variance, formats.levels),
        read=float(np.hypot(wrong.read_noise, 0.0 if calibrated else wrong.amplifier_offset)),
        gain=varies.gain,
        pivot=half / formats.current_top if calibrated else varies.pivot(formats.neuron),
        sum_gain=float(np.hypot(0.0 if tiled else wrong.amplifier_gain, wrong.converter_gain)),
        threshold=0.0 if calibrated else float(offsets),
        use=varies.use_deviation(formats.neuron),
        tile_read=float(np.hypot(wrong.read_noise, wrong.amplifier_offset)),
        tile_steps=float(np.hypot(adc.offset, adc.noise)),
        tile_gain=float(np.hypot(adc.gain, wrong.amplifier_gain)),
        column_read=0.0 if calibrated else float(wrong.amplifier_offset),
        column_threshold=0.0 if calibrated else float(wrong.converter_offset),
        column_tile_read=float(wrong.amplifier_offset),
        column_tile_steps=float(adc.offset),
        words=words.astype(np.float32),
        deviation_slope=_slopes(np.sqrt(variance), formats.levels),
    )


def judge(
    network: Network,
    device: Device,
    occasion: Occasion,
    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> dict[str, Any]:
    """Judge a network by training's chips.

    Parameters
    ----------
    network : Network
        As it was trained.
    device : Device
        What the chips are made of.
    occasion : Occasion
        How they are programmed, and whether they are calibrated.
    images : tuple of ndarray
        Grey levels, shape (images, height, width), and classes, shape (images,).

    Returns
    -------
    dict
        How the ``chips`` are used, in words; the ``first`` and their ``number``; ``mean`` and
        ``worst`` share of the images that they classify rightly.
    """
    pixels, labels = images
    shares = []
    for seed in range(FIRST_JUDGE, FIRST_JUDGE + CHIPS):
        chip = Chip(device, seed)
        words = program_chip(chip, network, occasion.programming).words
        here = calibrate(chip, network).network if occasion.calibrated else network
        shares.append(float(np.mean(chip.golden(here, words).classify(pixels) == labels)))
    return {
        "chips": f"{occasion.programming.scheme}{', calibrated' if occasion.calibrated else ''}",
        "first": FIRST_JUDGE,
        "number": CHIPS,
        "mean": round(float(np.mean(shares)), 6),
        "worst": round(min(shares), 6),
    }


def softmax(logits: Array) -> Array:
    """Shares of the classes, shape (images, classes)."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def cross_entropy(logits: Array, labels: npt.NDArray[np.integer]) -> tuple[Array, Array]:
    """Loss of each image, in nats, and its slope by each logit."""
    rows = np.arange(len(labels))
    slope = softmax(logits)
    losses = -np.log(np.maximum(slope[rows, labels], LEAST_SHARE))
    slope[rows, labels] -= 1
    return losses, slope


def calibrated(logits: npt.NDArray[Any], labels: npt.NDArray[np.integer]) -> tuple[float, Array]:
    """The factor on logits with which their mean cross-entropy is least, and each image's then.

    Temperature scaling, with the factor in place of its inverse (Guo, Pleiss, Sun and Weinberger,
    2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : ndarray of float, shape (images, classes)
    labels : ndarray of int64, shape (images,)
    """
    from scipy.optimize import minimize_scalar

    varying = (logits - logits.mean(axis=1, keepdims=True)).astype(np.float32)
    spread = max(float(varying.std()), LEAST_SHARE)
    found = minimize_scalar(
        lambda log: float(cross_entropy(math.exp(log) * varying, labels)[0].mean()),
        bounds=np.log(np.divide(SHARPNESS, spread)),
        method="bounded",
    )
    factor = math.exp(found.x)
    return factor, cross_entropy(factor * varying, labels)[0]


def told(teacher: LatentNetwork, values: Array, temperature: float) -> Array:
    """Share of each class that a teacher sees.

    A dense one computes forward only, in place, since it is the widest network by far.

    Parameters
    ----------
    teacher : LatentNetwork
        Not quantised, with one hidden layer, or with convolutions before it.
    values : ndarray of float32, shape (rows, images)
        Row values as whole numbers.
    temperature : float
        By which its logits are divided.

    Returns
    -------
    ndarray of float32, shape (images, classes)
    """
    factor = np.float32(np.exp(teacher.log_scale[0]) / temperature)
    if teacher.at_once is not None:
        parts = teacher.passes(0, values.shape[1])
        logits = [forward(teacher, values[:, start:end])[0] for start, end in parts]
        return softmax(np.concatenate(logits) * factor)
    sums = values.T @ teacher.weights[0]
    sums /= np.float32(teacher.formats.input_top(0))
    sums *= teacher.gains(0)
    sums -= teacher.offsets[0]
    place = np.clip(sums, 0, 1, out=sums)
    place *= np.float32(FINE - 1)
    place += np.float32(0.5)
    answers = teacher.formats.smooth[0].take(place.astype(np.intp), mode="clip")
    logits = answers @ teacher.weights[1]
    logits *= factor
    return softmax(logits)


class Lesson:
    """Loss, gradient and accuracy of a network in training.

    Parameters
    ----------
    noise : Noise
        On the machine's weights, where no chips are learnt for.
    laws : sequence of (float, ChipLaw)
        Share of a batch's images, and what their chips are; none to learn on the machine.
    robustness : Robustness, optional
        How much the teacher says.
    teacher : LatentNetwork, optional
        Who teaches.
    """

    def __init__(
        self,
        noise: Noise,
        laws: Sequence[tuple[float, ChipLaw]] = (),
        robustness: Robustness | None = None,
        teacher: LatentNetwork | None = None,
    ) -> None:
        self.laws = laws
        self.robustness = robustness or Robustness()
        self.teacher = teacher
        self._learnt: Sequence[tuple[float, Noise | ChipLaw]] = laws or [(1.0, noise)]

    def gradient(
        self,
        network: LatentNetwork,
        values: Array,
        labels: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[float, Array]:
        """Mean cross-entropy of a batch, and the gradient of what is learnt by each parameter.

        Parameters
        ----------
        network : LatentNetwork
            Who learns.
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.
        labels : ndarray of int64, shape (images,)
            Class of each image.
        rng : Generator
            Draws the noise, or the chips.
        """
        images = len(labels)
        scale = np.exp(network.log_scale[0])
        taught = None
        if self.teacher is not None:
            taught = told(self.teacher, values, self.robustness.temperature)
        losses, gradients = [], []
        ends = np.rint(np.cumsum([share for share, _ in self._learnt]) * images).astype(int)
        passes = [
            (how, *part)
            for (_, how), start, end in zip(self._learnt, [0, *ends], ends, strict=False)
            for part in network.passes(start, end)
        ]
        for how, start, end in passes:
            sums, record = forward(network, values[:, start:end], how, rng)
            said = None if taught is None else taught[start:end]
            lost, slope = self.loss(sums * scale, labels[start:end], said)
            slope /= np.float32(images)
            gradient = backward(network, slope * scale, record)
            gradient[-1] = scale * np.sum(slope * sums)
            losses.append(lost)
            gradients.append(gradient)
        # Summed as they ever were: another rounding would change what is written down.
        if self.laws:
            loss = sum(float(np.sum(each)) for each in losses) / images
        else:
            loss = float(np.mean(np.concatenate(losses)))
        return loss, sum(gradients[1:], gradients[0])

    def loss(
        self, logits: Array, labels: npt.NDArray[np.int64], taught: Array | None
    ) -> tuple[Array, Array]:
        """Cross-entropy of each image, and the slope of what is learnt by each logit."""
        losses, slope = cross_entropy(logits, labels)
        if taught is not None:
            how = self.robustness
            slope *= np.float32(1 - how.taught)
            pupil = softmax(logits / np.float32(how.temperature))
            slope += np.float32(how.taught * how.temperature) * (pupil - taught)
        return losses, slope

    def accuracy(
        self, network: LatentNetwork, values: Array, labels: npt.NDArray[np.int64]
    ) -> float:
        """Share of images that are classified rightly, without noise or over the laws' chips.

        Parameters
        ----------
        network : LatentNetwork
            Who learns.
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.
        labels : ndarray of int64, shape (images,)
            Class of each image.
        """
        rng = np.random.default_rng(JUDGE_SEED)
        judged: Sequence[tuple[float, Noise | ChipLaw]] = self.laws or [(1.0, 0.0)]
        total = 0.0
        for share, how in judged:
            sums = [
                forward(network, values[:, start:end], how, rng)[0]
                for start, end in network.passes(0, len(labels))
            ]
            classes = np.argmax(np.concatenate(sums), axis=1)
            total += share * float(np.mean(classes == labels))
        return total / sum(share for share, _ in judged)
