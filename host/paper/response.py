"""Figs. 1d and 2: R_AH states under pulses, and the response with its fit."""

from functools import partial

import numpy as np

from host.array_training.recipe import raw_synapse
from host.paper.chapter import Chapter, Effort, Picture, Results, Table, lines_table
from host.paper.experiments import Experiment
from host.paper.verdict import Claim, Reading
from host.pictures.curves import Line, Panel, curves
from sim.array import SynapseArray
from sim.synapse import CycleVariation, Polarity, SotSynapse

PULSES = 100
A = {Polarity.POTENTIATION: 22.0, Polarity.DEPRESSION: 9.0}
NAMES = {Polarity.POTENTIATION: "potentiation", Polarity.DEPRESSION: "depression"}
SEED = 1
NOISE = CycleVariation(0.065, 0.029, "increment", "pulse")
"""The reading of C2C that a single device's curve is drawn with."""


def experiments(effort: Effort) -> list[Experiment]:
    """See `host.paper.chapter.Part`."""
    return []


def _measured() -> dict[Polarity, np.ndarray]:
    """One device's R_AH after each pulse, with C2C: down from saturation, then up."""
    clean = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    synapse = SotSynapse(clean.potentiation, clean.depression, PULSES, NOISE)
    device = SynapseArray(synapse, SEED, 0, (1, 1))
    device.saturate(Polarity.POTENTIATION)
    curves_: dict[Polarity, np.ndarray] = {}
    for polarity in (Polarity.DEPRESSION, Polarity.POTENTIATION):
        values = [float(device.resistance[0, 0])]
        for _ in range(PULSES):
            device.pulse(polarity)
            values.append(float(device.resistance[0, 0]))
        curves_[polarity] = np.array(values)
    return curves_


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


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `host.paper.chapter.Part`."""
    synapse = raw_synapse(A[Polarity.POTENTIATION], A[Polarity.DEPRESSION], PULSES)
    measured = _measured()
    down, up = measured[Polarity.DEPRESSION], measured[Polarity.POTENTIATION]
    states = [
        Line("depression", list(range(PULSES + 1)), down.tolist()),
        Line("potentiation", list(range(PULSES, 2 * PULSES + 1)), up.tolist()),
    ]
    number = np.arange(PULSES + 1)
    model = {polarity: synapse.curve(polarity, number) for polarity in Polarity}
    fit = []
    for polarity in Polarity:
        fit.append(
            Line(
                f"{NAMES[polarity]}: R(P) of the text, A = {A[polarity]:g}",
                number.tolist(),
                model[polarity].tolist(),
                marked=False,
            )
        )
        fit.append(
            Line(
                f"{NAMES[polarity]}, one device",
                number[::5].tolist(),
                measured[polarity][::5].tolist(),
                dashed=True,
            )
        )
    pulse = "pulse"
    r_ah = "R_AH (half of the range)"
    pictures = (
        Picture(
            lines_table("rah-states", "R_AH under pulses", pulse, r_ah, states),
            "Fig. 1d: from saturation up (+z), 100 depressing pulses and then 100 potentiating "
            "ones. R_AH stands in the paper's figure only, so it is given from -1 to 1.",
            partial(
                curves,
                "R_AH states of one synapse",
                [Panel(states, "pulse", r_ah, "C2C on each pulse, of the change that it makes")],
            ),
        ),
        Picture(
            lines_table("response", "Pulse response and fit", pulse, r_ah, fit),
            "Fig. 2: the response with the paper's A; points: a device drawn with C2C.",
            partial(
                curves,
                "Pulse response, A = 22 and A = 9",
                [Panel(fit, "pulses of its polarity", r_ah)],
            ),
        ),
    )
    printed = printed_depression(np.array([0.0]))[0]
    met = {polarity: levels_met(polarity) for polarity in Polarity}
    reach = Table(
        "levels",
        "Uniform levels, of 100, that whole pulses meet within half a level",
        ("polarity", "A (pulses)", "levels met"),
        [(NAMES[polarity], A[polarity], met[polarity]) for polarity in Polarity],
    )
    steps = {p: np.abs(np.diff(model[p])) / (synapse.span / (PULSES - 1)) for p in Polarity}
    claims = (
        Claim(
            "R_D(P) as printed describes depression",
            "R_D from R_min to R_max",
            (
                Reading(
                    "as printed",
                    f"R_D(0) = {printed:,.0f} half ranges",
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
            f"{min(s.min() for s in steps.values()):.2g} to "
            f"{max(s.max() for s in steps.values()):.3g} mean steps",
        ),
    )
    return Chapter(
        "R_AH states and pulse response (Figs. 1d, 2)",
        (
            "The measured points of the paper are in its figures only. The device drawn here has "
            "its A and its C2C, read as a fraction of the change that each pulse makes. P_max is "
            "not given; 100 is assumed.",
        ),
        pictures,
        (reach,),
        claims,
    )
