"""Every figure that is taken from elsewhere."""

import dataclasses
import math
from typing import Any

from allspin.host.study.compare.assumptions.parts import Assumptions
from allspin.sim.cost.published import (
    ADC_CONVERSION,
    COMPARISON,
    NOISE_EFFICIENCY,
    ROW_DRIVER_POWER,
    SIGNAL,
)


def published(a: Assumptions) -> list[dict[str, Any]]:
    """Every figure that is taken from elsewhere, with its range and its source."""
    figures = {
        "ADC conversion": ADC_CONVERSION,
        "comparator decision": COMPARISON,
        "row driver power": ROW_DRIVER_POWER,
        "amplifier noise efficiency": NOISE_EFFICIENCY,
        "amplifier signal": SIGNAL,
    }
    rows = [{"name": name, **dataclasses.asdict(figure)} for name, figure in figures.items()]
    rows.append(
        {
            "name": "amplifier read",
            "value": a.amplifier,
            "low": a.replace(signal=SIGNAL.high, efficiency=NOISE_EFFICIENCY.low).amplifier,
            "high": a.replace(signal=SIGNAL.low, efficiency=NOISE_EFFICIENCY.high).amplifier,
            "unit": "fJ",
            "source": "least energy by noise efficiency factor and signal, 4 bits",
        }
    )
    assert all(math.isfinite(row["value"]) for row in rows)
    return rows
