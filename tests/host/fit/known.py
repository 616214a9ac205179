"""Data drawn from known devices, by formulas written out here, and files of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.fit.fitted import Fitted
from allspin.host.fit.fitting import fit_all
from allspin.host.fit.options import FitOptions
from allspin.host.lab.curves import Curve, Measurement
from allspin.sim.synapse.response import Polarity

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    """A device whose figures are known. The range is from -0.4 to 0.6 ohm."""

    a: tuple[float, float] = (22.0, 9.0)
    pulses: int = 50
    c2c: tuple[float, float] = (0.03, 0.02)
    occasion: str = "write"
    d2d: tuple[float, float] = (0.0, 0.0)
    reading: str = "range"

    def curve(self, polarity: Polarity, n: Floats, z: float = 0.0) -> Floats:
        """R_AH after n pulses, for a device z standard deviations up."""
        a, sigma = self.a[polarity], self.d2d[polarity] * z
        if self.reading == "nonlinearity":
            a *= 1 + sigma
        moved = (1 - np.exp(-n / a)) / (1 - np.exp(-self.pulses / a))
        if self.reading == "span":
            moved = moved * (1 + sigma)
        r = 0.6 - moved if polarity else -0.4 + moved
        if self.reading == "range":
            r = r + sigma
        if self.reading == "weight":
            r = 0.1 + (r - 0.1) * (1 + sigma)
        return r

    def draw(self, seed: int, devices: int, cycles: int) -> list[Curve]:
        """Curves of some devices and cycles."""
        rng = np.random.default_rng(seed)
        n = np.arange(self.pulses + 1.0)
        curves = []
        for polarity in Polarity:
            kept = np.exp(-1 / self.a[polarity])
            for device in range(devices):
                mean = self.curve(polarity, n, rng.normal())
                for cycle in range(cycles):
                    noise = self.c2c[polarity] * rng.normal(size=n.size)
                    if self.occasion == "pulse":
                        noise[0] = 0
                        for k in range(1, n.size):
                            noise[k] += kept * noise[k - 1]
                    curves.append(Curve(f"d{device}", f"{cycle}", polarity, n, mean + noise))
        return curves


def measured(curves: list[Curve], unit: str = "ohm") -> Measurement:
    """Return the measurement of curves, as if it had been read from a file."""
    return Measurement(curves, unit, "A", {"a.csv": "0" * 64})


def fitted(curves: list[Curve], **options: Any) -> Fitted:
    """A fit of curves, with options."""
    return fit_all(measured(curves), FitOptions("mine", **options))
