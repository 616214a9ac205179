"""Variation of synapses: between cycles (C2C) and between devices (D2D)."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from allspin.sim.parameters import Parameters, choice, number
from allspin.sim.synapse.response import Array, Polarity

SMALLEST_FACTOR = 0.05
"""Smallest share of the nominal range or nonlinearity that a device's own can be."""
CYCLE_READINGS = {
    "range": "of the range R_max - R_min",
    "step": "of the mean step, (R_max - R_min) / (states - 1)",
    "increment": "of the change that the pulse or write itself makes",
}
"""Quantity that a C2C figure is a fraction of; the paper does not state it."""
OCCASIONS = {
    "write": "once a write, however many pulses it takes",
    "pulse": "on each pulse",
    "root": "once a write, times the root of its pulses, as NeuroSim does",
}
"""Occasion on which a C2C deviation is drawn."""
DEVICE_READINGS = {
    "range": "an offset of R_AH, of the range R_max - R_min",
    "step": "an offset of R_AH, of the mean step (R_max - R_min) / (states - 1)",
    "weight": "a factor on R_AH, counted from the middle of the range",
    "span": "a factor on the polarity's range, counted from where it starts",
    "nonlinearity": "a factor on the polarity's A",
}
"""Quantity that a D2D figure is a fraction of; the paper does not state it."""


@dataclass(frozen=True)
class SynapseVariation(Parameters):
    """Base class of Gaussian variations: a figure for each polarity, and its reading.

    Attributes
    ----------
    short : str
        Name in messages.
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of the reading's quantity.
    reading : str
        Name of that quantity.
    """

    short: ClassVar[str]

    potentiation: float = number(0.0, 0, 1)
    depression: float = number(0.0, 0, 1)
    reading: str = "range"

    def called(self, name: str) -> str:
        """See `Parameters.called`."""
        if name in ("potentiation", "depression"):
            return f"{self.short} of {name}"
        return f"the {name} of {self.short}"

    def __str__(self) -> str:
        figures = f"{self.potentiation:.3g} (potentiation), {self.depression:.3g} (depression)"
        return f"{self.short} {figures}"

    def __getitem__(self, polarity: Polarity) -> float:
        """Return the figure of a polarity."""
        return self.depression if polarity else self.potentiation

    def multiplied(self, factor: float) -> Self:
        """Return the variation with both figures multiplied by a factor.

        Raises
        ------
        ValueError
            If a figure leaves its range.
        """
        return dataclasses.replace(
            self, potentiation=self.potentiation * factor, depression=self.depression * factor
        )


@dataclass(frozen=True)
class CycleVariation(SynapseVariation):
    """Cycle-to-cycle (C2C) variation: Gaussian, drawn anew on each occasion.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by the polarity of the pulse, 0 to 1, as a fraction of the reading's
        quantity.
    reading : str
        One of `CYCLE_READINGS`.
    occasion : str
        One of `OCCASIONS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    short: ClassVar[str] = "C2C"

    reading: str = choice("range", CYCLE_READINGS)
    occasion: str = choice("write", OCCASIONS)

    def __str__(self) -> str:
        return f"{super().__str__()} {CYCLE_READINGS[self.reading]}, {OCCASIONS[self.occasion]}"


def correlation_text(correlation: float) -> str:
    """Describe the correlation of a device's deviations; empty if it is 0."""
    if not correlation:
        return ""
    return f", with a correlation of {correlation:g} between polarities"


@dataclass(frozen=True)
class DeviceVariation(SynapseVariation):
    """Device-to-device (D2D) variation: Gaussian, drawn once for a device and polarity.

    Parameters
    ----------
    potentiation, depression : float
        Standard deviation by polarity, 0 to 1, as a fraction of the reading's quantity.
    reading : str
        One of `DEVICE_READINGS`.
    correlation : float
        Correlation of a device's deviations of the two polarities, -1 to 1.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    short: ClassVar[str] = "D2D"

    reading: str = choice("range", DEVICE_READINGS)
    correlation: float = number(0.0, -1, 1)

    def __str__(self) -> str:
        correlation = correlation_text(self.correlation)
        return f"{super().__str__()}: {DEVICE_READINGS[self.reading]}{correlation}"

    def factor(self, of: str, polarity: Polarity, deviate: npt.ArrayLike) -> Array:
        """Return each device's factor on the quantity `of`; 1 if the reading is another one."""
        if self.reading != of:
            return np.ones(())
        z = np.asarray(deviate, np.float64)
        return np.maximum(1 + self[polarity] * z, SMALLEST_FACTOR)
