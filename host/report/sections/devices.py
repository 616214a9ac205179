"""The devices: how pulses move a synapse, and the neuron's curve."""

import htpy as h
import numpy as np

from allspin.host.report.charts.lines import Guides, Series, lines_chart
from allspin.host.report.charts.svg import Chart, figure
from allspin.host.report.findings import Findings
from allspin.host.report.markup import spelled
from allspin.host.report.section import Section, facts, paragraph
from allspin.host.report.subject import Subject
from allspin.host.report.table import Table, number, quantity
from allspin.sim.device.device import Device
from allspin.sim.device.synapse.response import Polarity
from allspin.sim.drawing.scale import Axis

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
