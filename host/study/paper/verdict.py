"""What is said of a claim, and by which rule.

A claim is tried under one or more readings. A reading is either the *text's* (it takes the
text at its word, or is one of several things that its words can mean) or an *assumption* (it
adds something that the text does not have). Then

* all of the text's readings agree with the claim: reproduced;
* some agree and some do not: not determined by the text;
* none of the text's readings agrees, or the text has no reading: reproduced under a named
  assumption if one of the assumptions agrees, and contradicted if not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np


class Verdict(Enum):
    """What is said of a claim."""

    REPRODUCED = "reproduced"
    ASSUMED = "reproduced under a named assumption"
    CONTRADICTED = "contradicted"
    UNDETERMINED = "not determined by the text"


@dataclass(frozen=True)
class Spread:
    """A figure over seeds.

    Attributes
    ----------
    mean, deviation : float
        Mean, and standard deviation of a sample (0 of a single value).
    count : int
        Values.
    """

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Mean and deviation of some values."""
        array = np.asarray(values, np.float64)
        deviation = float(array.std(ddof=1)) if len(array) > 1 else 0.0
        return cls(float(array.mean()), deviation, len(array))

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / self.count**0.5

    def cells(self) -> tuple[float, float, int]:
        """A share's mean and deviation in percent, and the count, for a row of a table."""
        return round(100 * self.mean, 2), round(100 * self.deviation, 2), self.count

    def percent(self) -> str:
        """A share in percent, with its deviation where there is one."""
        mean = f"{100 * self.mean:.2f}"
        return f"{mean} ± {100 * self.deviation:.2f} %" if self.count > 1 else f"{mean} %"


@dataclass(frozen=True)
class Reading:
    """One way to take a claim, and what came out.

    Parameters
    ----------
    name : str
        What is taken to be meant, or assumed.
    outcome : str
        What came out, in figures.
    agrees : bool
        Whether that is what is claimed.
    assumption : bool
        Whether the reading adds something that the text does not have.
    """

    name: str
    outcome: str
    agrees: bool
    assumption: bool = False


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, tried.

    Parameters
    ----------
    claim : str
        What is claimed.
    paper : str
        The paper's value.
    readings : tuple of Reading
        How it was tried; at least one.
    reason : str
        Why the verdict is what it is.
    summary : str
        What came out in short, where the readings are many.

    Raises
    ------
    ValueError
        If there is no reading.
    """

    claim: str
    paper: str
    readings: tuple[Reading, ...]
    reason: str
    summary: str = ""

    def __post_init__(self) -> None:
        if not self.readings:
            raise ValueError(f"the claim {self.claim!r} was not tried")

    @property
    def verdict(self) -> Verdict:
        """The verdict, by the rule of this module."""
        text = [reading.agrees for reading in self.readings if not reading.assumption]
        assumed = [reading.agrees for reading in self.readings if reading.assumption]
        if text and all(text):
            return Verdict.REPRODUCED
        if any(text):
            return Verdict.UNDETERMINED
        return Verdict.ASSUMED if any(assumed) else Verdict.CONTRADICTED

    @property
    def outcome(self) -> str:
        """What came out: in short, or the reading's figures, or each reading's with its name."""
        if self.summary:
            return self.summary
        if len(self.readings) == 1:
            return self.readings[0].outcome
        return "; ".join(f"{reading.name}: {reading.outcome}" for reading in self.readings)


def within(value: float, target: float, tolerance: float) -> bool:
    """Whether a value is as near to a target as it may be, both ends included."""
    return abs(value - target) <= tolerance + 1e-12


FALL = 0.005
"""A fall of less than this share is none."""


def falls(spreads: Sequence[Spread]) -> bool:
    """Whether an accuracy falls from the first value to the last of a sweep.

    By more than half a point and twice the standard error of the difference of their means.
    """
    first, last = spreads[0], spreads[-1]
    noise = float(np.hypot(first.error, last.error))
    return first.mean - last.mean > max(FALL, 2 * noise)
