"""Chapters on the neuron: its curve and variation (Figs. 4d, 5a, 5b), its energy and area."""

import math
from dataclasses import replace

import numpy as np

from allspin.host.charts.line_charts import ChartLine, ChartPanel
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
from allspin.sim.cost.spin import CLAIMED, FEMTO, joule_heat
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.neuron import SotNeuron

SEED = 5
CYCLES = 10
DEVICES = 5
C2C = 0.014
D2D = 0.18
X = "input current (of full scale)"
Y = "R_AH (of its range)"
CURRENT = np.linspace(0, 1, 201)
SLIGHT = 0.05
"""Root mean square difference, as a share of the range, that counts as slight."""


def _line(label: str, response: np.ndarray, dashed: bool = False) -> ChartLine:
    return ChartLine(label, CURRENT.tolist(), response.tolist(), marked=False, dashed=dashed)


def _variation(neuron: SotNeuron) -> ChapterPicture:
    rng = np.random.default_rng(SEED)
    use = NeuronVariation(use=C2C)
    device = NeuronVariation(gain=D2D, threshold=D2D)
    cycles = []
    for number in range(CYCLES):
        deviate = rng.standard_normal(CURRENT.shape)
        cycles.append(
            _line(f"cycle {number + 1}", use.respond(neuron, CURRENT, use_deviate=deviate))
        )
    of_gain, of_threshold = rng.standard_normal((2, DEVICES))
    gains = []
    thresholds = []
    for number in range(DEVICES):
        label = f"device {number + 1}"
        own = device.respond(neuron, CURRENT, gain_deviate=of_gain[number])
        gains.append(_line(label, own))
        own = device.respond(neuron, CURRENT, threshold_deviate=of_threshold[number])
        thresholds.append(_line(label, own))
    panels = [
        ChartPanel(cycles, X, Y, "C2C 0.014 of full-scale current"),
        ChartPanel(gains, X, Y, "D2D 0.18 of the gain"),
        ChartPanel(thresholds, X, Y, "D2D 0.18 of full scale, threshold"),
    ]
    devices = [replace(line, label=f"gain: {line.label}") for line in gains]
    devices += [replace(line, label=f"threshold: {line.label}") for line in thresholds]
    return lines_picture(
        "neuron-variation",
        "Cycle to cycle and device to device: the neuron",
        panels,
        "Figs. 5a and 5b: ten cycles of one neuron; five neurons, by reading of the D2D.",
        lines=cycles + devices,
        about="Neurons over cycles and devices",
        across=3,
    )


def _curve_picture(response: np.ndarray, linear: np.ndarray) -> ChapterPicture:
    lines = [
        _line("SOT neuron", response),
        _line("ideal ReLU from the threshold", linear, dashed=True),
        _line("ideal ReLU from 0", CURRENT, dashed=True),
    ]
    return lines_picture(
        "sot-relu",
        "SOT-ReLU",
        [ChartPanel(lines, X, Y, y_range=(-0.05, 1.2))],
        "Fig. 4d: the SOT-ReLU against the ideal one.",
        about="SOT-ReLU and ReLU",
    )


def _slight_claim(neuron: SotNeuron, response: np.ndarray, linear: np.ndarray) -> Claim:
    """Compare root mean square differences from ReLUs, as shares of the range, with `SLIGHT`."""
    working = CURRENT <= neuron.threshold + neuron.saturation / neuron.slope  # noqa: SIM300
    from_threshold = float(np.sqrt(np.mean((response - linear)[working] ** 2)))
    from_zero = float(np.sqrt(np.mean((response - CURRENT) ** 2)))
    at_threshold = Reading(
        "from a ReLU at the threshold, up to saturation",
        f"{100 * from_threshold:.1f} % of the range, root mean square",
        from_threshold < SLIGHT,
        assumption=True,
    )
    at_zero = Reading(
        "from a ReLU at zero, over full scale",
        f"{100 * from_zero:.1f} %",
        from_zero < SLIGHT,
        assumption=True,
    )
    return Claim(
        "The SOT-ReLU differs only slightly from an ideal ReLU",
        "slightly",
        (at_threshold, at_zero),
        "the measured curve is in Fig. 4 only, so ours is assumed (threshold 0.1, slope 1.25, "
        f"softness 0.05); less than {100 * SLIGHT:g} % counts as slight",
    )


def _curve_chapter(found: Found, effort: Effort) -> Chapter:
    neuron = SotNeuron()
    response = neuron.response(CURRENT)
    linear = np.clip(neuron.slope * (CURRENT - neuron.threshold), 0, None)
    text = (
        "Flat until switching starts, then linear, then saturated. Current and R_AH are "
        "shares of full scale; the curve's numbers are this project's, since the text has "
        "none. C2C of 0.014 and D2D of 0.18 are without unit in the text: C2C is drawn of "
        "full-scale current at each use, D2D as a factor on the current (gain) or of "
        "full-scale current (threshold)."
    )
    return Chapter(
        "The SOT neuron (Figs. 4d, 5a, 5b)",
        (text,),
        (_curve_picture(response, linear), _variation(neuron)),
        claims=(_slight_claim(neuron, response, linear),),
    )


# The scaled neuron, in SI units.
NEURON_CURRENT = 0.2e-6
RESISTANCE = 1000.0
TIME = 10e-9
WIDTH = 50e-9
LENGTH = 800e-9
STEP = 20e-9
"""Length of a position of its domain wall."""
SPEED = 80.0
"""Velocity of its domain wall."""
CMOS_AREA = 4.7
CMOS_ENERGY = 2.622
"""Area and energy of the paper's CMOS neuron: um^2, fJ."""
MEASURED_CURRENT = 0.2e-3
MEASURED_WIDTH = 50e-6
SYNAPSE_CURRENTS = (8e-3, 11e-3)
SYNAPSE_WIDTH = 30e-6
SYNAPSE_RESISTANCE = 312.5
"""Resistance of five squares at the neuron's 62.5 ohm a square."""
SYNAPSE_TIME = 1e-3
AND_AREA = 1.064
INVERTER_AREA = 0.532
AND_LEAKAGE = 25.07e-9
INVERTER_LEAKAGE = 14.35e-9
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
AREA = WIDTH * LENGTH * 1e12
"""Area of the scaled neuron, um^2."""
POSITIONS = LENGTH / STEP
"""Positions of its domain wall."""


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


def _energy_claims() -> tuple[Claim, Claim]:
    low, high = AT_SHEET
    at_sheet = f"{low:.1f} to {high:.1f} fJ"
    formula = Reading(
        "I^2 R t of its numbers", f"{STATED:.2g} fJ", abs(STATED / CLAIMED - 1) < NEAR
    )
    with_reset = Reading(
        "with the reset", f"{2 * STATED:.2g} fJ", abs(2 * STATED / CLAIMED - 1) < NEAR
    )
    of_synapse = Reading(
        "at the synapse's sheet current", at_sheet, low <= CLAIMED <= high, assumption=True
    )
    energy = Claim(
        "The scaled SOT neuron takes around 0.1 fJ",
        "0.1 fJ",
        (formula, with_reset, of_synapse),
        f"the formula and the numbers stand side by side in the text, {CLAIMED / STATED:.0f} "
        "times apart",
    )
    stated = Reading("current as stated", f"{STATED:.2g} fJ", STATED < CMOS_ENERGY / 10)
    switching = Reading(
        "current that switches this stack (the synapse's)", at_sheet, low < CMOS_ENERGY / 10
    )
    against_cmos = Claim(
        "The scaled SOT neuron takes much less energy than a CMOS neuron",
        "0.1 against 2.622 fJ",
        (stated, switching),
        "both without the amplifier and V-I converter that the text says each column needs",
    )
    return energy, against_cmos


def _size_claims() -> tuple[Claim, Claim, Claim]:
    ratio = CMOS_AREA / AREA
    bare = Reading(
        "bare devices",
        f"{AREA:.2f} against {CMOS_AREA:g} um^2: {ratio:.1f} times",
        ratio > 10,
    )
    area = Claim(
        "The scaled SOT neuron is much smaller than a CMOS neuron",
        "50 x 800 nm^2 against 4.7 um^2",
        (bare,),
        "without amplifier, V-I converter and read-out junction, and a CMOS gate without "
        "accumulator",
    )
    sixteen = Reading("16 positions", f"{16 * STEP * 1e9:.0f} nm", math.isclose(16 * STEP, LENGTH))
    length = Claim(
        "4 bits need 50 x 800 nm^2 at 20 nm a position",
        "800 nm",
        (sixteen,),
        f"800 nm are {POSITIONS:.0f} positions, more than 5 bits",
    )
    travel = LENGTH / SPEED
    along = Reading("800 nm at 80 m/s", f"{travel * 1e9:.0f} ns", math.isclose(travel, TIME))
    time = Claim(
        "At 80 m/s, input and reset take 10 ns each",
        "10 ns",
        (along,),
        "so a neuron is used at 50 MHz at most, half the rate of the CMOS neuron",
    )
    return area, length, time


def _energy_chapter(found: Found, effort: Effort) -> Chapter:
    text = (
        "The CMOS figures are the paper's. That registers are not required is true of the "
        "neuron, which is non-volatile, but each use needs a reset, and the amplifier and "
        "V-I converter of each column are left out of both of the paper's figures."
    )
    table = chapter_table(
        "energy",
        "Energy and area: the paper's figures, and the arithmetic on its own numbers",
        ("what", "paper", "arithmetic", "from"),
        _energy_rows() + _comparison_rows(),
    )
    claims = _energy_claims() + _size_claims()
    return Chapter("Energy and area", (text,), tables=(table,), claims=claims)


CURVE = ChapterRecipe(_curve_chapter)
ENERGY = ChapterRecipe(_energy_chapter)
