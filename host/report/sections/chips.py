"""Accuracy over chips."""

import htpy as h

from allspin.host.report.charts.strips import Strip, strips_chart
from allspin.host.report.charts.svg import Chart, figure
from allspin.host.report.findings import Findings
from allspin.host.report.section import Section, paragraph
from allspin.host.report.table import Table
from allspin.host.study.chips.accuracy import Measured
from allspin.sim.drawing.scale import Axis

AXIS = Axis("test accuracy (%)")
FAR = 0.3
"""Strips within this share of the axis of the figure without variation are drawn closer."""


def spread(measured: Measured) -> str:
    """A mean and its deviation, in percent."""
    mean = f"{100 * measured.mean:.2f}"
    if measured.deviation is None:
        return f"{mean} %"
    return f"{mean} ± {100 * measured.deviation:.2f} %"


def _closer(findings: Findings, strips: list[Strip], guides: list[tuple[float, str]]) -> h.Node:
    """The strips but those that lie far below the others, where there are such."""
    lowest = {strip.label: min(strip.values) for strip in strips}
    ideal = guides[0][0]
    width = ideal - min(lowest.values())
    near = [strip for strip in strips if ideal - lowest[strip.label] < FAR * width]
    if len(near) < 2 or len(near) == len(strips):
        return None
    title = f"Closer: the {len(near)} near the figure without variation"
    return figure(
        Chart(
            "chips-closer",
            title,
            f"The strips within {FAR * width:.1f} percent of the figure without variation, on an "
            "axis of their own.",
            strips_chart(near, AXIS, guides=guides, first_style=strips.index(near[0])),
        ),
        [
            Table(
                "accuracy in percent of these, chip by chip",
                ("chip", *(strip.label for strip in near)),
                [
                    (str(chip), *(strip.values[chip] for strip in near))
                    for chip in range(findings.subject.chips)
                ],
            )
        ],
    )


def _tables(findings: Findings) -> list[Table]:
    """Accuracies chip by chip, and what programming took."""
    subject = findings.subject
    return [
        Table(
            "accuracy in percent, chip by chip",
            ("chip", *(one.column.title for one in findings.chips)),
            [
                (str(chip), *(100 * float(one.accuracies[chip]) for one in findings.chips))
                for chip in range(subject.chips)
            ],
        ),
        Table(
            "what programming took",
            (
                "chips",
                "pulses a cell",
                "reads a cell",
                "cells outside the band (%)",
                "energy a chip (J)",
            ),
            [
                (
                    one.column.title,
                    one.counts.pulses / one.counts.cells,
                    one.counts.reads / one.counts.cells,
                    100 * one.counts.unconverged / one.counts.cells,
                    None
                    if (energy := one.counts.energy(subject.device.electrical)) is None
                    else energy / subject.chips,
                )
                for one in findings.chips
            ],
        ),
    ]


def chips(findings: Findings) -> Section:
    """What the network reaches on many chips, by variation and by programming."""
    subject = findings.subject
    count = f"{subject.chips} chip{'s' if subject.chips > 1 else ''}"
    strips = [
        Strip(
            one.column.title,
            (100 * one.accuracies).tolist(),
            spread(one),
            100 * one.mean if subject.chips > 1 else None,
        )
        for one in findings.chips
    ]
    ideal = 100 * findings.accuracy
    worst = min(findings.chips, key=lambda one: one.mean)
    last = findings.chips[-1]
    guides = [(ideal, f"without variation {ideal:.2f} %")]
    chart = Chart(
        "chips-accuracy",
        f"Test accuracy on {count} of {subject.device.name}",
        f"{len(strips)} strips of dots, a dot a chip. "
        + "; ".join(f"{strip.label}: {strip.figure}" for strip in strips)
        + f". Without variation: {ideal:.2f} percent.",
        strips_chart(strips, AXIS, guides=guides),
    )
    return Section(
        "chips",
        "Accuracy over chips",
        [
            paragraph(
                f"A chip is one draw of all variation of the device {subject.device.name}. Of "
                f"{count}, each programmed with the network and asked {len(subject.images):,} test "
                f"images, the hardest case, {worst.column.title}, reaches {spread(worst)}; "
                f"{last.column.title}, {spread(last)}."
            ),
            figure(
                chart,
                _tables(findings),
                "A dot is a chip, the upright bar the mean; figures are mean and standard "
                "deviation over the chips.",
            ),
            _closer(findings, strips, guides),
        ],
        [subject.command("chips", *subject.device_options, "--chips", str(subject.chips))],
    )
