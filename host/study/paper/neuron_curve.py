"""Figs. 4d, 5a and 5b: the SOT-ReLU curve, and how neurons vary."""

from functools import partial

import numpy as np

from allspin.host.show.pictures.curves import Line, Panel, curves
from allspin.host.study.paper.chapter import Chapter, Effort, Picture, Results, lines_table
from allspin.host.study.paper.experiments import Experiment
from allspin.host.study.paper.verdict import Claim, Reading
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.network.neuron import SotNeuron

SEED = 5
CYCLES = 10
DEVICES = 5
C2C, D2D = 0.014, 0.18
SLIGHT = 0.05
"""A root mean square difference of this share of the range is read as slight."""


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.study.paper.chapter.Part`."""
    return []


def _difference(current: np.ndarray, response: np.ndarray, ideal: np.ndarray) -> float:
    """Root mean square difference, as a share of the range."""
    return float(np.sqrt(np.mean((response - ideal) ** 2)))


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.study.paper.chapter.Part`."""
    neuron = SotNeuron()
    rng = np.random.default_rng(SEED)
    current = np.linspace(0, 1, 201)
    response = neuron.response(current)
    linear = np.clip(neuron.slope * (current - neuron.threshold), 0, None)
    end = neuron.threshold + neuron.saturation / neuron.slope
    curve = [
        Line("SOT neuron", current.tolist(), response.tolist(), marked=False),
        Line(
            "ideal ReLU from the threshold",
            current.tolist(),
            linear.tolist(),
            marked=False,
            dashed=True,
        ),
        Line("ideal ReLU from 0", current.tolist(), current.tolist(), marked=False, dashed=True),
    ]
    cycles = [
        Line(
            f"cycle {number + 1}",
            current.tolist(),
            NeuronVariation(use=C2C)
            .respond(neuron, current, use_deviate=rng.standard_normal(current.shape))
            .tolist(),
            marked=False,
        )
        for number in range(CYCLES)
    ]
    variation = NeuronVariation(gain=D2D, threshold=D2D)
    gains, thresholds = rng.standard_normal((2, DEVICES))
    devices = {
        name: [
            Line(
                f"device {number + 1}",
                current.tolist(),
                variation.respond(
                    neuron,
                    current,
                    gain_deviate=gains[number] if name == "gain" else 0.0,
                    threshold_deviate=thresholds[number] if name == "threshold" else 0.0,
                ).tolist(),
                marked=False,
            )
            for number in range(DEVICES)
        ]
        for name in ("gain", "threshold")
    }
    x, y = "input current (of full scale)", "R_AH (of its range)"
    working = current <= end
    from_threshold = _difference(current[working], response[working], linear[working])
    from_zero = _difference(current, response, np.minimum(current, 1.0))
    claims = (
        Claim(
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
        ),
    )
    return Chapter(
        "The SOT neuron (Figs. 4d, 5a, 5b)",
        (
            "Flat until switching starts, then linear, then saturated. Current and R_AH are "
            "shares of full scale; the curve's numbers are this project's, since the text has "
            "none. C2C of 0.014 and D2D of 0.18 are without unit in the text: C2C is drawn of "
            "full-scale current at each use, D2D as a factor on the current (gain) or of "
            "full-scale current (threshold).",
        ),
        (
            Picture(
                lines_table("sot-relu", "SOT-ReLU and ReLU", x, y, curve),
                "Fig. 4d: the SOT-ReLU against the ideal one.",
                partial(curves, "SOT-ReLU", [Panel(curve, x, y, y_range=(-0.05, 1.2))]),
            ),
            Picture(
                lines_table(
                    "neuron-variation",
                    "Neurons over cycles and devices",
                    x,
                    y,
                    [
                        *cycles,
                        *(
                            Line(f"{name}: {line.label}", line.x, line.y)
                            for name, lines in devices.items()
                            for line in lines
                        ),
                    ],
                ),
                "Figs. 5a and 5b: ten cycles of one neuron; five neurons, by reading of the D2D.",
                partial(
                    curves,
                    "Cycle to cycle and device to device: the neuron",
                    [
                        Panel(cycles, x, y, "C2C 0.014 of full-scale current"),
                        Panel(devices["gain"], x, y, "D2D 0.18 of the gain"),
                        Panel(devices["threshold"], x, y, "D2D 0.18 of full scale, threshold"),
                    ],
                    3,
                ),
            ),
        ),
        (),
        claims,
    )
