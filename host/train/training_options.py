"""Options of training as texts: amounts of bending, and training for chips that vary."""

import math
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from allspin.host.options import parsed
from allspin.sim.errors import check_one_of
from allspin.sim.network.layer_kinds import MAX_LINES
from allspin.sim.parameters import Parameters, described, number

AUTO = math.inf
"""Learning rate that stands for a search, in the array."""


def learning_rate(text: str) -> float:
    """Read a learning rate; ``auto`` is `AUTO`, and infinity is the largest number."""
    return AUTO if text == "auto" else min(float(text), sys.float_info.max)


@dataclass(frozen=True)
class TextParameters(Parameters):
    """Parameters that a text names by their differences from others, such as ``shift=1``."""

    def differences(self, other: "TextParameters") -> list[str]:
        """Return the differences from other parameters, in the form that `changed` reads."""
        names = [
            name for name in described(type(self)) if getattr(self, name) != getattr(other, name)
        ]
        return [f"{name}={getattr(self, name)!r}" for name in names]

    def changed(self, option: str, words: Iterable[str]) -> Self:
        """Return the parameters with changes.

        Parameters
        ----------
        option : str
            Name of the option, for messages.
        words : iterable of str
            Changes, each such as ``shift=1``.

        Raises
        ------
        ValueError
            If a name is unknown, or a value is outside its range.
        """
        fields: dict[str, Any] = described(type(self))
        changes: dict[str, Any] = {}
        for word in words:
            name, _, value = (part.strip() for part in word.partition("="))
            if name not in fields:
                raise ValueError(f"{option} has no {name!r}; it has {', '.join(fields)}")
            try:
                changes[name] = fields[name].type(value)
            except ValueError:
                raise ValueError(f"{option} takes words such as {name}=1, not {word!r}") from None
        return replace(self, **changes)


@dataclass(frozen=True)
class Augmentation(TextParameters):
    """Amounts of bending of an image; each amount except `mirror` has a normal distribution.

    Amounts in pixels are for images of 28 x 28 pixels: 0.7 pixels move a point by a fortieth of the
    image's side, whatever its size.

    Parameters
    ----------
    rotation : float
        Standard deviation of the angle, in degrees, 0 to 180.
    stretch : float
        Standard deviation of the scale along either axis and of the shear, as a fraction, 0 to
        0.5.
    shift : float
        Standard deviation of the shift along either axis, in pixels, 0 to 1000.
    elastic : float
        Standard deviation of the displacement at the knots of a coarse grid, in pixels, 0 to 1000.
    mirror : float
        Share of the images whose left and right are exchanged, 0 to 1.
    """

    rotation: float = number(5.0, 0, 180)
    stretch: float = number(0.05, 0, 0.5)
    shift: float = number(0.7, 0, 1000)
    elastic: float = number(0.5, 0, 1000)
    mirror: float = number(0.0, 0, 1)

    @classmethod
    def parse(cls, augment: str) -> "Augmentation":
        """Read an augmentation from a text such as ``objects`` or ``digits,rotation=3``.

        Parameters
        ----------
        augment : str
            One of `AUGMENTATIONS`, and amounts that differ from it.

        Raises
        ------
        ValueError
            If a name is unknown, or an amount is outside its range.
        """
        name, *changes = augment.split(",")
        check_one_of("augment", name.strip(), AUGMENTATIONS)
        return AUGMENTATIONS[name.strip()].changed("augment", changes)

    @property
    def text(self) -> str:
        """Shortest text that `parse` turns into this augmentation."""
        names = [name for name, known in AUGMENTATIONS.items() if known == self]
        return ",".join(names or ["none", *self.differences(AUGMENTATIONS["none"])])


AUGMENTATIONS = {
    "none": Augmentation(0, 0, 0, 0),
    "digits": Augmentation(),
    "gentle": Augmentation(3.5, 0.035, 0.49, 0.35),
    "objects": Augmentation(0, 0, shift=1.0, elastic=0, mirror=0.5),
}
"""Augmentations by name: none; for digits, which are turned and bent a little but have one reading
direction; seven tenths of it, for few epochs; for objects, which stand upright and may look either
way."""
AUGMENT = parsed(Augmentation.parse, "NAME", name="--augment")
"""Option that names an augmentation."""


@dataclass(frozen=True)
class Robustness(TextParameters):
    """Options of a training for chips that vary.

    Parameters
    ----------
    verified : float
        Share of the images that see chips with verified cells and calibrated neurons, 0 to 1; the
        others see chips that are programmed open loop.
    taught : float
        Share of the loss that compares with the teacher's answers, 0 to 1; 0 for no teacher.
    temperature : float
        Divisor of the teacher's and the pupil's logits, 0.1 to 100.
    teacher : int
        Hidden neurons of the teacher, 1 to 65535.
    """

    EPOCHS = 150
    QUICK_EPOCHS = 20
    """Epochs with the machine's integers, by default."""
    FLOAT_SHARE = 0.06
    """Epochs with real numbers, before, for each one with the machine's integers."""
    TEACHER_SHARE = 0.15
    """Epochs of the teacher for each one of its pupil."""
    RATE_SHARE = 4.0
    """Peak of the learning rate with the machine's integers, as a share of that with real ones."""

    verified: float = number(0.6, 0, 1)
    taught: float = number(0.5, 0, 1)
    temperature: float = number(2.0, 0.1, 100)
    teacher: int = number(1024, 1, MAX_LINES)

    @classmethod
    def parse(cls, robust: str = "usual") -> "Robustness":
        """Read the options from a text such as ``usual`` or ``verified=0.8,taught=0``.

        Parameters
        ----------
        robust : str
            `USUAL`, or differences from it.

        Raises
        ------
        ValueError
            If an option is unknown, or its value is outside its range.
        """
        words = () if robust == USUAL else robust.split(",")
        return Robustness().changed("robust", words)

    @property
    def text(self) -> str:
        """Shortest text that `parse` turns into these options."""
        return ",".join(self.differences(Robustness())) or USUAL


USUAL = "usual"
"""Text of the default options of `Robustness`."""
ALL = ",".join(f"{name}={value}" for name, value in asdict(Robustness()).items())
"""The same in full."""
