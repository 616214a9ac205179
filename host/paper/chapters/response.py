"""Figs. 1d and 2: R_AH states under pulses, and the response with its fit."""

from functools import partial

import numpy as np

from allspin.host.draw.curves import Line, Panel, curves
from allspin.host.fit.curves import Curve
from allspin.host.fit.response import ResponseFit, fit_response
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Picture,
    Reading,
    Results,
    Table,
    lines_table,
    no_experiments,
)
from allspin.host.paper.chapters.synapse_variation import pulsed
from allspin.host.train.in_array import raw_synapse
from allspin.sim.chip.words import SynapseArray
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import CycleVariation, SotSynapse

PULSES = 100
CYCLES = 10
"""As many as the text has; the caption of Fig. 3a has six."""
A = {Polarity.POTENTIATION: 22.0, Polarity.DEPRESSION: 9.0}
SEED = 1
R_AH = "R_AH (half of the range)"
NOISE = CycleVariation(0.065, 0.029, "increment", "pulse")
"""The reading of C2C that a single device's curve is drawn with."""


experiments = no_experiments


def _measured() -> dict[Polarity, np.ndarray]:
    """One device's R_AH after each pulse of each cycle, down from saturation and then up.

    Shape (cycles, pulses + 1) for each polarity.
    """
    clean = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    synapse = SotSynapse(clean.potentiation, clean.depression, PULSES, NOISE)
    device = SynapseArray(synapse, SEED, 0, (1, 1))
    taken = np.array(
        [pulsed(device, PULSES, lambda: device.resistance[0, 0]) for _ in range(CYCLES)]
    )
    return {
        Polarity.POTENTIATION: taken[:, PULSES:],
        Polarity.DEPRESSION: taken[:, : PULSES + 1],
    }


def fit_cycles(polarity: Polarity, cycles: np.ndarray) -> ResponseFit:
    """Fit of ``allspin fit`` to cycles of one device, shape (cycles, pulses + 1)."""
    pulses = np.arange(cycles.shape[1], dtype=np.float64)
    return fit_response(
        [Curve("1", str(number), polarity, pulses, cycle) for number, cycle in enumerate(cycles)],
        polarity,
    )


def printed_depression(pulse: np.ndarray) -> np.ndarray:
    """The depression formula as the paper prints it, R_AH from -1 to 1."""
    a = A[Polarity.DEPRESSION]
    b = 2 / (1 - np.exp(-PULSES / a))
    return b * (1 - np.exp(-(pulse - PULSES) / a)) + 1


def levels_met(polarity: Polarity) -> int:
    """Uniform levels, of 100, that whole pulses meet within half a level."""
    synapse = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    reached = synapse.curve(polarity, np.arange(PULSES + 1))
    levels = np.linspace(synapse.low, synapse.high, PULSES)
    half = synapse.span / (PULSES - 1) / 2
    return int(np.sum(np.min(np.abs(levels[:, None] - reached), axis=1) <= half))


def _states_picture(measured: dict[Polarity, np.ndarray]) -> Picture:
    number = list(range(2 * PULSES + 1))
    lines = [
        Line("depression", number[: PULSES + 1], measured[Polarity.DEPRESSION][0].tolist()),
        Line("potentiation", number[PULSES:], measured[Polarity.POTENTIATION][0].tolist()),
    ]
    panel = Panel(lines, "pulse", R_AH, "C2C on each pulse, of the change that it makes")
    return Picture(
        lines_table("rah-states", "R_AH under pulses", "pulse", R_AH, lines),
        "Fig. 1d: from saturation up (+z), 100 depressing pulses and then 100 potentiating "
        "ones. R_AH stands in the paper's figure only, so it is given from -1 to 1.",
        partial(curves, "R_AH states of one synapse", [panel]),
    )


def _fit_lines(polarity: Polarity, cycles: np.ndarray, fit: ResponseFit) -> tuple[Line, Line]:
    number, name = np.arange(PULSES + 1), polarity.name.lower()
    return (
        Line(
            f"{name}: fit, A = {fit.nonlinearity.value:.2f}",
            number.tolist(),
            fit.mean_curve(number).tolist(),
            marked=False,
        ),
        Line(
            f"{name}: mean of {CYCLES} cycles, and deviation",
            number[::5].tolist(),
            cycles.mean(axis=0)[::5].tolist(),
            cycles.std(axis=0, ddof=1)[::5].tolist(),
            joined=False,
        ),
    )


def _fit_picture(
    measured: dict[Polarity, np.ndarray], fits: dict[Polarity, ResponseFit]
) -> Picture:
    lines = [line for p in Polarity for line in _fit_lines(p, measured[p], fits[p])]
    return Picture(
        lines_table("response", "Pulse response and fit", "pulse", R_AH, lines),
        "Fig. 2: ten cycles of a device drawn with the paper's A and C2C, and their fit.",
        partial(curves, "Pulse response and fit", [Panel(lines, "pulses of its polarity", R_AH)]),
    )


def _fit_table(fits: dict[Polarity, ResponseFit]) -> Table:
    return Table(
        "fit",
        f"Fit of {CYCLES} cycles that were drawn with the paper's A",
        ("polarity", "A drawn with (pulses)", "A fitted (pulses)", "95 % from", "95 % to"),
        [
            (
                polarity.name.lower(),
                A[polarity],
                round(fit.nonlinearity.value, 3),
                round(fit.nonlinearity.low, 3),
                round(fit.nonlinearity.high, 3),
            )
            for polarity, fit in fits.items()
        ],
    )


def _claims(met: dict[Polarity, int]) -> tuple[Claim, ...]:
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


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    measured = _measured()
    fits = {polarity: fit_cycles(polarity, measured[polarity]) for polarity in Polarity}
    met = {polarity: levels_met(polarity) for polarity in Polarity}
    reach = Table(
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
        (_fit_table(fits), reach),
        _claims(met),
    )
