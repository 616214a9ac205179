"""Figs. 3a and 3b: cycles of one synapse, and several synapses, by reading of the unit."""

from functools import partial

import numpy as np

from allspin.host.show.pictures.curves import Line, Panel, curves
from allspin.host.study.paper.chapter import Chapter, Effort, Picture, Results, Table, lines_table
from allspin.host.study.paper.experiments import Experiment
from allspin.host.training.in_array.recipe import raw_synapse
from allspin.sim.chip.array import SynapseArray
from allspin.sim.device.response import Polarity
from allspin.sim.device.synapse import SotSynapse
from allspin.sim.device.synapse_variation import (
    CYCLE_READINGS,
    DEVICE_READINGS,
    CycleVariation,
    DeviceVariation,
)

PULSES = 128
"""The caption of Fig. 3a has 128 states, the text 100."""
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
"""Readings in few words."""


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.study.paper.chapter.Part`."""
    return []


def _synapse(c2c: CycleVariation, d2d: DeviceVariation) -> SotSynapse:
    raw = raw_synapse(22.0, 9.0, 100)
    return SotSynapse(raw.potentiation, raw.depression, 100, c2c, d2d)


def _cycles(c2c: CycleVariation, devices: int, cycles: int) -> np.ndarray:
    """R_AH of devices after each pulse, shape (cycles, 2 * pulses, devices)."""
    array = SynapseArray(_synapse(c2c, DeviceVariation()), SEED, 0, (1, devices))
    taken = []
    for _ in range(cycles):
        array.saturate(Polarity.POTENTIATION)
        values = []
        for polarity in (Polarity.DEPRESSION, Polarity.POTENTIATION):
            for _ in range(100):
                array.pulse(polarity)
                values.append(array.resistance[0].copy())
        taken.append(values)
    return np.array(taken)


def _devices(d2d: DeviceVariation) -> np.ndarray:
    """Mean response of each device, shape (2 * pulses, devices)."""
    array = SynapseArray(_synapse(CycleVariation(), d2d), SEED, 0, (1, DEVICES))
    array.saturate(Polarity.POTENTIATION)
    values = []
    for polarity in (Polarity.DEPRESSION, Polarity.POTENTIATION):
        for _ in range(100):
            array.pulse(polarity)
            values.append(array.read()[0])
    return np.array(values)


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.study.paper.chapter.Part`."""
    pulse, r_ah = "pulse", "R_AH (half of the range)"
    c2c_panels, c2c_lines, d2d_panels, d2d_lines = [], [], [], []
    rows: list[tuple[str | int | float, ...]] = []
    for reading in CYCLE_READINGS:
        variation = CycleVariation(*C2C, reading, "pulse")
        values = _cycles(variation, 1, CYCLES)[:, :, 0]
        lines = [
            Line(f"cycle {number + 1}", list(range(1, 201)), cycle.tolist(), marked=False)
            for number, cycle in enumerate(values)
        ]
        c2c_panels.append(Panel(lines, pulse, r_ah, f"C2C {TITLES[reading]}", places="lower right"))
        c2c_lines += [Line(f"{reading}: {line.label}", line.x, line.y) for line in lines]
        many = _cycles(variation, SAMPLES, 1)[0]
        for name, at in (("depression", 9), ("potentiation", 109)):
            rows.append(
                (reading, name, 10, float(many[at].mean()), float(many[at].std(ddof=1) / 2))
            )
    for reading in DEVICE_READINGS:
        values = _devices(DeviceVariation(*D2D, reading)).T
        lines = [
            Line(f"device {number + 1}", list(range(1, 201)), device.tolist(), marked=False)
            for number, device in enumerate(values)
        ]
        d2d_panels.append(Panel(lines, pulse, r_ah, f"D2D {TITLES[reading]}", places="lower right"))
        d2d_lines += [Line(f"{reading}: {line.label}", line.x, line.y) for line in lines]
    distribution = Table(
        "c2c-distribution",
        f"R_AH after ten pulses of a polarity, {SAMPLES} devices with C2C on each pulse",
        ("reading", "polarity", "pulses", "mean (half ranges)", "deviation (of the range)"),
        rows,
    )
    return Chapter(
        "Cycles and devices (Figs. 3a, 3b)",
        (
            f"C2C of {C2C[0]:g} (potentiation) and {C2C[1]:g} (depression), D2D of {D2D[0]:g} and "
            f"{D2D[1]:g}. The text does not say of what, nor whether C2C is meant a pulse or a "
            "write; each reading is drawn. Ten cycles and five devices in the text are six and "
            "three in the captions; a caption has 128 states, the text 100.",
        ),
        (
            Picture(
                lines_table("c2c", "Cycles of one device", pulse, r_ah, c2c_lines),
                "Fig. 3a: six cycles of one synapse, by reading of the C2C, drawn on each pulse.",
                partial(curves, "Cycle to cycle: one synapse", c2c_panels, 3),
            ),
            Picture(
                lines_table("d2d", "Devices", pulse, r_ah, d2d_lines),
                "Fig. 3b: five synapses, by reading of the D2D.",
                partial(curves, "Device to device: five synapses", d2d_panels, 3),
            ),
        ),
        (distribution,),
    )
