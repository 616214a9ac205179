"""Options of training for chips that vary."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.host.train.latent import Array, NumberFormats
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.errors import check_number, check_range
from allspin.sim.network.network import MAX_LINES, Layer
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming, usual_tries

EPOCHS = 150
QUICK_EPOCHS = 20
"""Epochs with the machine's integers, unless told."""
FLOAT_SHARE = 0.06
"""Epochs with real numbers, before, to each one with the machine's integers."""
TEACHER_SHARE = 0.15
"""Epochs of the teacher to each one of its pupil."""
RATE_SHARE = 4.0
"""Peak of the learning rate with the machine's integers, as a share of that with real numbers."""
MAX_TEMPERATURE = 100.0
USUAL = "usual"
"""The options as they are unless told, in words."""
KINDS = {"verified": float, "taught": float, "temperature": float, "teacher": int}
"""Options by name, and what their values are."""


@dataclass(frozen=True)
class Occasion:
    """A way in which chips are used, and the share of training that it has.

    Parameters
    ----------
    programming : Programming
        How the chips are programmed.
    calibrated : bool
        Whether their neurons are calibrated.
    share : float
        Of the images of a batch.
    """

    programming: Programming
    calibrated: bool
    share: float

    @property
    def title(self) -> str:
        """What it is called."""
        return f"{self.programming.scheme}{', calibrated' if self.calibrated else ''}"


@dataclass(frozen=True)
class Robustness:
    """How a network is trained for chips that vary.

    Parameters
    ----------
    verified : float
        Share of the images that see chips with verified cells and calibrated neurons, 0 to 1; the
        others see chips of the target's programming that nothing was read of.
    taught : float
        Share of the loss that the teacher's answers have, 0 to 1; with 0 there is no teacher.
    temperature : float
        By which teacher's and pupil's logits are divided, 0.1 to 100.
    teacher : int
        Hidden neurons of the teacher, 1 to 65535.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    verified: float = 0.6
    taught: float = 0.5
    temperature: float = 2.0
    teacher: int = 1024

    def __post_init__(self) -> None:
        for name, low, high in (
            ("verified", 0, 1),
            ("taught", 0, 1),
            ("temperature", 0.1, MAX_TEMPERATURE),
        ):
            object.__setattr__(self, name, check_number(name, getattr(self, name), low, high))
        check_range("teacher", self.teacher, 1, MAX_LINES)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The options that a text such as ``usual`` or ``verified=0.8,taught=0`` names.

        Parameters
        ----------
        text : str
            `USUAL`, or what differs from it.

        Raises
        ------
        ValueError
            If there is no such option, or its value is outside its range.
        """
        changes: dict[str, Any] = {}
        for word in text.split(",") if text != USUAL else ():
            name, _, value = (part.strip() for part in word.partition("="))
            if name not in KINDS:
                raise ValueError(f"robust has no option {name!r}; it has {', '.join(KINDS)}")
            try:
                changes[name] = KINDS[name](value)
            except ValueError:
                raise ValueError(f"robust takes options such as taught=0, not {word!r}") from None
        return cls(**changes)

    @property
    def text(self) -> str:
        """The shortest text that `parse` reads as these options."""
        usual = type(self)()
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name in KINDS
            if getattr(self, name) != getattr(usual, name)
        ]
        return ",".join(changed) or USUAL

    def occasions(self, programming: Programming, states: int) -> tuple[Occasion, Occasion]:
        """The chips that a network is trained for.

        Parameters
        ----------
        programming : Programming
            Of chips that nothing is read of.
        states : int
            Of the network, by which write-verify has its limit.
        """
        tries = usual_tries(states)
        verified = replace(programming, scheme="write-verify", tries=tries)
        return (
            Occasion(programming, False, 1 - self.verified),
            Occasion(verified, True, self.verified),
        )


ALL = ",".join(f"{name}={getattr(Robustness(), name)}" for name in KINDS)
"""The usual options in full."""


# What a device's chips make of states and of neurons: the noise that training for chips has.
#
# A cell's R_AH word is a random number whose law depends on the state alone, once it is said how
# chips are programmed. Its mean and variance are counted on cells that the chip generator itself
# draws and clamps (`allspin.sim.programming.programming.program_chip`), so whatever a device file
# has is in them. A column sums many cells, so its sum is normal, with the sum of the means and of
# the variances. Columns' own draws are those of `allspin.sim.chip.chip.Chip.varied`.

FIRST_TRAINING_CHIP = 2**32 - 2**16
"""Chips from this seed on belong to training; `chips` and `sweep` count theirs from 0."""
CELLS = 4096
"""Cells of each state that a law is counted on: its deviations are known within 1.1 %."""
STEEPEST = 2.0
"""Most that a mean word may follow its level in the backward pass; least is a tenth of 1."""
FLATTEST = 0.1


@dataclass(frozen=True, eq=False)
class ColumnLaw:
    """How the columns of a hidden layer differ, each figure a standard deviation.

    Parameters
    ----------
    gain : float
        Of the neuron, a factor on its current about `pivot`.
    pivot : float
        Current that a gain's deviation leaves as it is, as a fraction of full scale.
    sum_gain : float
        Of amplifier and V-I converter: a factor on the column's sum.
    threshold : float
        Of the current, fixed for a column, as a fraction of its full scale.
    use : float
        Of the current at each use, as a fraction of its full scale.
    """

    gain: float = 0.0
    pivot: float = 0.0
    sum_gain: float = 0.0
    threshold: float = 0.0
    use: float = 0.0


@dataclass(frozen=True, eq=False)
class TileLaw:
    """How the reads of tiles differ, each figure a standard deviation.

    Parameters
    ----------
    read : float
        Of a tile's sum at each use, and of its amplifier, in the range of a cell at full row value.
    steps : float
        Of the same sum, by its converter, in steps of a conversion.
    gain : float
        Of amplifier and converter: a factor on the tile's sum.
    """

    read: float = 0.0
    steps: float = 0.0
    gain: float = 0.0


@dataclass(frozen=True, eq=False)
class ChipLaw:
    """What chips make of each state, and of each column.

    Attributes
    ----------
    mean, variance : ndarray of float32, shape (states,)
        Of a cell's R_AH word.
    mean_slope, variance_slope : ndarray of float32, shape (states,)
        How both change with the state's level, in words by word.
    read : float
        Standard deviation of a column's sum at each use, in the range of a cell at full row value.
    columns : ColumnLaw
        Of the hidden layers.
    tiles : TileLaw
        Of layers that are cut into tiles, in place of `read`.
    """

    mean: Array
    variance: Array
    mean_slope: Array
    variance_slope: Array
    read: float
    columns: ColumnLaw
    tiles: TileLaw = TileLaw()


def _slopes(values: npt.NDArray[np.float64], levels: npt.NDArray[np.int16]) -> Array:
    """Slope by level; states of one level share one."""
    own, place, counts = np.unique(levels, return_inverse=True, return_counts=True)
    means = np.bincount(place, values) / counts
    return np.gradient(means, own.astype(np.float64))[place].astype(np.float32)


def drawn_words(
    device: Device, formats: NumberFormats, programming: Programming, seed: int
) -> npt.NDArray[np.int8]:
    """Words of cells of every state on one chip.

    Returns
    -------
    ndarray of int8, shape (CELLS, states)
    """
    states = np.broadcast_to(np.arange(formats.states, dtype=np.uint8), (CELLS, formats.states))
    network = formats.network([Layer(states, formats.levels)], (1, CELLS), {})
    return program_chip(Chip(device, seed), network, programming).words[0]


def half_scale_current(formats: NumberFormats) -> float:
    """Current at which a mean neuron answers half of full scale, as a fraction of full scale."""
    answers = formats.table
    return float(np.argmax(answers >= (int(answers.max()) + 1) // 2)) / formats.current_top


def tile_law(device: Device) -> TileLaw:
    """How the reads of a device's tiles differ.

    Calibration sets thresholds, which are behind the converters, so it leaves them as they are.
    """
    wrong, adc = device.imperfections, device.adc
    return TileLaw(
        float(np.hypot(wrong.read_noise, wrong.amplifier_offset)),
        float(np.hypot(adc.offset, adc.noise)),
        float(np.hypot(adc.gain, wrong.amplifier_gain)),
    )


def chip_law(
    device: Device,
    formats: NumberFormats,
    programming: Programming,
    calibrated: bool,
    tiled: bool = False,
) -> ChipLaw:
    """The law of a device's chips.

    Parameters
    ----------
    device : Device
        What the chips are made of.
    formats : NumberFormats
        Levels, neuron and widths of the network.
    programming : Programming
        How the chips are programmed.
    calibrated : bool
        Whether their neurons are calibrated: then no threshold differs, and a gain turns about
        the current of half an answer.
    tiled : bool
        Whether the amplifiers are those of tiles.

    Returns
    -------
    ChipLaw
    """
    words = drawn_words(device, formats, programming, FIRST_TRAINING_CHIP).astype(np.float64)
    mean, variance = words.mean(axis=0), words.var(axis=0)
    varies, wrong = device.neuron_variation, device.imperfections
    offsets = np.hypot(varies.threshold_deviation(formats.neuron), wrong.converter_offset)
    columns = ColumnLaw(
        gain=varies.gain,
        pivot=half_scale_current(formats) if calibrated else varies.pivot(formats.neuron),
        sum_gain=float(np.hypot(0.0 if tiled else wrong.amplifier_gain, wrong.converter_gain)),
        threshold=0.0 if calibrated else float(offsets),
        use=varies.use_deviation(formats.neuron),
    )
    return ChipLaw(
        mean.astype(np.float32),
        variance.astype(np.float32),
        np.clip(_slopes(mean, formats.levels), FLATTEST, STEEPEST),
        _slopes(variance, formats.levels),
        float(np.hypot(wrong.read_noise, 0.0 if calibrated else wrong.amplifier_offset)),
        columns,
        tile_law(device),
    )


def laws(
    device: Device, formats: NumberFormats, occasions: Sequence[Occasion], tiled: bool = False
) -> list[tuple[float, ChipLaw]]:
    """Share and law of each occasion that has a share."""
    return [
        (each.share, chip_law(device, formats, each.programming, each.calibrated, tiled))
        for each in occasions
        if each.share
    ]
