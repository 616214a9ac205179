"""Accuracy over chips."""

import htpy as h
import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import Measured
from allspin.host.draw.array import (
    FEW_STATES,
    SHARE,
    lit_pixels,
    resistances,
    word_colours,
)
from allspin.host.report.charts import (
    NARROW,
    WIDE,
    Chart,
    Strip,
    box,
    edge_anchor,
    figure,
    label,
    line,
    shortened,
    strips_chart,
    text_width,
)
from allspin.host.report.lines import Guides, Series, lines_chart
from allspin.host.report.section import Section, facts, paragraph
from allspin.host.report.subject import Findings, Subject
from allspin.host.report.tables import Table, number, numbers, quantity, spelled
from allspin.sim.device.device import Device
from allspin.sim.drawing import Axis, data_address
from allspin.sim.network.network_card import most_heard, top_word
from allspin.sim.synapse.response import Polarity

# The devices: how pulses move a synapse, and the neuron's curve.

POINTS = 60
"""Most points of a curve."""


def synapse_figure(device: Device) -> h.Node:
    """R_AH against pulses of either polarity."""
    synapse = device.synapse
    series, rows = [], []
    for polarity in Polarity:
        way = synapse.pulses_across(polarity)
        pulses = np.unique(np.rint(np.linspace(0, way, min(way + 1, POINTS))))
        law = synapse.written(polarity, pulses).law
        mean, spread = law.mean, np.where(pulses > 0, law.cycle, 0.0)
        name = polarity.name.lower()
        series.append(
            Series(
                name,
                pulses.tolist(),
                mean.tolist(),
                (mean - spread).tolist(),
                (mean + spread).tolist(),
            )
        )
        rows += [
            (name, int(pulse), float(value), float(deviation))
            for pulse, value, deviation in zip(pulses, mean, spread, strict=True)
        ]
    return figure(
        Chart(
            "synapse-curve",
            "The synapse: R_AH against pulses",
            f"Two curves between {number(synapse.low)} and {number(synapse.high)} {device.unit}: "
            f"potentiation rises in {synapse.pulses_across(Polarity.POTENTIATION)} pulses, "
            f"depression falls in {synapse.pulses_across(Polarity.DEPRESSION)}.",
            lines_chart(series, Axis("pulses since saturation"), Axis(f"R_AH ({device.unit})")),
        ),
        [
            Table(
                "R_AH against pulses",
                ("polarity", "pulses", f"R_AH ({device.unit})", "C2C, one deviation"),
                rows,
            )
        ],
        "Band: one standard deviation from write to write (C2C).",
    )


def neuron_figure(subject: Subject) -> h.Node:
    """The hidden neurons' curve and the table that the machine keeps of it."""
    network = subject.network
    if len(network.layers) < 2:
        return None
    size, top = 2**network.current_bits, 2**network.hidden_bits - 1
    current = np.linspace(0, size - 1, POINTS)
    response = network.neuron.response(current / (size - 1)) * top
    series = [Series("device", current.tolist(), response.tolist(), marked=False)]
    tables = [
        Table(
            "the device's curve",
            ("current (LSB)", "R_AH above reset (LSB)"),
            [(round(float(x), 2), float(y)) for x, y in zip(current, response, strict=True)],
        )
    ]
    table = network.layers[0].table
    if table is not None:
        # Only where the table steps: the rest says nothing new.
        steps = np.flatnonzero(np.diff(table.astype(int), prepend=-1))
        places = np.append(steps, size - 1)
        values = table[places].astype(int)
        series.append(
            Series(
                f"table of {size} entries",
                places.tolist(),
                values.tolist(),
                step=True,
                marked=False,
            )
        )
        tables.append(
            Table(
                "where the table steps",
                ("from current (LSB)", "activation (LSB)"),
                [(int(x), int(y)) for x, y in zip(steps, table[steps], strict=True)],
            )
        )
    guides = []
    knees = network.neuron.knees
    if knees is not None:
        ends = ((knees.threshold, "switching starts"), (knees.end, "saturated"))
        guides = [(value * (size - 1), name) for value, name in ends if value <= 1]
    return figure(
        Chart(
            "neuron-curve",
            "The neuron: activation against input current",
            f"The activation is flat at first, then rises, and reaches {number(max(response))} "
            f"of {top} at full current.",
            lines_chart(
                series,
                Axis("input current (LSB)", ends=(0, size - 1)),
                Axis("activation (LSB)", ends=(0, top * 1.04)),
                Guides(vertical=guides),
            ),
        ),
        tables,
    )


def _energy(device: Device) -> dict[str, h.Node]:
    electrical = device.electrical
    named = {
        "Potentiation pulse": electrical.pulse_energy(electrical.potentiation_current),
        "Depression pulse": electrical.pulse_energy(electrical.depression_current),
        "Read": electrical.read_energy,
    }
    return {name: quantity(value, "J") for name, value in named.items() if value is not None}


def devices(findings: Findings) -> Section:
    """Synapse and neuron, their curves and how they vary."""
    device = findings.subject.device
    sources = "; ".join(f"{key}: {value}" for key, value in device.source.items())
    about: dict[str, h.Node] = {
        "Device": device.name,
        "Asked for as": findings.subject.device_name,
        "States told apart": f"{device.synapse.states}",
        "R_AH": f"{number(device.synapse.low)} to {number(device.synapse.high)} ({device.unit})",
        **_energy(device),
        "Source": sources,
    }
    return Section(
        "devices",
        "The devices",
        [
            facts({name: value for name, value in about.items() if value}),
            synapse_figure(device),
            neuron_figure(findings.subject),
            paragraph("How the devices vary, and what each figure is taken to be of:"),
            h.ul[[h.li[spelled(line)] for line in device.readings()]],
        ],
        [findings.subject.command("report", *findings.subject.device_options, images=False)],
    )


# R_AH maps: what the first crossbar's columns look for.

MAPS = 24
"""Maps at most."""
STEPS = 64
"""Steps of the colour bar, where each state has none of its own."""


def shown_columns(findings: Findings) -> list[int]:
    """Columns of the first crossbar that are drawn."""
    network = findings.subject.network
    if len(network.layers) == 1:
        return list(range(min(MAPS, network.classes)))
    return most_heard(network, MAPS)


def colours(words: npt.NDArray[np.integer], top: int) -> npt.NDArray[np.uint8]:
    """RGBA of R_AH words from `-top` to `top`, shape of `words` and 4."""
    return (255 * word_colours(words, top)).round().astype(np.uint8)


def _map(findings: Findings, column: int, lit: npt.NDArray[np.bool_], top: int) -> h.Element:
    network = findings.subject.network
    words = network.layers[0].words[:, column].reshape(network.image_shape)
    pixels = colours(words, top)
    pixels[~lit] = 0
    kind = "neuron" if len(network.layers) > 1 else "class"
    shown = words[lit]
    about = f", R_AH from {shown.min()} to {shown.max()}" if shown.size else ""
    height, width = network.image_shape
    alt = f"Map of {kind} {column}{about}"
    return h.figure(class_="tile")[
        h.img(src=data_address(pixels), alt=alt, width=width, height=height),
        h.figcaption[column],
    ]


def _scale(levels: list[int], top: int, words: str, width: int, kind: str) -> h.Element:
    """The colour bar: the states where they are few, else their range; what it is in words."""
    values = levels if len(levels) <= FEW_STATES else np.linspace(-top, top, STEPS).tolist()
    cell = width / len(values)
    drawn: list[h.Node] = []
    for place, value in enumerate(values):
        red, green, blue, _ = colours(np.array(value), top).tolist()
        drawn.append(
            box(place * cell, 20, cell + 0.5, 16, "swatch", fill=f"rgb({red},{green},{blue})")
        )
    marked = levels if len(levels) <= FEW_STATES else [-top, -(top // 2), 0, top // 2, top]
    every = 1
    while every * (cell if marked is levels else width / 4) < text_width("-127 "):
        every += 1
    for place, value in list(enumerate(marked))[::every]:
        share = (place + 0.5) / len(marked) if marked is levels else (value + top) / (2 * top)
        x = share * width
        anchor = edge_anchor(x, f"{value}", width)
        drawn.append(line(x, 36, x, 40, "axis-line"))
        drawn.append(label(x, 53, f"{value}".replace("-", "\N{MINUS SIGN}"), "tick", anchor))
    drawn.append(label(0, 12, shortened(words, width), "axis"))
    name = f"maps-scale-{kind}"
    return h.svg(
        class_=f"chart {kind}",
        viewBox=f"0 0 {width} 60",
        width=width,
        height=60,
        role="img",
        aria_labelledby=name,
    )[h.title(id=name)["Colours of the maps"], drawn]


def _tables(findings: Findings, columns: list[int]) -> list[Table]:
    network = findings.subject.network
    words = network.layers[0].words.astype(int)
    rows = []
    for column in columns:
        own = words[:, column]
        heard = (
            int(np.abs(network.layers[1].words[column].astype(int)).sum())
            if len(network.layers) > 1
            else None
        )
        rows.append(
            (
                f"{column}",
                int(own.min()),
                float(own.mean()),
                int(own.max()),
                100 * float(np.mean(own > 0)),
                heard,
            )
        )
    lines = [
        (f"{column}", line_, " ".join(map(str, pixels.tolist())))
        for column in columns
        for line_, pixels in enumerate(words[:, column].reshape(network.image_shape))
    ]
    return [
        Table(
            "the maps in short",
            (
                "column",
                "lowest",
                "mean",
                "highest",
                "above zero (%)",
                "strength in the next crossbar",
            ),
            rows,
        ),
        Table(
            "every word of the maps, line by line of the image",
            ("column", "line", "R_AH words, left to right"),
            lines,
        ),
    ]


def maps(findings: Findings) -> Section:
    """What hidden neurons look for."""
    network = findings.subject.network
    columns = shown_columns(findings)
    levels, top = network.layers[0].levels.astype(int), top_word(network)
    lit = lit_pixels(findings.subject.images)
    in_ohm = resistances(network, findings.subject.device)
    words = f"R_AH (word of {network.rah_bits} bits)" + (f"; {in_ohm}" if in_ohm else "")
    hidden = len(network.layers) > 1
    chosen = (
        f"the {len(columns)} of {network.layers[0].columns} hidden neurons that the next crossbar "
        "hears most"
        if hidden and len(columns) < network.layers[0].columns
        else "all of them"
    )
    return Section(
        "maps",
        "R_AH maps",
        [
            paragraph(
                "What the columns of the first crossbar look for, each drawn as the image that "
                f"drives it: {chosen}. Purple words are negative, orange ones positive, white is "
                f"zero. Hatched are pixels that fewer than {100 * SHARE:g} % of the images light, "
                "which nothing taught."
            ),
            _scale(levels.tolist(), top, words, WIDE, "wide"),
            _scale(levels.tolist(), top, words, NARROW, "narrow"),
            h.div(class_="tiles maps")[[_map(findings, column, lit, top) for column in columns]],
            h.p(class_="note")[
                f"Below each map: {'the number of its neuron' if hidden else 'its class'}."
            ],
            numbers(*_tables(findings, columns)),
        ],
        [findings.subject.command("report")],
    )


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


def _chips_tables(findings: Findings) -> list[Table]:
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
                _chips_tables(findings),
                "A dot is a chip, the upright bar the mean; figures are mean and standard "
                "deviation over the chips.",
            ),
            _closer(findings, strips, guides),
        ],
        [subject.command("chips", *subject.device_options, "--chips", str(subject.chips))],
    )
