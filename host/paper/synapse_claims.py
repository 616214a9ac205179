"""Chapters on the synapse: states under pulses (Figs. 1d, 2), and variation (Figs. 3a, 3b)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allspin.host.charts.line_charts import ChartLine, ChartPanel
from allspin.host.estimate.response import ResponseFit, fit_response
from allspin.host.lab.curves import Curve
from allspin.host.learn.paper_types import raw_synapse
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
    Effort,
    Found,
    chapter_table,
    lines_picture,
)
from allspin.host.paper.claims import Claim, Reading
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
R_AH = "R_AH (half of the range)"
NOISE = CycleVariation(0.065, 0.029, "increment", "pulse")
"""Reading of C2C for the curve of a single device."""


def _measured() -> dict[Polarity, np.ndarray]:
    """Return one device's R_AH after each pulse of each cycle, down from saturation and up again.

    Shape (cycles, pulses + 1) for each polarity.
    """
    device = SynapseArray(_varied_synapse(NOISE, DeviceVariation()), FITTED_SEED, 0, (1, 1))
    cycles = []
    for _ in range(FITTED_CYCLES):
        cycles.append(pulsed(device, PULSES, lambda: device.resistance[0, 0]))
    taken = np.array(cycles)
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
    down = measured[Polarity.DEPRESSION][0].tolist()
    up = measured[Polarity.POTENTIATION][0].tolist()
    lines = [
        ChartLine("depression", number[: PULSES + 1], down),
        ChartLine("potentiation", number[PULSES:], up),
    ]
    panel = ChartPanel(lines, "pulse", R_AH, "C2C on each pulse, of the change that it makes")
    return lines_picture(
        "rah-states",
        "R_AH states of one synapse",
        [panel],
        "Fig. 1d: from saturation up (+z), 100 depressing pulses and then 100 potentiating "
        "ones. R_AH stands in the paper's figure only, so it is given from -1 to 1.",
        about="R_AH under pulses",
    )


def _fit_picture(
    measured: dict[Polarity, np.ndarray], fits: dict[Polarity, ResponseFit]
) -> ChapterPicture:
    number = np.arange(PULSES + 1)
    lines = []
    for polarity, cycles in measured.items():
        name = polarity.name.lower()
        fit = fits[polarity]
        label = f"{name}: fit, A = {fit.nonlinearity.value:.2f}"
        curve = fit.mean_curve(number).tolist()
        lines.append(ChartLine(label, number.tolist(), curve, marked=False))
        some = cycles[:, ::5]
        lines.append(
            ChartLine(
                f"{name}: mean of {FITTED_CYCLES} cycles, and deviation",
                number[::5].tolist(),
                some.mean(axis=0).tolist(),
                some.std(axis=0, ddof=1).tolist(),
                joined=False,
            )
        )
    return lines_picture(
        "response",
        "Pulse response and fit",
        [ChartPanel(lines, "pulses of its polarity", R_AH)],
        "Fig. 2: ten cycles of a device drawn with the paper's A and C2C, and their fit.",
        heads=("pulse", R_AH),
    )


def _printed_claim(synapse: SotSynapse) -> Claim:
    start = printed_depression(np.zeros(1))[0]
    printed = Reading("as printed", f"R_D(0) = {start:,.0f} half ranges", agrees=False)
    corrected = Reading(
        "with the signs of the work it cites (ref. 20)",
        f"R_D(0) = {synapse.low:g}, R_D(P_max) = {synapse.high:g}",
        agrees=True,
        assumption=True,
    )
    return Claim(
        "R_D(P) as printed describes depression",
        "R_D from R_min to R_max",
        [printed, corrected],
        "two signs are lost in print; all of this report uses the corrected form",
    )


def _states_claim(synapse: SotSynapse, met: dict[Polarity, int]) -> Claim:
    responses = [synapse.curve(polarity, np.arange(PULSES + 1)) for polarity in Polarity]
    steps = np.abs(np.diff(responses)) / (synapse.span / (PULSES - 1))
    pulses = Reading("states are the pulses themselves", f"{PULSES + 1} values of R_AH", True)
    levels = Reading(
        "states are uniform levels, met by whole pulses",
        f"{met[Polarity.POTENTIATION]} (A = 22) and {met[Polarity.DEPRESSION]} (A = 9) of 100",
        agrees=False,
    )
    return Claim(
        "The R_AH states can reach 100 through pulses",
        "100 states",
        [pulses, levels],
        "the text does not say what a state is; steps range from "
        f"{steps.min():.2g} to {steps.max():.3g} mean steps",
    )


def _fits(measured: dict[Polarity, np.ndarray]) -> dict[Polarity, ResponseFit]:
    pulses = np.arange(PULSES + 1, dtype=np.float64)
    fits = {}
    for polarity, cycles in measured.items():
        drawn = [Curve("1", str(n), polarity, pulses, cycle) for n, cycle in enumerate(cycles)]
        fits[polarity] = fit_response(drawn, polarity)
    return fits


def _response_chapter(found: Found, effort: Effort) -> Chapter:
    measured = _measured()
    fits = _fits(measured)
    met = {}
    fitted_rows = []
    level_rows = []
    for polarity in Polarity:
        met[polarity] = levels_met(polarity)
        name = polarity.name.lower()
        level_rows.append((name, A[polarity], met[polarity]))
    for polarity, fit in fits.items():
        a = fit.nonlinearity
        rounded = [round(value, 3) for value in (a.value, a.low, a.high)]
        fitted_rows.append((polarity.name.lower(), A[polarity], *rounded))
    fitted = chapter_table(
        "fit",
        f"Fit of {FITTED_CYCLES} cycles that were drawn with the paper's A",
        ("polarity", "A drawn with (pulses)", "A fitted (pulses)", "95 % from", "95 % to"),
        fitted_rows,
    )
    reach = chapter_table(
        "levels",
        "Uniform levels, of 100, that whole pulses meet within half a level",
        ("polarity", "A (pulses)", "levels met"),
        level_rows,
    )
    text = (
        "The measured points of the paper are in its figures only. The device drawn here has "
        "its A and its C2C, read as a fraction of the change that each pulse makes. That a "
        "fit gives A back says that the model can be fitted, not that the paper's data obey "
        "it. P_max is not given; 100 is assumed."
    )
    synapse = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    return Chapter(
        "R_AH states and pulse response (Figs. 1d, 2)",
        (text,),
        (_states_picture(measured), _fit_picture(measured, fits)),
        (fitted, reach),
        (_printed_claim(synapse), _states_claim(synapse, met)),
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


def _variation_picture(
    kind: str, values: dict[str, np.ndarray], caption: str, title: str, about: str
) -> ChapterPicture:
    """Draw each reading of C2C or D2D in a panel, with a line for each cycle or device."""
    one = "cycle" if kind == "C2C" else "device"
    pulses = list(range(1, 2 * PULSES + 1))
    panels = []
    numbers = []
    for reading, curves in values.items():
        lines = []
        for number, resistance in enumerate(curves.tolist(), 1):
            lines.append(ChartLine(f"{one} {number}", pulses, resistance, marked=False))
        heading = f"{kind} {TITLES[reading]}"
        panels.append(ChartPanel(lines, "pulse", R_AH, heading, places="lower right"))
        numbers += [replace(line, label=f"{reading}: {line.label}") for line in lines]
    return lines_picture(kind.lower(), title, panels, caption, lines=numbers, about=about, across=3)


def _distribution(reading: str) -> list[tuple[Cell, ...]]:
    """Return R_AH of many devices after ten pulses of each polarity."""
    many = _cycles(CycleVariation(*C2C, reading, "pulse"), SAMPLES, 1)[0]
    rows: list[tuple[Cell, ...]] = []
    for name, place in (("depression", 9), ("potentiation", PULSES + 9)):
        after = many[place]
        rows.append((reading, name, 10, float(after.mean()), float(after.std(ddof=1) / 2)))
    return rows


def _variation_chapter(found: Found, effort: Effort) -> Chapter:
    c2c = {}
    rows: list[tuple[Cell, ...]] = []
    for reading in CYCLE_READINGS:
        variation = CycleVariation(*C2C, reading, "pulse")
        c2c[reading] = _cycles(variation, 1, CYCLES)[:, :, 0]
        rows += _distribution(reading)
    d2d = {reading: _devices(DeviceVariation(*D2D, reading)) for reading in DEVICE_READINGS}
    text = (
        f"C2C of {C2C[0]:g} (potentiation) and {C2C[1]:g} (depression), D2D of {D2D[0]:g} and "
        f"{D2D[1]:g}. The text does not say of what, nor whether C2C is meant a pulse or a "
        "write; each reading is drawn. Ten cycles and five devices in the text are six and "
        "three in the captions; a caption has 128 states, the text 100."
    )
    cycles_picture = _variation_picture(
        "C2C",
        c2c,
        "Fig. 3a: six cycles of one synapse, by reading of the C2C, drawn on each pulse.",
        "Cycle to cycle: one synapse",
        "Cycles of one device",
    )
    devices_picture = _variation_picture(
        "D2D",
        d2d,
        "Fig. 3b: five synapses, by reading of the D2D.",
        "Device to device: five synapses",
        "Devices",
    )
    distribution = chapter_table(
        "c2c-distribution",
        f"R_AH after ten pulses of a polarity, {SAMPLES} devices with C2C on each pulse",
        ("reading", "polarity", "pulses", "mean (half ranges)", "deviation (of the range)"),
        rows,
    )
    title = "Cycles and devices (Figs. 3a, 3b)"
    return Chapter(title, (text,), (cycles_picture, devices_picture), (distribution,))


RESPONSE = ChapterRecipe(_response_chapter)
VARIATION = ChapterRecipe(_variation_chapter)
