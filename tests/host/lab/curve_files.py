"""Text of files of curves, for tests."""

from typing import Any

import numpy as np


def rows(values: Any, start: int = 0, before: str = "") -> str:
    """Return a row for each value: pulse number and R_AH."""
    return "".join(f"{before}{start + n},{value}\n" for n, value in enumerate(values))


def curve(a: float, count: int = 30, seed: int = 0, noise: float = 1e-3) -> np.ndarray:
    """R_AH of a known A, from 0 to 1 ohm."""
    n = np.arange(float(count))
    way = -np.expm1(-n / a) / -np.expm1(-(count - 1) / a)
    return way + np.random.default_rng(seed).normal(0, noise, count)
