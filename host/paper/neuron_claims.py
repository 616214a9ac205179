"""Chapters on the neuron: its curve and variation (Figs. 4d, 5a, 5b), its energy and area."""

import math
from functools import partial

import numpy as np

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
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
from allspin.sim.cost.spin import CLAIMED, FEMTO, joule_heat
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.neuron import SotNeuron

SEED = 5
CYCLES = 10
DEVICES = 5
C2C, D2D = 0.014, 0.18
X, Y = "input current (of full scale)", "R_AH (of its range)"
CURRENT = np.linspace(0, 1, 201)
SLIGHT = 0.05
"""Root mean square difference, as a share of the range, that counts as slight."""


def _line(label: str, response: np.ndarray, dashed: bool = False) -> ChartLine:
    return ChartLine(label, CURRENT.tolist(), response.tolist(), marked=False, dashed=dashed)


def _variation(neuron: SotNeuron) -> ChapterPicture:
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
        ChartLine(f"{name}: {line.label}", line.x, line.y)
        for name, lines in (("gain", gains), ("threshold", thresholds))
        for line in lines
    ]
    panels = [
        ChartPanel(cycles, X, Y, "C2C 0.014 of full-scale current"),
        ChartPanel(gains, X, Y, "D2D 0.18 of the gain"),
        ChartPanel(thresholds, X, Y, "D2D 0.18 of full scale, threshold"),
    ]
    return ChapterPicture(
        lines_table(
            "neuron-variation", "Neurons over cycles and devices", X, Y, [*cycles, *devices]
        ),
        "Figs. 5a and 5b: ten cycles of one neuron; five neurons, by reading of the D2D.",
        partial(curves, "Cycle to cycle and device to device: the neuron", panels, 3),
    )


def _curve_chapter(found: Found, effort: Effort) -> Chapter:
    neuron = SotNeuron()
    response = neuron.response(CURRENT)
    linear = np.clip(neuron.slope * (CURRENT - neuron.threshold), 0, None)
    lines = [
        _line("SOT neuron", response),
        _line("ideal ReLU from the threshold", linear, dashed=True),
        _line("ideal ReLU from 0", CURRENT, dashed=True),
    ]
    curve = ChapterPicture(
        lines_table("sot-relu", "SOT-ReLU and ReLU", X, Y, lines),
        "Fig. 4d: the SOT-ReLU against the ideal one.",
        partial(curves, "SOT-ReLU", [ChartPanel(lines, X, Y, y_range=(-0.05, 1.2))]),
    )
    working = CURRENT <= neuron.threshold + neuron.saturation / neuron.slope  # noqa: SIM300
    # Root mean square differences, as shares of the range.
    from_threshold = float(np.sqrt(np.mean((response - linear)[working] ** 2)))
    from_zero = float(np.sqrt(np.mean((response - CURRENT) ** 2)))
    slightly = Claim(
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
    return Chapter(
        "The SOT neuron (Figs. 4d, 5a, 5b)",
        (
            "Flat until switching starts, then linear, then saturated. Current and R_AH are "
            "shares of full scale; the curve's numbers are this project's, since the text has "
            "none. C2C of 0.014 and D2D of 0.18 are without unit in the text: C2C is drawn of "
            "full-scale current at each use, D2D as a factor on the current (gain) or of "
            "full-scale current (threshold).",
        ),
        (curve, _variation(neuron)),
        (),
        (slightly,),
    )


NEURON_CURRENT, RESISTANCE, TIME = 0.2e-6, 1000.0, 10e-9
"""Current, resistance and time of the scaled neuron: A, ohm, s."""
WIDTH, LENGTH, STEP, SPEED = 50e-9, 800e-9, 20e-9, 80.0
"""Width, length, step and velocity of the scaled neuron: m, m, m a position, m/s."""
CMOS_AREA, CMOS_ENERGY = 4.7, 2.622
"""Area and energy of the paper's CMOS neuron: um^2, fJ."""
MEASURED_CURRENT, MEASURED_WIDTH = 0.2e-3, 50e-6
SYNAPSE_CURRENTS, SYNAPSE_WIDTH = (8e-3, 11e-3), 30e-6
SYNAPSE_RESISTANCE, SYNAPSE_TIME = 312.5, 1e-3
"""Resistance of five squares at the neuron's 62.5 ohm a square, and a pulse in seconds."""
AND_AREA, INVERTER_AREA = 1.064, 0.532
AND_LEAKAGE, INVERTER_LEAKAGE = 25.07e-9, 14.35e-9
"""Area and leakage of cells of a 45-nm library at its typical corner: um^2, W."""
GATE_SWITCHING = 24.7
"""Energy of four AND2 and an inverter in 10 ns at an input activity of 1, without wires, fJ."""
NEAR = 0.2
"""Relative difference from the paper's figure that counts as equal."""

SHEETS = [current / SYNAPSE_WIDTH for current in SYNAPSE_CURRENTS]
"""Sheet currents that switch the synapse, A/m."""
SCALED = [sheet * WIDTH for sheet in SHEETS]
"""The same across the scaled neuron, A."""
STATED = joule_heat(NEURON_CURRENT, RESISTANCE, TIME)
AT_SHEET = [joule_heat(current, RESISTANCE, TIME) for current in SCALED]
"""Energy of a use of the scaled neuron, as stated and at the synapse's sheet currents, fJ."""
AREA, POSITIONS = WIDTH * LENGTH * 1e12, LENGTH / STEP
"""Area of the scaled neuron, um^2, and positions of its domain wall."""


def _energy_rows() -> list[tuple[Cell, ...]]:
    needed = math.sqrt(CLAIMED / FEMTO / RESISTANCE / TIME)
    needed_time = CLAIMED / FEMTO / RESISTANCE / NEURON_CURRENT**2
    return [
        (
            "SOT neuron, energy of a use",
            "about 0.1 fJ",
            f"{STATED:.2g} fJ",
            "I^2 R t with the stated 0.2 uA, 1000 ohm, 10 ns",
        ),
        (
            "the same, with the reset that each use needs",
            "not counted",
            f"{2 * STATED:.2g} fJ",
            "another 10 ns at the same current",
        ),
        (
            "what 0.1 fJ would take",
            "-",
            f"{needed * 1e6:.2f} uA, or {needed_time * 1e6:.1f} us",
            "the same formula, solved for current or time",
        ),
        (
            "SOT neuron at the sheet current that switches the synapse",
            "-",
            f"{AT_SHEET[0]:.1f} to {AT_SHEET[1]:.1f} fJ",
            f"8 to 11 mA across 30 um are {SHEETS[0]:.0f} to {SHEETS[1]:.0f} A/m, so "
            f"{SCALED[0] * 1e6:.0f} to {SCALED[1] * 1e6:.0f} uA across 50 nm",
        ),
        (
            "sheet current of the measured neuron",
            "-",
            f"{MEASURED_CURRENT / MEASURED_WIDTH:.0f} A/m",
            "0.2 mA across 50 um; across 50 nm that is the stated 0.2 uA",
        ),
    ]


def _comparison_rows() -> list[tuple[Cell, ...]]:
    gate_area = 4 * AND_AREA + INVERTER_AREA
    leakage = (4 * AND_LEAKAGE + INVERTER_LEAKAGE) * 10e-9 * FEMTO
    activity = (CMOS_ENERGY - leakage) / GATE_SWITCHING
    pulses = [current**2 * SYNAPSE_RESISTANCE * SYNAPSE_TIME * 1e6 for current in SYNAPSE_CURRENTS]
    return [
        ("CMOS neuron, energy", "2.622 fJ", "from the text", "100 MHz, 4 bits, 45 nm"),
        ("SOT neuron, area", "50 x 800 nm^2", f"{AREA:.2f} um^2", "without amplifier"),
        (
            "CMOS neuron, area",
            "4.7 um^2",
            f"{gate_area:.3f} um^2",
            "four AND2 and an inverter of a 45-nm library: a bare gate of 4 bits, without "
            "accumulator and register",
        ),
        (
            "input activity at which that gate takes the 2.622 fJ",
            "-",
            f"{activity:.2f}",
            f"{leakage:.2f} fJ of leakage and {GATE_SWITCHING:g} fJ times the activity",
        ),
        (
            "positions of the domain wall",
            "4 bits",
            f"{POSITIONS:.0f}",
            "800 nm in steps of 20 nm; 16 positions would be 320 nm",
        ),
        (
            "uses a second",
            "10 ns in, 10 ns reset",
            f"{1e-6 / (2 * TIME):.0f} MHz",
            "against the CMOS neuron's 100 MHz",
        ),
        (
            "synapse, a pulse as built",
            "not given",
            f"{pulses[0]:.0f} to {pulses[1]:.0f} uJ",
            "8 to 11 mA for 1 ms through 312.5 ohm (five squares: an assumption)",
        ),
    ]


def _energy_claims() -> tuple[Claim, ...]:
    return (
        Claim(
            "The scaled SOT neuron takes around 0.1 fJ",
            "0.1 fJ",
            (
                Reading(
                    "I^2 R t of its numbers",
                    f"{STATED:.2g} fJ",
                    abs(STATED / CLAIMED - 1) < NEAR,
                ),
                Reading(
                    "with the reset", f"{2 * STATED:.2g} fJ", abs(2 * STATED / CLAIMED - 1) < NEAR
                ),
                Reading(
                    "at the synapse's sheet current",
                    f"{AT_SHEET[0]:.1f} to {AT_SHEET[1]:.1f} fJ",
                    AT_SHEET[0] <= CLAIMED <= AT_SHEET[1],
                    True,
                ),
            ),
            f"the formula and the numbers stand side by side in the text, {CLAIMED / STATED:.0f} "
            "times apart",
        ),
        Claim(
            "The scaled SOT neuron takes much less energy than a CMOS neuron",
            "0.1 against 2.622 fJ",
            (
                Reading("current as stated", f"{STATED:.2g} fJ", STATED < CMOS_ENERGY / 10),
                Reading(
                    "current that switches this stack (the synapse's)",
                    f"{AT_SHEET[0]:.1f} to {AT_SHEET[1]:.1f} fJ",
                    AT_SHEET[0] < CMOS_ENERGY / 10,
                ),
            ),
            "both without the amplifier and V-I converter that the text says each column needs",
        ),
    )


def _size_claims() -> tuple[Claim, ...]:
    travel = LENGTH / SPEED
    return (
        Claim(
            "The scaled SOT neuron is much smaller than a CMOS neuron",
            "50 x 800 nm^2 against 4.7 um^2",
            (
                Reading(
                    "bare devices",
                    f"{AREA:.2f} against {CMOS_AREA:g} um^2: {CMOS_AREA / AREA:.1f} times",
                    CMOS_AREA / AREA > 10,
                ),
            ),
            "without amplifier, V-I converter and read-out junction, and a CMOS gate without "
            "accumulator",
        ),
        Claim(
            "4 bits need 50 x 800 nm^2 at 20 nm a position",
            "800 nm",
            (
                Reading(
                    "16 positions", f"{16 * STEP * 1e9:.0f} nm", math.isclose(16 * STEP, LENGTH)
                ),
            ),
            f"800 nm are {POSITIONS:.0f} positions, more than 5 bits",
        ),
        Claim(
            "At 80 m/s, input and reset take 10 ns each",
            "10 ns",
            (Reading("800 nm at 80 m/s", f"{travel * 1e9:.0f} ns", math.isclose(travel, TIME)),),
            "so a neuron is used at 50 MHz at most, half the rate of the CMOS neuron",
        ),
    )


def _energy_chapter(found: Found, effort: Effort) -> Chapter:
    return Chapter(
        "Energy and area",
        (
            "The CMOS figures are the paper's. That registers are not required is true of the "
            "neuron, which is non-volatile, but each use needs a reset, and the amplifier and "
            "V-I converter of each column are left out of both of the paper's figures.",
        ),
        (),
        (
            chapter_table(
                "energy",
                "Energy and area: the paper's figures, and the arithmetic on its own numbers",
                ("what", "paper", "arithmetic", "from"),
                [*_energy_rows(), *_comparison_rows()],
            ),
        ),
        (*_energy_claims(), *_size_claims()),
    )


CURVE = ChapterRecipe(_curve_chapter)
ENERGY = ChapterRecipe(_energy_chapter)
