"""Values and intervals of a fit as plain data, for device files and JSON."""

from typing import Any

from allspin.host.study.fit.model.goodness import Goodness
from allspin.host.study.fit.model.response import Interval
from allspin.host.study.fit.result import FitResult


def _plain(one: Interval) -> dict[str, float]:
    """An interval for a TOML file."""
    return {"value": float(one.value), "low": float(one.low), "high": float(one.high)}


def _goodness(goodness: Goodness) -> dict[str, Any]:
    return {
        "described": goodness.described,
        "r_squared": float(goodness.r_squared),
        "misfit": float(goodness.misfit),
        "runs": int(goodness.runs),
        "expected_runs": float(goodness.expected_runs),
        "runs_chance": float(goodness.runs_p_value),
    }


def report(result: FitResult) -> dict[str, Any]:
    """Every value with its interval, by polarity and neuron, as plain data."""
    whole: dict[str, Any] = {}
    for polarity, part in result.polarities.items():
        fit = part.fit
        whole[polarity.name.lower()] = {
            "A": _plain(fit.nonlinearity),
            "P_max": fit.pulses,
            "R_min": _plain(fit.low),
            "R_max": _plain(fit.high),
            "intervals_from": fit.basis,
            "devices": len(fit.devices),
            "cycles": sum(len(device.resistance) for device in fit.devices),
            "c2c": {
                "write": _plain(part.cycles.write),
                "pulse": _plain(part.cycles.pulse),
                "from": part.cycles.basis,
            },
            "d2d": {name: _plain(one) for name, one in part.devices.readings.items()},
            "d2d_explained": {name: float(share) for name, share in part.devices.explained.items()},
            "goodness": _goodness(part.goodness),
        }
    if result.meter is not None:
        whole["meter_noise"] = _plain(result.meter.deviation) | {"from": result.meter.basis}
    if result.neuron is not None:
        neuron = result.neuron
        own: dict[str, Any] = {name: _plain(one) for name, one in neuron.values.items()}
        own |= {
            "full_current": neuron.full_current,
            "full_resistance": neuron.full_resistance,
            "use": _plain(neuron.use),
            "intervals_from": neuron.basis,
            "devices": len(neuron.devices),
            "cycles": sum(len(device.resistance) for device in neuron.devices),
            "goodness": _goodness(neuron.goodness),
        }
        for name, spread in (("gain", neuron.gain), ("threshold_spread", neuron.threshold_spread)):
            if spread is not None:
                own[name] = _plain(spread)
        whole["neuron"] = own
    return whole
