"""The comparison with CMOS neurons."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from allspin.host.report.charts import Chart, Range, Strip, figure, ranges_chart, strips_chart
from allspin.host.report.section import TO_HAVE_IT, Section, facts, paragraph
from allspin.host.report.subject import Findings, flag, mapping, numeral, records, string
from allspin.host.report.tables import Cell, Table, numbers, quantity, table
from allspin.host.show.table import short, significant
from allspin.sim.drawing import Axis

Record = Mapping[str, Any]

ALONE, WHOLE = "the neuron alone", "with what surrounds it"
SQUARE_MICRON = "\N{MICRO SIGN}m\N{SUPERSCRIPT TWO}"
NEURON_COLUMNS = {
    "accuracy": "test accuracy (%)",
    "area_um2": "area (um^2)",
    "energy_fj": "energy (fJ)",
    "energy_delay_fj_ns": "energy-delay (fJ ns)",
    "latency_ns": "latency (ns)",
    "uses_per_second": "uses per second",
    "area_with_periphery_um2": "area with periphery (um^2)",
    "energy_with_periphery_fj": "energy with periphery (fJ)",
    "energy_delay_with_periphery_fj_ns": "energy-delay with periphery (fJ ns)",
}
NETWORK_COLUMNS = {
    "area_um2": "area (um^2)",
    "energy_pj": "energy (pJ)",
    "area_with_periphery_um2": "area with periphery (um^2)",
    "energy_with_periphery_pj": "energy with periphery (pJ)",
    "energy_delay_with_periphery_pj_ns": "energy-delay with periphery (pJ ns)",
    "latency_ns": "latency (ns)",
    "images_per_second": "images/s",
}
PAPER_FIGURES = {
    "claimed_fj": ("the SOT neuron as claimed", "fJ"),
    "stated_fj": ("the same by its own current, resistance and time", "fJ"),
    "stated_with_reset_fj": ("with the reset that each use needs", "fJ"),
    "current_for_claim_ua": ("current that the claim would take", "uA"),
    "time_for_claim_us": ("or time that it would take", "us"),
    "area_um2": ("area of the SOT neuron", "um^2"),
    "cmos_fj": ("the CMOS neuron as given", "fJ"),
    "cmos_area_um2": ("area of the CMOS neuron as given", "um^2"),
    "gate_area_um2": ("area of a bare gate, synthesised", "um^2"),
    "gate_measured_fj": ("energy of a bare gate at the activity that was counted", "fJ"),
    "gate_measured_activity": ("that activity", ""),
    "activity_for_paper_fj": ("activity at which the given energy falls", ""),
}
"""Figures about the paper's two neurons, what they are, and their units."""
BREAK_EVEN_COLUMNS = {
    "bare_fj": "CMOS bare (fJ)",
    "with_periphery_fj": "CMOS with periphery (fJ)",
    "spin_periphery_fj": "spin's periphery here (fJ)",
    "current_ua": "current whose heat alone does it (uA)",
}
FPGA_COLUMNS = {
    "lut": "LUT",
    "ff": "FF",
    "memory": "block RAM",
    "dsp": "multipliers",
    "fmax": "Fmax (MHz)",
}
SPOKEN = {"um^2": SQUARE_MICRON, "uA": "\N{MICRO SIGN}A", "us": "\N{MICRO SIGN}s"}
"""Units as they are printed."""


def _printed(name: str) -> str:
    """A column's name with its unit as it is printed."""
    for plain, printed in SPOKEN.items():
        name = name.replace(f"({plain})", f"({printed})")
    return name


def _table(
    title: str, first: str, names: Sequence[str], rows: Sequence[Record], columns: Mapping[str, str]
) -> Table:
    """Records as a table; columns that none has are left out, accuracies become percent."""
    shown = [key for key in columns if any(numeral(row, key) is not None for row in rows)]

    def cell(row: Record, key: str) -> Cell:
        value = numeral(row, key)
        return 100 * value if value is not None and key == "accuracy" else value

    return Table(
        title,
        (first, *(_printed(columns[key]) for key in shown)),
        [(name, *(cell(row, key) for key in shown)) for name, row in zip(names, rows, strict=True)],
        digits=3,
    )


def _energy(neurons: Sequence[Record], names: Sequence[str]) -> h.Node:
    """Energy of a use, alone and with what surrounds the neuron, on one axis."""
    strips = []
    for name, neuron in zip(names, neurons, strict=True):
        alone, whole = numeral(neuron, "energy_fj"), numeral(neuron, "energy_with_periphery_fj")
        values = [value for value in (alone, whole) if value is not None and value > 0]
        if alone is None or alone <= 0:
            continue
        said = " \N{RIGHTWARDS ARROW} ".join(significant(value) for value in values)
        strips.append(Strip(name, values, f"{said} fJ"))
    if not strips:
        return None
    return figure(
        Chart(
            "comparison-energy",
            "Energy of one use of a neuron",
            "; ".join(f"{strip.label}: {strip.figure}" for strip in strips)
            + ". First the neuron alone, then with what surrounds it.",
            strips_chart(
                strips,
                Axis("energy of a use (fJ), logarithmic", log=True),
                marks=(ALONE, WHOLE),
            ),
        ),
        [
            _table("neurons, a use", "neuron", names, neurons, NEURON_COLUMNS),
            _parts(neurons, names),
        ],
        "Amplifier, V-I converter, ADC and row drivers are what the paper itself says that a "
        "column needs; their figures are published ones.",
    )


def _parts(neurons: Sequence[Record], names: Sequence[str]) -> Table:
    """Where the energy of a use goes."""
    rows = []
    for name, neuron in zip(names, neurons, strict=True):
        for key, where in (("energy_parts_fj", ALONE), ("periphery_parts_fj", "around it")):
            parts = mapping(neuron, key)
            rows += [(name, where, str(part), numeral(parts, part)) for part in parts]
    return Table("where the energy of a use goes", ("neuron", "where", "part", "energy (fJ)"), rows)


def _tornado(panel: Record, number: int) -> h.Node:
    ratio = numeral(panel, "ratio")
    bars = []
    for bar in records(panel.get("bars")):
        figures = [numeral(bar, key) for key in ("ratio_low", "ratio_high", "low", "high")]
        found = [value for value in figures if value is not None]
        if len(found) == len(figures) and min(found[:2]) > 0:
            unit = string(bar, "unit") or ""
            name = string(bar, "name") or ""
            bars.append(
                (
                    Range(
                        f"{name} ({SPOKEN.get(unit, unit)})" if unit else name,
                        (found[0], found[1]),
                        (short(found[2]), short(found[3])),
                    ),
                    string(bar, "source") or "",
                )
            )
    if not bars or ratio is None or ratio <= 0:
        return None
    against = string(panel, "against") or "CMOS"
    around = "both with what surrounds them" if flag(panel, "periphery") else "both bare"
    return figure(
        Chart(
            f"comparison-hangs-{number}",
            f"What the verdict hangs on: spin over {against}, {around}",
            f"The spin neuron takes {ratio:.3g} times the energy of {against}. "
            + "; ".join(
                f"{bar.label} from {bar.texts[0]} to {bar.texts[1]}: {bar.ends[0]:.3g} to "
                f"{bar.ends[1]:.3g}"
                for bar, _ in bars
            )
            + ".",
            ranges_chart(
                [bar for bar, _ in bars],
                "energy of a use, spin over CMOS, logarithmic",
                [
                    (1.0, "equal: left of here spin wins", "guide"),
                    (ratio, f"here {ratio:.3g}", "mean"),
                ],
            ),
        ),
        [
            Table(
                "each parameter over its published range",
                ("parameter", "from", "to", "spin over CMOS from", "to", "source"),
                [(bar.label, *bar.texts, *bar.ends, source) for bar, source in bars],
            )
        ],
        "At the bars' ends stand the parameter's values.",
    )


def _paper(found: Record) -> h.Node:
    paper = mapping(found, "paper_neuron")
    rows: list[tuple[Cell, ...]] = [
        (name, value, SPOKEN.get(unit, unit))
        for key, (name, unit) in PAPER_FIGURES.items()
        if (value := numeral(paper, key)) is not None
    ]
    sheet = paper.get("sheet_current_fj")
    for value in sheet if isinstance(sheet, list) else []:
        record = {"value": value}
        rows.insert(
            3, ("at the sheet current that switches its synapse", numeral(record, "value"), "fJ")
        )
    return (
        table(Table("The paper's two neurons", ("what", "figure", "unit"), rows, digits=3))
        if rows
        else None
    )


def _break_even(found: Record) -> h.Node:
    rows = records(found.get("break_even"))
    if not rows:
        return None
    return [
        paragraph(
            "Break-even: the energy that may surround a spin neuron before a CMOS one takes less."
        ),
        table(
            _table(
                "Break-even",
                "against",
                [string(row, "against") or "" for row in rows],
                rows,
                BREAK_EVEN_COLUMNS,
            )
        ),
    ]


def _network(neurons: Sequence[Record], names: Sequence[str], found: Record) -> h.Node:
    """The whole network for one image, and the dense array that one would build instead."""
    wholes = [
        (name, whole)
        for name, neuron in zip(names, neurons, strict=True)
        if (whole := mapping(neuron, "network"))
    ]
    baseline = mapping(found, "baseline")
    if baseline:
        array = dict(baseline)
        array["energy_with_periphery_pj"] = baseline.get("energy_pj")
        array["area_with_periphery_um2"] = baseline.get("area_um2")
        array.pop("energy_pj", None)
        array.pop("area_um2", None)
        wholes.append(("dense 8-bit array", array))
    if not wholes:
        return None
    return [
        paragraph("The whole network, one image; the dense array is what one would build instead."),
        table(
            _table(
                "The whole network, one image",
                "neurons",
                [name for name, _ in wholes],
                [whole for _, whole in wholes],
                NETWORK_COLUMNS,
            )
        ),
    ]


def _fpga(found: Record) -> h.Node:
    uses = records(mapping(found, "fpga").get("usage"))
    if not uses:
        return None
    return numbers(
        _table(
            "on FPGAs, as recorded",
            "design and part",
            [f"{string(use, 'design') or ''}, {string(use, 'part') or ''}" for use in uses],
            uses,
            FPGA_COLUMNS,
        )
    )


def _provenance(neurons: Sequence[Record], names: Sequence[str]) -> h.Node:
    """What each neuron is, and where each of its numbers comes from."""
    rows = []
    for name, neuron in zip(names, neurons, strict=True):
        sources = mapping(neuron, "provenance")
        rows.append((name, "what is meant", string(neuron, "what") or ""))
        rows += [(name, str(key), string(sources, key) or "") for key in sources]
    return numbers(Table("where each number comes from", ("neuron", "number", "from"), rows))


def comparison(findings: Findings) -> Section:
    """Spin neurons against CMOS neurons."""
    subject, found = findings.subject, findings.comparison
    command = subject.command("compare", *subject.device_options, images=False)
    if isinstance(found, str):
        return Section(
            "comparison",
            "Against CMOS",
            paragraph(f"This network could not be compared with CMOS neurons: {found}"),
            [command],
            TO_HAVE_IT,
        )
    neurons = records(found.get("neurons"))
    names = [string(neuron, "name") or "a neuron" for neuron in neurons]
    frequency = numeral(found, "frequency_hz")
    about: dict[str, h.Node] = {
        "Standard cells": string(found, "library"),
        # Without the compiler that built it, and where.
        "Synthesised by": (string(found, "yosys") or "").partition(" (")[0],
        "Clock": quantity(frequency, "Hz") if frequency is not None else None,
        "Activity counted on": f"{counted:,} images"
        if (counted := numeral(found, "images_counted")) is not None
        else None,
    }
    return Section(
        "comparison",
        "Against CMOS",
        [
            paragraph(
                "One use of the network's neurons, as spin devices and as CMOS ones: the spin "
                "neuron by its own numbers, as the paper claims it and at the current that "
                "switches its synapse; CMOS neurons synthesised to standard cells, with the "
                "activity that real images give. Where each number comes from is told at the end."
            ),
            facts({name: value for name, value in about.items() if value}),
            table(
                _table(
                    "Neurons side by side",
                    "neuron",
                    names,
                    neurons,
                    {
                        key: NEURON_COLUMNS[key]
                        for key in ("accuracy", "area_um2", "energy_fj", "energy_with_periphery_fj")
                    },
                )
            ),
            _energy(neurons, names),
            [_tornado(panel, number) for number, panel in enumerate(_panels(found))],
            _paper(found),
            _break_even(found),
            _network(neurons, names, found),
            h.div[_fpga(found), _provenance(neurons, names)],
        ],
        [command],
    )


def _panels(found: Record) -> list[Record]:
    """The first comparison bare, as the paper makes it, and the last with all that surrounds."""
    panels = records(found.get("tornado"))
    bare = [panel for panel in panels if flag(panel, "periphery") is False]
    whole = [panel for panel in panels if flag(panel, "periphery") is True]
    return [*bare[:1], *whole[-1:]]
