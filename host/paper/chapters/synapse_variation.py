"""Figs. 3a and 3b: cycles of one synapse, and several synapses, by reading of the unit."""

from collections.abc import Callable
from functools import partial

import numpy as np

from allspin.host.draw.curves import Line, Panel, curves
from allspin.host.paper.chapter import (
    Cell,
    Chapter,
    Effort,
    Picture,
    Results,
    Table,
    lines_table,
    no_experiments,
)
from allspin.host.train.in_array import raw_synapse
from allspin.sim.chip.words import SynapseArray
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import (
    CYCLE_READINGS,
    DEVICE_READINGS,
    CycleVariation,
    DeviceVariation,
    SotSynapse,
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
PULSE, R_AH = "pulse", "R_AH (half of the range)"


experiments = no_experiments


def _synapse(c2c: CycleVariation, d2d: DeviceVariation) -> SotSynapse:
    raw = raw_synapse(22.0, 9.0, 100)
    return SotSynapse(raw.potentiation, raw.depression, 100, c2c, d2d)


def pulsed(array: SynapseArray, pulses: int, look: Callable[[], np.ndarray]) -> np.ndarray:
    """What is to be seen in a cycle from saturation: at first, and after each pulse.

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
    """R_AH of devices after each pulse, shape (cycles, 2 * pulses, devices)."""
    array = SynapseArray(_synapse(c2c, DeviceVariation()), SEED, 0, (1, devices))
    return np.array([pulsed(array, 100, lambda: array.resistance[0])[1:] for _ in range(cycles)])


def _devices(d2d: DeviceVariation) -> np.ndarray:
    """Mean response of each device, shape (devices, 2 * pulses)."""
    array = SynapseArray(_synapse(CycleVariation(), d2d), SEED, 0, (1, DEVICES))
    return pulsed(array, 100, lambda: array.read()[0])[1:].T


def _panel(kind: str, reading: str, values: np.ndarray) -> Panel:
    """Panel of a reading of C2C or D2D: a line a cycle or a device."""
    one = "cycle" if kind == "C2C" else "device"
    lines = [
        Line(f"{one} {number + 1}", list(range(1, 201)), resistance.tolist(), marked=False)
        for number, resistance in enumerate(values)
    ]
    return Panel(lines, PULSE, R_AH, f"{kind} {TITLES[reading]}", places="lower right")


def _numbers(name: str, title: str, panels: dict[str, Panel]) -> Table:
    """Numbers of all panels' lines, named by their reading."""
    lines = [
        Line(f"{reading}: {line.label}", line.x, line.y)
        for reading, panel in panels.items()
        for line in panel.lines
    ]
    return lines_table(name, title, PULSE, R_AH, lines)


def _distribution(reading: str) -> list[tuple[Cell, ...]]:
    """R_AH of many devices after ten pulses of each polarity."""
    many = _cycles(CycleVariation(*C2C, reading, "pulse"), SAMPLES, 1)[0]
    return [
        (reading, name, 10, float(many[at].mean()), float(many[at].std(ddof=1) / 2))
        for name, at in (("depression", 9), ("potentiation", 109))
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
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
    distribution = Table(
        "c2c-distribution",
        f"R_AH after ten pulses of a polarity, {SAMPLES} devices with C2C on each pulse",
        ("reading", "polarity", "pulses", "mean (half ranges)", "deviation (of the range)"),
        [row for reading in CYCLE_READINGS for row in _distribution(reading)],
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
                _numbers("c2c", "Cycles of one device", c2c),
                "Fig. 3a: six cycles of one synapse, by reading of the C2C, drawn on each pulse.",
                partial(curves, "Cycle to cycle: one synapse", list(c2c.values()), 3),
            ),
            Picture(
                _numbers("d2d", "Devices", d2d),
                "Fig. 3b: five synapses, by reading of the D2D.",
                partial(curves, "Device to device: five synapses", list(d2d.values()), 3),
            ),
        ),
        (distribution,),
    )
