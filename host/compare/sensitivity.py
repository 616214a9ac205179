"""Sensitivity of the verdict: break-even periphery, and the range of each assumption."""

import itertools
from dataclasses import dataclass, replace
from typing import Any

from allspin.host.compare.assumptions import (
    ADC_CONVERSION,
    Assumptions,
    cmos_periphery,
    spin_heat,
    spin_periphery,
)
from allspin.host.compare.neurons import CellPrice
from allspin.sim.cost.periphery import NOISE_EFFICIENCY, SIGNAL, Range
from allspin.sim.cost.spin import NeuronFigures

REFERENCES = ("cmos-bare", "cmos-relu")
"""CMOS neurons that ratios are taken against."""


def spin_energy(neuron: NeuronFigures, a: Assumptions, periphery: bool) -> float:
    """Return the energy of a use of the spin neuron, with or without its periphery, in fJ."""
    around = sum(spin_periphery(a).values()) if periphery else 0.0
    return sum(spin_heat(neuron, a).values()) + around


def cmos_energy(price: CellPrice, a: Assumptions, periphery: bool) -> float:
    """Return the energy of a use of a CMOS neuron, with or without its periphery, in fJ."""
    leakage = price.energy.leakage * (1e9 / a.frequency) / price.period
    dynamic = price.energy.dynamic
    if a.activity is not None and price.input_activity:
        dynamic *= a.activity / price.input_activity
    around = sum(cmos_periphery(a).values()) if periphery else 0.0
    return leakage + dynamic + around


def break_even(
    prices: dict[str, CellPrice], neuron: NeuronFigures, a: Assumptions
) -> list[dict[str, Any]]:
    """Return the energy of the periphery at which a spin neuron costs as much as each CMOS neuron.

    Returns
    -------
    list of dict
        For each CMOS neuron: ``against``; ``bare_fj``, the break-even periphery without the CMOS
        neuron's own; ``with_periphery_fj``, the one with it; ``spin_periphery_fj``, the spin
        neuron's periphery here; ``advantage``, true if that is less, in both cases; and
        ``current_ua``, the neuron's current whose heat alone takes the bare figure.
    """
    heat = spin_energy(neuron, a, False)
    around = sum(spin_periphery(a).values())
    found = []
    for name, price in prices.items():
        bare = cmos_energy(price, a, False) - heat
        whole = cmos_energy(price, a, True) - heat
        factor = (cmos_energy(price, a, False) / heat) ** 0.5 if heat else 0.0
        found.append(
            {
                "against": name,
                "bare_fj": bare,
                "with_periphery_fj": whole,
                "spin_periphery_fj": around,
                "advantage_bare": around < bare,
                "advantage": around < whole,
                "current_ua": a.current * factor * 1e6,
            }
        )
    return found


@dataclass(frozen=True)
class Parameter:
    """Assumption that is varied over its published range.

    Attributes
    ----------
    name, unit : str
        Name, and unit of its values.
    low, high, value : float
        Ends of the range, and the present value.
    source : str
        Source of the range.
    at_low, at_high : Assumptions
        Assumptions with the value at each end.
    """

    name: str
    unit: str
    low: float
    high: float
    value: float
    source: str
    at_low: Assumptions
    at_high: Assumptions


def _published(
    a: Assumptions, name: str, unit: str, key: str, figure: Range, scale: float = 1.0
) -> Parameter:
    """Return the parameter of a published figure, in a unit of which SI's has `scale`."""
    low = scale * figure.low
    high = scale * figure.high
    at_low = replace(a, **{key: low * (1 / scale)})
    at_high = replace(a, **{key: high * (1 / scale)})
    value = scale * getattr(a, key)
    return Parameter(name, unit, low, high, value, figure.source, at_low, at_high)


def _parameters(neuron: NeuronFigures, a: Assumptions, price: CellPrice) -> list[Parameter]:
    micro = a.current * 1e6
    top = max((*neuron.switching_currents, a.current)) * 1e6
    current = Parameter(
        "input current",
        "uA",
        micro,
        top,
        micro,
        "stated in the paper, to the sheet current of its synapse",
        replace(a, current=micro * 1e-6),
        replace(a, current=top * 1e-6),
    )
    velocity = Parameter(
        "wall velocity",
        "m/s",
        40.0,
        400.0,
        neuron.length / a.set_time,
        "half the paper's, to Miron et al., Nature Mater. 10, 2011, 419",
        replace(a, set_time=neuron.length / 40.0),
        replace(a, set_time=neuron.length / 400.0),
    )
    activity = Parameter(
        "activity of CMOS inputs",
        "",
        0.06,
        0.5,
        price.input_activity if a.activity is None else a.activity,
        "what the paper's energy implies, to random bits; counted in the middle",
        replace(a, activity=0.06),
        replace(a, activity=0.5),
    )
    clock = Parameter(
        "CMOS clock",
        "MHz",
        50.0,
        500.0,
        a.frequency / 1e6,
        "the spin neuron's own rate, to five times the paper's",
        replace(a, frequency=50e6),
        replace(a, frequency=500e6),
    )
    return [
        current,
        velocity,
        _published(a, "amplifier's signal", "mV", "signal", SIGNAL, scale=1e3),
        _published(a, "noise efficiency", "", "efficiency", NOISE_EFFICIENCY),
        _published(a, "ADC conversion", "fJ", "adc", ADC_CONVERSION),
        activity,
        clock,
    ]


def _span(bar: dict[str, Any]) -> float:
    """Return the ratio of the energies' ratios at the two ends of a parameter's range."""
    ends = bar["ratio_low"], bar["ratio_high"]
    return max(ends) / min(ends)


def tornado(
    prices: dict[str, CellPrice], neuron: NeuronFigures, a: Assumptions
) -> list[dict[str, Any]]:
    """Return the ratio of energies, spin over CMOS, over the range of each parameter.

    Returns
    -------
    list of dict
        For each CMOS neuron of `REFERENCES` and with and without periphery: ``against``,
        ``periphery``, ``ratio`` and ``bars``, widest first, each with ``name``, ``unit``,
        ``low``, ``high``, ``value``, ``ratio_low``, ``ratio_high`` and ``source``.
    """
    found = []
    for name, periphery in itertools.product(REFERENCES, (False, True)):
        price = prices[name]
        bars = []
        for one in _parameters(neuron, a, price):
            bar = {
                "name": one.name,
                "unit": one.unit,
                "low": one.low,
                "high": one.high,
                "value": one.value,
                "ratio_low": _ratio(neuron, price, one.at_low, periphery),
                "ratio_high": _ratio(neuron, price, one.at_high, periphery),
                "source": one.source,
            }
            if _span(bar) > 1.001:
                bars.append(bar)
        bars.sort(key=_span, reverse=True)
        ratio = _ratio(neuron, price, a, periphery)
        found.append({"against": name, "periphery": periphery, "ratio": ratio, "bars": bars})
    return found


def _ratio(neuron: NeuronFigures, price: CellPrice, a: Assumptions, periphery: bool) -> float:
    """Return the ratio of energies of a use, spin over CMOS."""
    return spin_energy(neuron, a, periphery) / cmos_energy(price, a, periphery)
