"""Claims of the paper, the readings under which they are tried, and the verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

FALL = 0.005
"""Least share by which an accuracy must fall to count as falling."""


class Verdict(Enum):
    """Verdict on a claim.

    A claim is tried under one or more readings. A reading is either the *text's* (it takes the
    text at its word, or is one of several meanings of its words) or an *assumption* (it adds
    something that the text does not have).
    """

    REPRODUCED = "reproduced"
    """All of the text's readings agree with the claim."""
    ASSUMED = "reproduced under a named assumption"
    """No reading of the text agrees, but one with an assumption does."""
    CONTRADICTED = "contradicted"
    """No reading agrees."""
    UNDETERMINED = "not determined by the text"
    """Some of the text's readings agree, and some do not."""


@dataclass(frozen=True)
class Spread:
    """Mean and deviation of a figure over seeds.

    Attributes
    ----------
    mean, deviation : float
        Mean, and standard deviation of a sample (0 of a single value).
    count : int
        Number of values.
    """

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Compute mean and deviation of some values."""
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return cls(float(np.mean(values)), deviation, len(values))

    def cells(self) -> tuple[float, float, int]:
        """Return a share's mean and deviation in percent, and the count, for a table's row."""
        return round(100 * self.mean, 2), round(100 * self.deviation, 2), self.count

    def percent(self) -> str:
        """Format a share in percent, with its deviation if it has more than one value."""
        mean = f"{100 * self.mean:.2f}"
        return f"{mean} ± {100 * self.deviation:.2f} %" if self.count > 1 else f"{mean} %"


@dataclass(frozen=True)
class Reading:
    """Reading of a claim, and its outcome.

    Parameters
    ----------
    name : str
        Meaning or assumption.
    outcome : str
        Outcome in figures.
    agrees : bool
        True if the outcome agrees with the claim.
    assumption : bool
        True if the reading adds something that the text does not have.
    """

    name: str
    outcome: str
    agrees: bool
    assumption: bool = False


@dataclass(frozen=True)
class Claim:
    """Claim of the paper, tried under readings.

    Parameters
    ----------
    claim : str
        The claim in words.
    paper : str
        The paper's value.
    readings : sequence of Reading
        Readings; at least one.
    reason : str
        Reason for the verdict.
    summary : str
        Short outcome, for a claim with many readings.
    """

    claim: str
    paper: str
    readings: Sequence[Reading]
    reason: str
    summary: str = ""

    @property
    def verdict(self) -> Verdict:
        """Verdict by the rules of `Verdict`."""
        text = [reading.agrees for reading in self.readings if not reading.assumption]
        assumed = [reading.agrees for reading in self.readings if reading.assumption]
        if text and all(text):
            return Verdict.REPRODUCED
        if any(text):
            return Verdict.UNDETERMINED
        return Verdict.ASSUMED if any(assumed) else Verdict.CONTRADICTED

    @property
    def outcome(self) -> str:
        """Summary, or the only reading's figures, or each reading's with its name."""
        if self.summary:
            return self.summary
        if len(self.readings) == 1:
            return self.readings[0].outcome
        return "; ".join(f"{reading.name}: {reading.outcome}" for reading in self.readings)


def within(value: float, target: float, tolerance: float) -> bool:
    """Return True if a value is within a tolerance of a target, both ends included."""
    return abs(value - target) <= tolerance + 1e-12


def falls(spreads: Sequence[Spread]) -> bool:
    """Return True if an accuracy falls from the first value to the last of a sweep.

    It falls if the difference of the means exceeds half a point and twice its standard error.
    """
    first = spreads[0]
    last = spreads[-1]
    error = np.hypot(first.deviation / first.count**0.5, last.deviation / last.count**0.5)
    return first.mean - last.mean > max(FALL, 2 * float(error))


def accuracy(runs: Sequence[dict[str, Any]]) -> Spread:
    """Return the accuracy over runs that differ in their seeds only."""
    return Spread.of([run["accuracy"] for run in runs])
