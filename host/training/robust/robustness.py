"""Options of training for chips that vary."""

from dataclasses import dataclass, replace
from typing import Any, Self

from allspin.sim.device.checks import check_number
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import MAX_LINES
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
