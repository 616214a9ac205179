"""Scales and ticks of axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (1, 2, 2.5, 5, 10)
"""Round steps between ticks, times a power of ten."""

FEW_TICKS = 3
"""With fewer round ticks than this on a logarithmic axis, those of a linear one are better."""


@dataclass(frozen=True)
class Scale:
    """From values to places.

    Parameters
    ----------
    low, high : float
        Ends of the values; `low` below `high`, and above 0 where the scale is logarithmic.
    start, end : float
        Where they are, in pixels.
    log : bool
        Whether equal factors are equal distances.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Place of a value, in pixels."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


@dataclass(frozen=True)
class Axis:
    """An axis.

    Parameters
    ----------
    label : str
        What it is, with its unit.
    log : bool
        Whether it is logarithmic.
    ends : tuple of float, optional
        Where it starts and ends; around the values by default.
    """

    label: str
    log: bool = False
    ends: tuple[float, float] | None = None

    def around(self, values: Sequence[float], share: float = 0.04) -> tuple[float, float]:
        """Its ends, with a share of room either side of values unless they are given."""
        return self.ends or padded(values, self.log, share)

    def ticks(self, ends: tuple[float, float], most: int) -> list[float]:
        """Its ticks between these ends."""
        return (log_ticks if self.log else linear_ticks)(*ends, most)


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`, as many as `most` allows (at least 2 steps)."""
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in STEPS if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.14g}") for number in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten from `low` to `high`, with 3 or with 2 and 5 times them as there is room."""
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found: list[float] = []
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [
            float(f"{factor}e{power}")
            for power in range(bottom, top + 1)
            for factor in factors
            if low * (1 - 1e-9) <= factor * 10.0**power <= high * (1 + 1e-9)
        ]
        if len(ticks) <= most or not found:
            found = ticks
    if len(found) < FEW_TICKS:
        return [tick for tick in linear_ticks(low, high, most) if tick > 0]
    return found[:: max(1, -(-len(found) // most))]


def tick_text(value: float) -> str:
    """A tick's label."""
    if 1e6 <= value < 1e9:
        return f"{value / 1e6:g} M"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")


def padded(values: Sequence[float], log: bool = False, share: float = 0.04) -> tuple[float, float]:
    """Ends of an axis that holds values with some room either side."""
    low, high = min(values), max(values)
    if log:
        margin = (high / low) ** share if high > low else 2.0
        return low / margin, high * margin
    margin = (high - low) * share if high > low else abs(high) * 0.1 or 1.0
    return low - margin, high + margin
