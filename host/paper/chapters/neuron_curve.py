"""Figs. 4d, 5a and 5b: the SOT-ReLU curve, and how neurons vary."""

from functools import partial

import numpy as np

from allspin.host.draw.curves import Line, Panel, curves
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Picture,
    Reading,
    Results,
    lines_table,
    no_experiments,
)
from allspin.sim.device.device import NeuronVariation
from allspin.sim.network.neuron import SotNeuron

SEED = 5
CYCLES = 10
DEVICES = 5
C2C, D2D = 0.014, 0.18
X, Y = "input current (of full scale)", "R_AH (of its range)"
CURRENT = np.linspace(0, 1, 201)
SLIGHT = 0.05
"""A root mean square difference of this share of the range is read as slight."""


experiments = no_experiments


def _difference(response: np.ndarray, ideal: np.ndarray) -> float:
    """Root mean square difference, as a share of the range."""
    return float(np.sqrt(np.mean((response - ideal) ** 2)))


def _line(label: str, response: np.ndarray, dashed: bool = False) -> Line:
    return Line(label, CURRENT.tolist(), response.tolist(), marked=False, dashed=dashed)


def _curve(neuron: SotNeuron, linear: np.ndarray) -> Picture:
    lines = [
        _line("SOT neuron", neuron.response(CURRENT)),
        _line("ideal ReLU from the threshold", linear, dashed=True),
        _line("ideal ReLU from 0", CURRENT, dashed=True),
    ]
    return Picture(
        lines_table("sot-relu", "SOT-ReLU and ReLU", X, Y, lines),
        "Fig. 4d: the SOT-ReLU against the ideal one.",
        partial(curves, "SOT-ReLU", [Panel(lines, X, Y, y_range=(-0.05, 1.2))]),
    )


def _variation(neuron: SotNeuron) -> Picture:
    rng = np.random.default_rng(SEED)
    use, device = NeuronVariation(use=C2C), NeuronVariation(gain=D2D, threshold=D2D)
    cycles = [
        _line(
            f"cycle {number + 1}",
            use.respond(neuron, CURRENT, use_deviate=rng.standard_normal(CURRENT.shape)),
        )
        for number in range(CYCLES)
    ]
    gains, thresholds = (
        [
            _line(f"device {number + 1}", device.respond(neuron, CURRENT, **{name: deviate}))
            for number, deviate in enumerate(deviates)
        ]
        for name, deviates in zip(
            ("gain_deviate", "threshold_deviate"), rng.standard_normal((2, DEVICES)), strict=True
        )
    )
    devices = [
        Line(f"{name}: {line.label}", line.x, line.y)
        for name, lines in (("gain", gains), ("threshold", thresholds))
        for line in lines
    ]
    panels = [
        Panel(cycles, X, Y, "C2C 0.014 of full-scale current"),
        Panel(gains, X, Y, "D2D 0.18 of the gain"),
        Panel(thresholds, X, Y, "D2D 0.18 of full scale, threshold"),
    ]
    return Picture(
        lines_table(
            "neuron-variation", "Neurons over cycles and devices", X, Y, [*cycles, *devices]
        ),
        "Figs. 5a and 5b: ten cycles of one neuron; five neurons, by reading of the D2D.",
        partial(curves, "Cycle to cycle and device to device: the neuron", panels, 3),
    )


def _claim(neuron: SotNeuron, linear: np.ndarray) -> Claim:
    response = neuron.response(CURRENT)
    end = neuron.threshold + neuron.saturation / neuron.slope
    working = CURRENT <= end  # noqa: SIM300
    from_threshold = _difference(response[working], linear[working])
    from_zero = _difference(response, CURRENT)
    return Claim(
        "The SOT-ReLU differs only slightly from an ideal ReLU",
        "slightly",
        (
            Reading(
                "from a ReLU at the threshold, up to saturation",
                f"{100 * from_threshold:.1f} % of the range, root mean square",
                from_threshold < SLIGHT,
                True,
            ),
            Reading(
                "from a ReLU at zero, over full scale",
                f"{100 * from_zero:.1f} %",
                from_zero < SLIGHT,
                True,
            ),
        ),
        "the measured curve is in Fig. 4 only, so ours is assumed (threshold 0.1, slope 1.25, "
        f"softness 0.05); less than {100 * SLIGHT:g} % counts as slight",
    )


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    neuron = SotNeuron()
    linear = np.clip(neuron.slope * (CURRENT - neuron.threshold), 0, None)
    return Chapter(
        "The SOT neuron (Figs. 4d, 5a, 5b)",
        (
            "Flat until switching starts, then linear, then saturated. Current and R_AH are "
            "shares of full scale; the curve's numbers are this project's, since the text has "
            "none. C2C of 0.014 and D2D of 0.18 are without unit in the text: C2C is drawn of "
            "full-scale current at each use, D2D as a factor on the current (gain) or of "
            "full-scale current (threshold).",
        ),
        (_curve(neuron, linear), _variation(neuron)),
        (),
        (_claim(neuron, linear),),
    )
