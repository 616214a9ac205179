"""Chapters on the synapse: states under pulses (Figs. 1d, 2), and variation (Figs. 3a, 3b)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.estimate.response import ResponseFit, fit_response
from allspin.host.lab.curves import Curve
from allspin.host.learn.paper_types import raw_synapse
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
    ChapterTable,
    Effort,
    Found,
    chapter_table,
    lines_table,
)
from allspin.host.paper.claims import (
    Claim,
    Reading,
)
from allspin.host.show.table import Cell
from allspin.sim.chip.synapse_array import SynapseArray
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import (
    CYCLE_READINGS,
    DEVICE_READINGS,
    CycleVariation,
    DeviceVariation,
)

PULSES = 100
FITTED_CYCLES = 10
"""Cycles of the fit, as in the text; the caption of Fig. 3a has six."""
A = {Polarity.POTENTIATION: 22.0, Polarity.DEPRESSION: 9.0}
FITTED_SEED = 1
PULSE, R_AH = "pulse", "R_AH (half of the range)"
NOISE = CycleVariation(0.065, 0.029, "increment", "pulse")
"""Reading of C2C for the curve of a single device."""


def _measured() -> dict[Polarity, np.ndarray]:
    """Return one device's R_AH after each pulse of each cycle, down from saturation and up again.

    Shape (cycles, pulses + 1) for each polarity.
    """
    device = SynapseArray(_varied_synapse(NOISE, DeviceVariation()), FITTED_SEED, 0, (1, 1))
    taken = np.array(
        [pulsed(device, PULSES, lambda: device.resistance[0, 0]) for _ in range(FITTED_CYCLES)]
    )
    return {
        Polarity.POTENTIATION: taken[:, PULSES:],
        Polarity.DEPRESSION: taken[:, : PULSES + 1],
    }


def printed_depression(pulse: np.ndarray) -> np.ndarray:
    """Compute the depression formula as the paper prints it, R_AH from -1 to 1."""
    a = A[Polarity.DEPRESSION]
    return 2 / (1 - np.exp(-PULSES / a)) * (1 - np.exp(-(pulse - PULSES) / a)) + 1


def levels_met(polarity: Polarity) -> int:
    """Count the uniform levels, of 100, that whole pulses meet within half a level."""
    synapse = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    reached = synapse.curve(polarity, np.arange(PULSES + 1))
    levels = np.linspace(synapse.low, synapse.high, PULSES)
    half = synapse.span / (PULSES - 1) / 2
    return int(np.sum(np.min(np.abs(levels[:, None] - reached), axis=1) <= half))


def _states_picture(measured: dict[Polarity, np.ndarray]) -> ChapterPicture:
    number = list(range(2 * PULSES + 1))
    lines = [
        ChartLine("depression", number[: PULSES + 1], measured[Polarity.DEPRESSION][0].tolist()),
        ChartLine("potentiation", number[PULSES:], measured[Polarity.POTENTIATION][0].tolist()),
    ]
    panel = ChartPanel(lines, "pulse", R_AH, "C2C on each pulse, of the change that it makes")
    return ChapterPicture(
        lines_table("rah-states", "R_AH under pulses", "pulse", R_AH, lines),
        "Fig. 1d: from saturation up (+z), 100 depressing pulses and then 100 potentiating "
        "ones. R_AH stands in the paper's figure only, so it is given from -1 to 1.",
        partial(curves, "R_AH states of one synapse", [panel]),
    )


def _fit_picture(
    measured: dict[Polarity, np.ndarray], fits: dict[Polarity, ResponseFit]
) -> ChapterPicture:
    number, lines = np.arange(PULSES + 1), []
    for polarity, cycles in measured.items():
        name, fit = polarity.name.lower(), fits[polarity]
        lines += [
            ChartLine(
                f"{name}: fit, A = {fit.nonlinearity.value:.2f}",
                number.tolist(),
                fit.mean_curve(number).tolist(),
                marked=False,
            ),
            ChartLine(
                f"{name}: mean of {FITTED_CYCLES} cycles, and deviation",
                number[::5].tolist(),
                cycles.mean(axis=0)[::5].tolist(),
                cycles.std(axis=0, ddof=1)[::5].tolist(),
                joined=False,
            ),
        ]
    return ChapterPicture(
        lines_table("response", "Pulse response and fit", "pulse", R_AH, lines),
        "Fig. 2: ten cycles of a device drawn with the paper's A and C2C, and their fit.",
        partial(
            curves, "Pulse response and fit", [ChartPanel(lines, "pulses of its polarity", R_AH)]
        ),
    )


def _response_claims(met: dict[Polarity, int]) -> tuple[Claim, ...]:
    synapse = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    steps = np.abs(np.diff([synapse.curve(p, np.arange(PULSES + 1)) for p in Polarity]))
    steps /= synapse.span / (PULSES - 1)
    return (
        Claim(
            "R_D(P) as printed describes depression",
            "R_D from R_min to R_max",
            (
                Reading(
                    "as printed",
                    f"R_D(0) = {printed_depression(np.array([0.0]))[0]:,.0f} half ranges",
                    False,
                ),
                Reading(
                    "with the signs of the work it cites (ref. 20)",
                    f"R_D(0) = {synapse.low:g}, R_D(P_max) = {synapse.high:g}",
                    True,
                    True,
                ),
            ),
            "two signs are lost in print; all of this report uses the corrected form",
        ),
        Claim(
            "The R_AH states can reach 100 through pulses",
            "100 states",
            (
                Reading("states are the pulses themselves", f"{PULSES + 1} values of R_AH", True),
                Reading(
                    "states are uniform levels, met by whole pulses",
                    f"{met[Polarity.POTENTIATION]} (A = 22) and {met[Polarity.DEPRESSION]} (A = 9) "
                    "of 100",
                    False,
                ),
            ),
            "the text does not say what a state is; steps range from "
            f"{steps.min():.2g} to {steps.max():.3g} mean steps",
        ),
    )


def _response_chapter(found: Found, effort: Effort) -> Chapter:
    measured = _measured()
    pulses = np.arange(PULSES + 1, dtype=np.float64)
    fits = {
        polarity: fit_response(
            [Curve("1", str(n), polarity, pulses, cycle) for n, cycle in enumerate(cycles)],
            polarity,
        )
        for polarity, cycles in measured.items()
    }
    met = {polarity: levels_met(polarity) for polarity in Polarity}
    fitted = chapter_table(
        "fit",
        f"Fit of {FITTED_CYCLES} cycles that were drawn with the paper's A",
        ("polarity", "A drawn with (pulses)", "A fitted (pulses)", "95 % from", "95 % to"),
        [
            (
                *(polarity.name.lower(), A[polarity]),
                *(round(value, 3) for value in (a.value, a.low, a.high)),
            )
            for polarity, a in ((polarity, fit.nonlinearity) for polarity, fit in fits.items())
        ],
    )
    reach = chapter_table(
        "levels",
        "Uniform levels, of 100, that whole pulses meet within half a level",
        ("polarity", "A (pulses)", "levels met"),
        [(polarity.name.lower(), A[polarity], met[polarity]) for polarity in Polarity],
    )
    return Chapter(
        "R_AH states and pulse response (Figs. 1d, 2)",
        (
            "The measured points of the paper are in its figures only. The device drawn here has "
            "its A and its C2C, read as a fraction of the change that each pulse makes. That a "
            "fit gives A back says that the model can be fitted, not that the paper's data obey "
            "it. P_max is not given; 100 is assumed.",
        ),
        (_states_picture(measured), _fit_picture(measured, fits)),
        (fitted, reach),
        _response_claims(met),
    )


CYCLES = 6
DEVICES = 5
SAMPLES = 4000
SEED = 3
C2C = (0.065, 0.029)
D2D = (0.13, 0.48)
TITLES = {
    "range": "of the range",
    "step": "of the mean step",
    "increment": "of the change itself",
    "weight": "a factor on the weight",
    "span": "a factor on the polarity's range",
    "nonlinearity": "a factor on the polarity's A",
}
"""Short names of the readings."""


def _varied_synapse(c2c: CycleVariation, d2d: DeviceVariation) -> SotSynapse:
    return replace(raw_synapse(22.0, 9.0, PULSES, c2c), d2d=d2d)


def pulsed(array: SynapseArray, pulses: int, look: Callable[[], np.ndarray]) -> np.ndarray:
    """Observe a cycle from saturation: at first, and after each pulse.

    Parameters
    ----------
    array : SynapseArray
        It is saturated high, then depressed, then potentiated.
    pulses : int
        Of each polarity.
    look : callable
        Looks at the array.

    Returns
    -------
    ndarray, shape (2 * pulses + 1, ...)
    """
    array.saturate(Polarity.POTENTIATION)
    values = [np.copy(look())]
    for polarity in (Polarity.DEPRESSION, Polarity.POTENTIATION):
        for _ in range(pulses):
            array.pulse(polarity)
            values.append(np.copy(look()))
    return np.array(values)


def _cycles(c2c: CycleVariation, devices: int, cycles: int) -> np.ndarray:
    """Return R_AH of devices after each pulse, shape (cycles, 2 * pulses, devices)."""
    array = SynapseArray(_varied_synapse(c2c, DeviceVariation()), SEED, 0, (1, devices))
    return np.array([pulsed(array, 100, lambda: array.resistance[0])[1:] for _ in range(cycles)])


def _devices(d2d: DeviceVariation) -> np.ndarray:
    """Return the mean response of each device, shape (devices, 2 * pulses)."""
    array = SynapseArray(_varied_synapse(CycleVariation(), d2d), SEED, 0, (1, DEVICES))
    return pulsed(array, 100, lambda: array.read()[0])[1:].T


def _panel(kind: str, reading: str, values: np.ndarray) -> ChartPanel:
    """Return the panel of a reading of C2C or D2D, with a line for each cycle or device."""
    one = "cycle" if kind == "C2C" else "device"
    lines = [
        ChartLine(f"{one} {number + 1}", list(range(1, 201)), resistance.tolist(), marked=False)
        for number, resistance in enumerate(values)
    ]
    return ChartPanel(lines, PULSE, R_AH, f"{kind} {TITLES[reading]}", places="lower right")


def _numbers(name: str, title: str, panels: dict[str, ChartPanel]) -> ChapterTable:
    """Return the numbers of all panels' lines, named by their reading."""
    lines = [
        ChartLine(f"{reading}: {line.label}", line.x, line.y)
        for reading, panel in panels.items()
        for line in panel.lines
    ]
    return lines_table(name, title, PULSE, R_AH, lines)


def _distribution(reading: str) -> list[tuple[Cell, ...]]:
    """Return R_AH of many devices after ten pulses of each polarity."""
    many = _cycles(CycleVariation(*C2C, reading, "pulse"), SAMPLES, 1)[0]
    return [
        (reading, name, 10, float(many[at].mean()), float(many[at].std(ddof=1) / 2))
        for name, at in (("depression", 9), ("potentiation", 109))
    ]


def _variation_chapter(found: Found, effort: Effort) -> Chapter:
    c2c = {
        reading: _panel(
            "C2C", reading, _cycles(CycleVariation(*C2C, reading, "pulse"), 1, CYCLES)[:, :, 0]
        )
        for reading in CYCLE_READINGS
    }
    d2d = {
        reading: _panel("D2D", reading, _devices(DeviceVariation(*D2D, reading)))
        for reading in DEVICE_READINGS
    }
    return Chapter(
        "Cycles and devices (Figs. 3a, 3b)",
        (
            f"C2C of {C2C[0]:g} (potentiation) and {C2C[1]:g} (depression), D2D of {D2D[0]:g} and "
            f"{D2D[1]:g}. The text does not say of what, nor whether C2C is meant a pulse or a "
            "write; each reading is drawn. Ten cycles and five devices in the text are six and "
            "three in the captions; a caption has 128 states, the text 100.",
        ),
        (
            ChapterPicture(
                _numbers("c2c", "Cycles of one device", c2c),
                "Fig. 3a: six cycles of one synapse, by reading of the C2C, drawn on each pulse.",
                partial(curves, "Cycle to cycle: one synapse", list(c2c.values()), 3),
            ),
            ChapterPicture(
                _numbers("d2d", "Devices", d2d),
                "Fig. 3b: five synapses, by reading of the D2D.",
                partial(curves, "Device to device: five synapses", list(d2d.values()), 3),
            ),
        ),
        (
            chapter_table(
                "c2c-distribution",
                f"R_AH after ten pulses of a polarity, {SAMPLES} devices with C2C on each pulse",
                ("reading", "polarity", "pulses", "mean (half ranges)", "deviation (of the range)"),
                [row for reading in CYCLE_READINGS for row in _distribution(reading)],
            ),
        ),
    )


RESPONSE = ChapterRecipe(_response_chapter)
VARIATION = ChapterRecipe(_variation_chapter)
