"""Options of training that are words: how images are bent, which chips to bear, recipe files."""

import reprlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from allspin.host.data.catalogue import shipped_devices
from allspin.sim.errors import check_one_of, refused
from allspin.sim.files import read_text
from allspin.sim.network.network import MAX_LINES
from allspin.sim.parameters import Parameters, described, number, option
from allspin.sim.plain_values import MAX_TOML, parse_toml


@dataclass(frozen=True)
class Worded(Parameters):
    """Parameters that are named by what differs from others, such as ``shift=1``."""

    def differences(self, other: "Worded") -> list[str]:
        """What differs, as `changed` reads it."""
        return [
            f"{name}={value!r}"
            for name in described(type(self))
            if (value := getattr(self, name)) != getattr(other, name)
        ]

    def changed(self, option: str, words: Iterable[str]) -> Self:
        """The same with changes.

        Parameters
        ----------
        option : str
            What messages call the parameters.
        words : iterable of str
            Changes, each such as ``shift=1``.

        Raises
        ------
        ValueError
            If there is no such parameter, or its value is outside its range.
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
class Augmentation(Worded):
    """How far an image may be bent; each amount but the last has a normal distribution.

    Pixels are those of an image of 28 x 28 pixels: what is bent by 0.7 of them moves by a fortieth
    of the image's side, whatever its size.

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
        """The augmentation that a text such as ``objects`` or ``digits,rotation=3`` names.

        Parameters
        ----------
        augment : str
            One of `AUGMENTATIONS`, and amounts that differ from its own.

        Raises
        ------
        ValueError
            If there is no such name or amount, or an amount is outside its range.
        """
        name, *changes = augment.split(",")
        check_one_of("augment", name.strip(), AUGMENTATIONS)
        return AUGMENTATIONS[name.strip()].changed("augment", changes)

    @property
    def text(self) -> str:
        """The shortest text that `parse` reads as this augmentation."""
        names = [name for name, known in AUGMENTATIONS.items() if known == self]
        return ",".join(names or ["none", *self.differences(AUGMENTATIONS["none"])])


AUGMENTATIONS = {
    "none": Augmentation(0, 0, 0, 0),
    "digits": Augmentation(),
    "gentle": Augmentation(3.5, 0.035, 0.49, 0.35),
    "objects": Augmentation(0, 0, shift=1.0, elastic=0, mirror=0.5),
}
"""By name: images as they are; digits, which are turned and bent a little but have one reading
direction; the same by seven tenths, for few epochs; things, which stand upright and may look
either way."""


@dataclass(frozen=True)
class Robustness(Worded):
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
    """

    EPOCHS = 150
    QUICK_EPOCHS = 20
    """Epochs with the machine's integers, unless told."""
    FLOAT_SHARE = 0.06
    """Epochs with real numbers, before, to each one with the machine's integers."""
    TEACHER_SHARE = 0.15
    """Epochs of the teacher to each one of its pupil."""
    RATE_SHARE = 4.0
    """Peak of the learning rate with the machine's integers, as a share of that with real ones."""

    verified: float = number(0.6, 0, 1)
    taught: float = number(0.5, 0, 1)
    temperature: float = number(2.0, 0.1, 100)
    teacher: int = number(1024, 1, MAX_LINES)

    @classmethod
    def parse(cls, robust: str = "usual") -> "Robustness":
        """The options that a text such as ``usual`` or ``verified=0.8,taught=0`` names.

        Parameters
        ----------
        robust : str
            `USUAL`, or what differs from it.

        Raises
        ------
        ValueError
            If there is no such option, or its value is outside its range.
        """
        return Robustness().changed("robust", robust.split(",") if robust != USUAL else ())

    @property
    def text(self) -> str:
        """The shortest text that `parse` reads as these options."""
        return ",".join(self.differences(Robustness())) or USUAL


USUAL = "usual"
"""The options of `Robustness` as they are unless told, in words."""
ALL = ",".join(f"{name}={value}" for name, value in asdict(Robustness()).items())
"""The same in full."""

ROUNDINGS = {
    "stochastic": "at random, so that the mean number of pulses is what was asked for",
    "nearest": "to the nearest whole number",
}
"""How a change becomes whole pulses."""
SCHEMES = {
    "equal": "equal pulses, P_max for a change by the whole range, wherever the film is",
    "width": "pulses as wide as the step from the present R_AH needs: shorter or wider ones",
    "sign": "one pulse where the change that is asked for is beyond a threshold",
}
"""What pulses an update is made of."""


@dataclass(frozen=True)
class LearnRule(Parameters):
    """How changes become pulses.

    Parameters
    ----------
    update : str
        One of `SCHEMES`.
    rounding : str
        One of `ROUNDINGS`; single pulses know no rounding.
    threshold : float
        Of ``sign``: change of a weight beyond which there is a pulse.
    momentum : float
        Share of each change that is asked for again with the next, 0 to 0.999; in software: no
        array keeps it.
    reference : str
        What reads as a weight of 0: the ``middle`` of the range, the ``symmetry`` point, or R_AH.
    pair : bool
        Whether a weight is the difference of two devices.
    """

    update: str = field(
        default="equal",
        metadata={"known": SCHEMES}
        | option(f"pulses of an update: {', '.join(SCHEMES)} (equal)", "NAME"),
    )
    rounding: str = field(
        default="stochastic",
        metadata={"known": ROUNDINGS}
        | option(f"to whole pulses: {', '.join(ROUNDINGS)} (stochastic)", "NAME"),
    )
    threshold: float = field(
        default=0.0,
        metadata={"low": 0.0, "high": 1e6}
        | option("with --update sign, change of a weight from which there is a pulse (0)", "X"),
    )
    momentum: float = field(
        default=0.0,
        metadata={"low": 0.0, "high": 0.999}
        | option("of the changes, in software, which no array has (0)", "SHARE"),
    )
    reference: str = field(
        default="middle",
        metadata=option("what reads as weight 0: middle, symmetry or R_AH (middle)", "POINT"),
    )
    pair: bool = field(default=False, metadata=option("two devices a weight, with refresh"))

    @property
    def text(self) -> dict[str, Any]:
        """What differs from the rule that is used unless told, by the names of options."""
        usual = LearnRule()
        return {
            name: getattr(self, name)
            for name, value in vars(usual).items()
            if getattr(self, name) != value
        }


KEYS: dict[str, type] = {
    "states": int,
    "hidden": list,
    "neuron": str,
    "pixel_bits": int,
    "hidden_bits": int,
    "rah_bits": int,
    "noise": float,
    "augment": str,
    "rate": float,
    "batch": int,
    "device": str,
    "at": str,
    "level_choice": str,
    "polarity": str,
    "robust": str,
    "tile_rows": int,
    "adc_bits": int,
    "straight_through": bool,
    "conv": str,
    "neuron_per": str,
    "epochs": int,
    "seed": int,
    "data": str,
    "in_array": bool,
    "update": str,
    "rounding": str,
    "threshold": float,
    "momentum": float,
    "reference": str,
    "pair": bool,
}
"""Keys of a recipe file: the options of ``train`` with underscores, and what they hold."""
KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list of whole numbers",
    bool: "true or false",
}


def read_recipe(path: Path) -> dict[str, Any]:
    """Options of a training that a TOML file holds; ``docs/formats.md`` lists them.

    Parameters
    ----------
    path : Path
        The file. Paths in it count from its folder.

    Returns
    -------
    dict
        Some of `KEYS`: ``data`` as a Path, ``device`` as the name of one that ships or a path.

    Raises
    ------
    UserError
        If the file cannot be read, is no TOML, or has a key or a type of value that no recipe has.
    """
    text = read_text(path, "recipe", MAX_TOML)
    with refused(f"{path} is not a recipe: "):
        values = parse_toml(text)
        for key, value in values.items():
            if key not in KEYS:
                known = ", ".join(KEYS)
                raise ValueError(f"it has the unknown key {reprlib.repr(key)}; keys are {known}")
            fits = type(value) is KEYS[key] or (KEYS[key] is float and type(value) is int)
            if isinstance(value, list):
                fits = fits and {type(width) for width in value} <= {int}
            if not fits:
                raise ValueError(f"{key} must be {KINDS[KEYS[key]]}, not {reprlib.repr(value)}")
    if "data" in values:
        values["data"] = path.parent / values["data"]
    if "device" in values and values["device"] not in shipped_devices():
        values["device"] = str(path.parent / values["device"])
    return values
