"""The devices, the chips that are made of them, and the maps of a network's words."""

from collections.abc import Iterator, Mapping
from typing import Any

import htpy as h
import numpy as np
from matplotlib.ticker import EngFormatter

from allspin.host.charts.device_curves import pulses_and_spread, synapse_curve
from allspin.host.charts.neuron_curve import neuron_curve
from allspin.host.charts.rah_maps import (
    SHARE,
    as_picture,
    lit_pixels,
    map_pixels,
    resistances,
    strongest,
    top_word,
)
from allspin.host.charts.row_charts import Strip, strips
from allspin.host.draw.html import image, spelled
from allspin.host.draw.style import name_text
from allspin.host.report.findings import Findings, ReportSubject
from allspin.host.report.section import (
    Drawn,
    Section,
    facts,
    note,
    numbers,
    paragraph,
    tiles,
)
from allspin.host.show.table import Table, TableColumn, short
from allspin.sim.device.device import Device
from allspin.sim.synapse.response import Polarity

MAPS = 24
"""Maps at most."""
FAR = 0.3
"""Strips within this share of the axis of the figure without variation are drawn closer."""


def _synapse(device: Device) -> h.Node:
    rows = [
        (polarity.name.lower(), *map(float, values))
        for polarity in Polarity
        for values in zip(*pulses_and_spread(device, polarity), strict=True)
    ]
    up, down = (device.synapse.pulses_across(polarity) for polarity in Polarity)
    columns = (
        TableColumn("polarity"),
        TableColumn("pulses", form=".0f"),
        TableColumn("R_AH", device.unit, form=".5g"),
        TableColumn("C2C, one deviation", device.unit, form=".4g"),
    )
    return Drawn(
        "synapse-curve",
        synapse_curve(device),
        [Table("R_AH against pulses", columns, rows)],
        f"Potentiation rises in {up} pulses, depression falls in {down}. Band: one standard "
        "deviation from write to write (C2C).",
    )


def _neuron(subject: ReportSubject) -> h.Node:
    """The hidden neurons' curve and the table that the machine keeps of it."""
    network = subject.network
    if len(network.layers) < 2:
        return None
    size, top = 2**network.current_bits, 2**network.hidden_bits - 1
    current = np.linspace(0, size - 1, 61)
    response = network.neuron.response(current / (size - 1)) * top
    tables = [
        Table(
            "the device's curve",
            (TableColumn("current", "LSB", ".2f"), TableColumn("R_AH above reset", "LSB", ".3f")),
            list(zip(current.tolist(), response.tolist(), strict=True)),
        )
    ]
    if (table := network.layers[0].table) is not None:
        # Only where the table steps: the rest says nothing new.
        steps = np.flatnonzero(np.diff(table.astype(int), prepend=-1))
        columns = TableColumn("from current", "LSB"), TableColumn("activation", "LSB")
        rows = list(zip(steps.tolist(), table[steps].tolist(), strict=True))
        tables.append(Table("where the table steps", columns, rows))
    return Drawn("neuron-curve", neuron_curve(network, subject.device), tables)


def _source(source: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """What a device's file says of where it comes from, key by key."""
    for key, value in source.items():
        if isinstance(value, Mapping):
            yield from _source(value, f"{before}{key}.")
            continue
        several = value if isinstance(value, list) else [value]
        if all(isinstance(each, Mapping) for each in several):
            numbered = {str(number): each for number, each in enumerate(several, 1)}
            yield from _source(numbered, f"{before}{key}.")
        else:
            yield f"{before}{key}", ", ".join(map(str, several))


def devices(findings: Findings) -> Section:
    """Synapse and neuron, their curves and how they vary."""
    subject, device = findings.subject, findings.subject.device
    electrical, joule = device.electrical, EngFormatter("J")
    energies = {
        "Potentiation pulse": electrical.pulse_energy(electrical.potentiation_current),
        "Depression pulse": electrical.pulse_energy(electrical.depression_current),
        "Read": electrical.read_energy,
    }
    about = {
        "Device": device.name,
        "Asked for as": subject.device_name,
        "States told apart": f"{device.synapse.states}",
        "R_AH": f"{short(device.synapse.low)} to {short(device.synapse.high)} ({device.unit})",
        **{name: joule(float(f"{x:.3g}")) for name, x in energies.items() if x is not None},
    }
    columns = TableColumn("key"), TableColumn("what the device's file says")
    source = Table("where the device comes from", columns, list(_source(device.source)))
    return Section(
        "devices",
        "The devices",
        [
            facts(about),
            numbers(source) if source.rows else None,
            _synapse(device),
            _neuron(subject),
            paragraph("How the devices vary, and what each figure is taken to be of:"),
            h.ul[[h.li[spelled(line)] for line in device.readings()]],
        ],
        [subject.command("report", *subject.device_options, images=False)],
    )


def _tables(findings: Findings, columns: list[int]) -> list[Table]:
    """What the maps hold, in short and word by word."""
    network = findings.subject.network
    words, heard = network.layers[0].words.astype(int), None
    if len(network.layers) > 1:
        heard = np.abs(network.layers[1].words.astype(int)).sum(axis=1).tolist()
    rows = [
        (
            *(column, int(own.min()), float(own.mean()), int(own.max())),
            100 * float(np.mean(own > 0)),
            heard and heard[column],
        )
        for column, own in zip(columns, words.T[columns], strict=True)
    ]
    lines = [
        (column, number, " ".join(map(str, pixels)))
        for column in columns
        for number, pixels in enumerate(as_picture(network, words[:, column]).tolist())
    ]
    names = (
        TableColumn("column"),
        TableColumn("lowest"),
        TableColumn("mean", form=".2f"),
        TableColumn("highest"),
    )
    more = TableColumn("above zero", "%", form=".1f"), TableColumn("strength in the next crossbar")
    texts = TableColumn("column"), TableColumn("line"), TableColumn("R_AH words, left to right")
    return [
        Table("the maps in short", (*names, *more), rows),
        Table("every word of the maps, line by line of the image", texts, lines),
    ]


def maps(findings: Findings) -> Section:
    """What the columns of the first crossbar look for, each as an image."""
    subject, network = findings.subject, findings.subject.network
    columns, top = strongest(network, MAPS), top_word(network)
    lit, all_of = lit_pixels(network, subject.images)[:, :, None], network.layers[0].columns
    hidden = len(network.layers) > 1
    alt = f"Map of {'neuron' if hidden else 'class'}"
    shown = [(image(map_pixels(network, each) * lit, f"{alt} {each}"), each) for each in columns]
    chosen = (
        f"the {len(columns)} of {all_of} hidden neurons that the next crossbar hears most"
        if hidden and len(columns) < all_of
        else "all of them"
    )
    in_ohm = resistances(network, subject.device)
    return Section(
        "maps",
        "R_AH maps",
        [
            paragraph(
                "What the columns of the first crossbar look for, each drawn as the image, or the "
                f"part of it, that drives it: {chosen}. R_AH is a word of {network.rah_bits} "
                "bits: purple is "
                f"{-top}, white 0, orange {top}{f'; {in_ohm}' if in_ohm else ''}. Hatched are "
                f"pixels that fewer than {100 * SHARE:g} % of the images light, which nothing "
                "taught."
            ),
            tiles("maps", shown),
            note(f"Below each map: {'the number of its neuron' if hidden else 'its class'}."),
            numbers(*_tables(findings, columns)),
        ],
        [subject.command("report")],
    )


def _chips_tables(findings: Findings) -> list[Table]:
    """Accuracies chip by chip, and what programming took."""
    subject = findings.subject
    columns = [TableColumn(one.column.title, form=".2f") for one in findings.chips]
    shares = np.array([100 * one.accuracies for one in findings.chips]).T.tolist()
    electrical = subject.device.electrical
    rows = []
    for one in findings.chips:
        counts, energy = one.counts, one.counts.energy(electrical)
        rows.append(
            (
                one.column.title,
                *(counts.pulses / counts.cells, counts.reads / counts.cells),
                100 * (counts.unconverged / counts.cells),
                None if energy is None else energy / subject.chips,
            )
        )
    took = (
        *(TableColumn("chips"), TableColumn("pulses a cell"), TableColumn("reads a cell")),
        *(TableColumn("cells outside the band", "%"), TableColumn("energy a chip", "J")),
    )
    return [
        Table(
            "accuracy in percent, chip by chip",
            (TableColumn("chip"), *columns),
            [(chip, *row) for chip, row in enumerate(shares)],
        ),
        Table("what programming took", took, rows),
    ]


def chips(findings: Findings) -> Section:
    """What the network reaches on many chips, by variation and by programming."""
    subject, last = findings.subject, findings.chips[-1]
    count = f"{subject.chips} chip{'s' if subject.chips > 1 else ''}"
    rows = [
        Strip(
            one.column.title,
            (100 * one.accuracies).tolist(),
            f"{one.figure} %",
            100 * one.mean if subject.chips > 1 else None,
        )
        for one in findings.chips
    ]
    ideal, label = 100 * findings.accuracy, "test accuracy (%)"
    guide = ideal, f"Dotted: without variation, {ideal:.2f} %"
    worst = min(findings.chips, key=lambda one: one.mean)
    lowest = [min(row.values) for row in rows]
    near = [
        row
        for row, low in zip(rows, lowest, strict=True)
        if ideal - low < FAR * (ideal - min(lowest))
    ]
    title = f"Test accuracy on {count} of {name_text(subject.device.name)}"
    closer = f"Closer: the {len(near)} near the figure without variation"
    return Section(
        "chips",
        "Accuracy over chips",
        [
            paragraph(
                f"A chip is one draw of all variation of the device {subject.device.name}. Of "
                f"{count}, each programmed with the network and asked {len(subject.images):,} test "
                f"images, the hardest case, {worst.column.title}, reaches {worst.figure} %; "
                f"{last.column.title}, {last.figure} %."
            ),
            Drawn(
                "chips-accuracy",
                strips(title, rows, label, guide),
                _chips_tables(findings),
                "A dot is a chip, the upright bar the mean; figures are mean and standard "
                "deviation over the chips.",
            ),
            Drawn("chips-closer", strips(closer, near, label, guide), ())
            if 1 < len(near) < len(rows)
            else None,
        ],
        [subject.command("chips", *subject.device_options, "--chips", str(subject.chips))],
    )
