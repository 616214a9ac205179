"""Sensitivity of the verdict: break-even periphery, and the range of each assumption."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from allspin.host.compare.assumptions import (
    ADC_CONVERSION,
    Assumptions,
    cmos_periphery,
    spin_heat,
    spin_periphery,
)
from allspin.host.compare.neurons import CellPrice
from allspin.sim.cost.periphery import NOISE_EFFICIENCY, SIGNAL
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


Parameter = tuple[str, str, float, float, float, str, Callable[[float], dict[str, float]]]
"""Name, unit, low and high end, present value, source, and the effect of a value."""


def _parameters(neuron: NeuronFigures, a: Assumptions, price: CellPrice) -> list[Parameter]:
    top = max((*neuron.switching_currents, a.current))
    published = [
        ("amplifier's signal", "mV", 1e3, "signal", SIGNAL),
        ("noise efficiency", "", 1.0, "efficiency", NOISE_EFFICIENCY),
        ("ADC conversion", "fJ", 1.0, "adc", ADC_CONVERSION),
    ]
    return [
        (
            "input current",
            "uA",
            a.current * 1e6,
            top * 1e6,
            a.current * 1e6,
            "stated in the paper, to the sheet current of its synapse",
            lambda v: {"current": v * 1e-6},
        ),
        (
            "wall velocity",
            "m/s",
            40.0,
            400.0,
            neuron.length / a.set_time,
            "half the paper's, to Miron et al., Nature Mater. 10, 2011, 419",
            lambda v: {"set_time": neuron.length / v},
        ),
        *(
            (
                name,
                unit,
                scale * figure.low,
                scale * figure.high,
                scale * getattr(a, key),
                figure.source,
                lambda v, key=key, scale=scale: {key: v * (1 / scale)},
            )
            for name, unit, scale, key, figure in published
        ),
        (
            "activity of CMOS inputs",
            "",
            0.06,
            0.5,
            price.input_activity if a.activity is None else a.activity,
            "what the paper's energy implies, to random bits; counted in the middle",
            lambda v: {"activity": v},
        ),
        (
            "CMOS clock",
            "MHz",
            50.0,
            500.0,
            a.frequency / 1e6,
            "the spin neuron's own rate, to five times the paper's",
            lambda v: {"frequency": v * 1e6},
        ),
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

        def ratio(at: Assumptions, price: CellPrice = price, periphery: bool = periphery) -> float:
            return spin_energy(neuron, at, periphery) / cmos_energy(price, at, periphery)

        bars = []
        for what, unit, low, high, value, source, change in _parameters(neuron, a, price):
            at_low, at_high = (ratio(replace(a, **change(end))) for end in (low, high))
            bars.append(
                {
                    "name": what,
                    "unit": unit,
                    "low": low,
                    "high": high,
                    "value": value,
                    "ratio_low": at_low,
                    "ratio_high": at_high,
                    "source": source,
                }
            )
        bars = sorted((bar for bar in bars if _span(bar) > 1.001), key=_span, reverse=True)
        found.append({"against": name, "periphery": periphery, "ratio": ratio(a), "bars": bars})
    return found
