"""Sections about the devices, the chips made of them, and the maps of a network's words."""

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
from allspin.host.report.findings import Findings
from allspin.host.report.section import (
    ReportPicture,
    Section,
    facts,
    note,
    numbers,
    paragraph,
    tiles,
)
from allspin.host.report.subject import ReportSubject
from allspin.host.show.table import Table, TableColumn, short
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.synapse.response import Polarity

MAPS = 24
"""Most maps."""
FAR = 0.3
"""Share of the axis, from the figure without variation, whose rows a second picture enlarges."""


def _synapse(device: Device) -> h.Node:
    rows = []
    for polarity in Polarity:
        for values in zip(*pulses_and_spread(device, polarity), strict=True):
            rows.append((polarity.name.lower(), *map(float, values)))
    columns = (
        TableColumn("polarity"),
        TableColumn("pulses", form=".0f"),
        TableColumn("R_AH", device.unit, form=".5g"),
        TableColumn("C2C, one deviation", device.unit, form=".4g"),
    )
    up = device.synapse.pulses_across(Polarity.POTENTIATION)
    down = device.synapse.pulses_across(Polarity.DEPRESSION)
    caption = (
        f"Potentiation rises in {up} pulses, depression falls in {down}. Band: one standard "
        "deviation from write to write (C2C)."
    )
    table = Table("R_AH against pulses", columns, rows)
    return ReportPicture("synapse-curve", synapse_curve(device), [table], caption)


def _neuron(subject: ReportSubject) -> h.Node:
    """Draw the hidden neurons' curve, with the machine's table of it."""
    network = subject.network
    if len(network.layers) < 2:
        return None
    size = 2**network.current_bits
    top = 2**network.hidden_bits - 1
    current = np.linspace(0, size - 1, 61)
    response = network.neuron.response(current / (size - 1)) * top
    columns = (TableColumn("current", "LSB", ".2f"), TableColumn("R_AH above reset", "LSB", ".3f"))
    rows: list[tuple[float, ...]] = list(zip(current.tolist(), response.tolist(), strict=True))
    tables = [Table("the device's curve", columns, rows)]
    table = network.layers[0].table
    if table is not None:
        # Only the steps of the table: other rows repeat the one above.
        steps = np.flatnonzero(np.diff(table.astype(int), prepend=-1))
        columns = (TableColumn("from current", "LSB"), TableColumn("activation", "LSB"))
        rows = list(zip(steps.tolist(), table[steps].tolist(), strict=True))
        tables.append(Table("where the table steps", columns, rows))
    return ReportPicture("neuron-curve", neuron_curve(network, subject.device), tables)


def _source(source: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Generate the keys and values of a device file's source."""
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


def _device_facts(subject: ReportSubject) -> dict[str, h.Node]:
    device = subject.device
    electrical = device.electrical
    about: dict[str, h.Node] = {
        "Device": device.name,
        "Asked for as": subject.device_name,
        "States told apart": f"{device.synapse.states}",
        "R_AH": f"{short(device.synapse.low)} to {short(device.synapse.high)} ({device.unit})",
    }
    energies = {
        "Potentiation pulse": electrical.pulse_energy(electrical.potentiation_current),
        "Depression pulse": electrical.pulse_energy(electrical.depression_current),
        "Read": electrical.read_energy,
    }
    in_joule = EngFormatter("J")
    for name, energy in energies.items():
        if energy is not None:
            about[name] = in_joule(float(f"{energy:.3g}"))
    return about


def device_section(findings: Findings) -> Section:
    """Show synapse and neuron: their curves and variation."""
    subject = findings.subject
    device = subject.device
    columns = (TableColumn("key"), TableColumn("what the device's file says"))
    source = Table("where the device comes from", columns, list(_source(device.source)))
    body = [
        facts(_device_facts(subject)),
        numbers(source) if source.rows else None,
        _synapse(device),
        _neuron(subject),
        paragraph("How the devices vary, and what each figure is taken to be of:"),
        h.ul[[h.li[spelled(line)] for line in device.readings()]],
    ]
    commands = [subject.command("report", *subject.device_options, images=False)]
    return Section("devices", "The devices", body, commands)


def _map_tables(network: Network, columns: list[int]) -> list[Table]:
    """Return the words of the maps, in short and in full."""
    words = network.layers[0].words.astype(int)
    strength = None
    if len(network.layers) > 1:
        strength = np.abs(network.layers[1].words.astype(int)).sum(axis=1).tolist()
    rows = []
    lines = []
    for column in columns:
        own = words[:, column]
        positive = 100 * float(np.mean(own > 0))
        hears = None if strength is None else strength[column]
        rows.append((column, int(own.min()), float(own.mean()), int(own.max()), positive, hears))
        for number, pixels in enumerate(as_picture(network, own).tolist()):
            text = " ".join(map(str, pixels))
            lines.append((column, number, text))
    heads = (
        TableColumn("column"),
        TableColumn("lowest"),
        TableColumn("mean", form=".2f"),
        TableColumn("highest"),
        TableColumn("above zero", "%", form=".1f"),
        TableColumn("strength in the next crossbar"),
    )
    texts = (
        TableColumn("column"),
        TableColumn("line"),
        TableColumn("R_AH words, left to right"),
    )
    short_table = Table("the maps in short", heads, rows)
    full_table = Table("every word of the maps, line by line of the image", texts, lines)
    return [short_table, full_table]


def maps_section(findings: Findings) -> Section:
    """Show the columns of the first crossbar as images."""
    subject = findings.subject
    network = subject.network
    columns = strongest(network, MAPS)
    top = top_word(network)
    lit = lit_pixels(network, subject.images)[:, :, None]
    hidden = len(network.layers) > 1
    all_of = network.layers[0].columns
    alt = "Map of neuron" if hidden else "Map of class"
    shown = []
    for column in columns:
        pixels = map_pixels(network, column) * lit
        shown.append((image(pixels, f"{alt} {column}"), column))
    chosen = "all of them"
    if hidden and len(columns) < all_of:
        chosen = f"the {len(columns)} of {all_of} hidden neurons that the next crossbar hears most"
    in_ohm = resistances(network, subject.device)
    scale = f"; {in_ohm}" if in_ohm else ""
    text = (
        "What the columns of the first crossbar look for, each drawn as the image, or the "
        f"part of it, that drives it: {chosen}. R_AH is a word of {network.rah_bits} "
        f"bits: purple is {-top}, white 0, orange {top}{scale}. Hatched are pixels that fewer "
        f"than {100 * SHARE:g} % of the images light, which nothing taught."
    )
    below = "the number of its neuron" if hidden else "its class"
    body = [
        paragraph(text),
        tiles("maps", shown),
        note(f"Below each map: {below}."),
        numbers(*_map_tables(network, columns)),
    ]
    return Section("maps", "R_AH maps", body, [subject.command("report")])


def _accuracy_table(findings: Findings) -> Table:
    columns = [TableColumn("chip")]
    columns += [TableColumn(one.column.title, form=".2f") for one in findings.chips]
    percent = np.array([100 * one.accuracies for one in findings.chips]).T.tolist()
    rows = [(chip, *row) for chip, row in enumerate(percent)]
    return Table("accuracy in percent, chip by chip", columns, rows)


def _programming_table(findings: Findings) -> Table:
    subject = findings.subject
    rows = []
    for one in findings.chips:
        counts = one.counts
        cells = counts.cells
        pulses = counts.pulses / cells
        reads = counts.reads / cells
        outside = 100 * (counts.unconverged / cells)
        energy = counts.energy(subject.device.electrical)
        if energy is not None:
            energy /= subject.chips
        rows.append((one.column.title, pulses, reads, outside, energy))
    columns = (
        TableColumn("chips"),
        TableColumn("pulses a cell"),
        TableColumn("reads a cell"),
        TableColumn("cells outside the band", "%"),
        TableColumn("energy a chip", "J"),
    )
    return Table("what programming took", columns, rows)


def _near_rows(rows: list[Strip], ideal: float) -> list[Strip]:
    """Return the rows near the figure without variation, which a second picture enlarges."""
    lowest = min(min(row.values) for row in rows)
    far = FAR * (ideal - lowest)
    return [row for row in rows if ideal - min(row.values) < far]


def chips_section(findings: Findings) -> Section:
    """Show the accuracy over chips, by variation and by programming."""
    subject = findings.subject
    count = "1 chip" if subject.chips == 1 else f"{subject.chips} chips"
    rows = []
    for one in findings.chips:
        mean = 100 * one.mean if subject.chips > 1 else None
        percent = (100 * one.accuracies).tolist()
        rows.append(Strip(one.column.title, percent, f"{one.percent} %", mean))
    ideal = 100 * findings.accuracy
    guide = (ideal, f"Dotted: without variation, {ideal:.2f} %")
    axis = "test accuracy (%)"
    last = findings.chips[-1]
    worst = min(findings.chips, key=lambda one: one.mean)
    text = (
        f"A chip is one draw of all variation of the device {subject.device.name}. Of "
        f"{count}, each programmed with the network and asked {len(subject.images):,} test "
        f"images, the hardest case, {worst.column.title}, reaches {worst.percent} %; "
        f"{last.column.title}, {last.percent} %."
    )
    title = f"Test accuracy on {count} of {name_text(subject.device.name)}"
    picture = ReportPicture(
        "chips-accuracy",
        strips(title, rows, axis, guide),
        [_accuracy_table(findings), _programming_table(findings)],
        "A dot is a chip, the upright bar the mean; figures are mean and standard "
        "deviation over the chips.",
    )
    body = [paragraph(text), picture]
    near = _near_rows(rows, ideal)
    if 1 < len(near) < len(rows):
        closer = f"Closer: the {len(near)} near the figure without variation"
        body.append(ReportPicture("chips-closer", strips(closer, near, axis, guide), ()))
    commands = [subject.command("chips", *subject.device_options, "--chips", str(subject.chips))]
    return Section("chips", "Accuracy over chips", body, commands)
