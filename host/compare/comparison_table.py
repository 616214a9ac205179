"""Tables and notes of a comparison."""

import re
from collections.abc import Mapping
from typing import Any

from allspin.host.show.table import (
    Figure,
    Number,
    Table,
    TableColumn,
    figures,
    record_table,
    significant,
)

PERIPHERY = "with periphery"
ACCURACY = TableColumn("accuracy", "%", form=".2f")
AREA = TableColumn("area", "um^2")
WIDE_AREA = TableColumn("area", "um^2", wide=True)
AREA_WITH_PERIPHERY = TableColumn(f"{PERIPHERY}: area", "um^2")

Record = Mapping[str, Any]
"""Part of the record that ``allspin compare --json`` prints."""


def tables(found: Record) -> list[Table]:
    """Return the tables of a comparison.

    Parameters
    ----------
    found : mapping
        Record of the comparison, as `Comparison.to_dict` returns it.
    """
    shown = [_neurons(found), _network(found), _layers(found), _paper(found), _break_even(found)]
    if found["tiles"]:
        shown.append(_tiles(found["tiles"]))
    if found["fpga"]:
        shown.append(_fpga(found["fpga"]))
    return shown


def _neurons(found: Record) -> Table:
    records = []
    for neuron in found["neurons"]:
        record = dict(neuron)
        record["accuracy_percent"] = 100 * neuron["accuracy"]
        record["mega_uses"] = 1e-6 * neuron["uses_per_second"]
        record["area_is"] = _source(neuron, "area")
        record["energy_is"] = _source(neuron, "energy")
        records.append(record)
    columns = {
        "name": TableColumn("neuron"),
        "accuracy_percent": ACCURACY,
        "area_um2": AREA,
        "area_is": TableColumn("area is", wide=True),
        "energy_fj": TableColumn("energy", "fJ"),
        "energy_is": TableColumn("energy is", wide=True),
        "energy_delay_fj_ns": TableColumn("energy-delay", "fJ ns", wide=True),
        "mega_uses": TableColumn("uses", "M/s", wide=True),
        "area_with_periphery_um2": AREA_WITH_PERIPHERY,
        "energy_with_periphery_fj": TableColumn(f"{PERIPHERY}: energy", "fJ"),
        "energy_delay_with_periphery_fj_ns": TableColumn(
            f"{PERIPHERY}: energy-delay", "fJ ns", wide=True
        ),
    }
    megahertz = found["frequency_hz"] / 1e6
    images = f"{found['images_counted']:,} images"
    title = f"A neuron's use: {found['network']}, {megahertz:g} MHz, activity of {images}"
    return record_table(title, records, columns)


def _source(neuron: Record, key: str) -> str:
    """Return the source of a number: the first word of its provenance."""
    provenance = neuron["provenance"][key]
    return re.split(r"\W", provenance, maxsplit=1)[0]


def _network(found: Record) -> Table:
    records = []
    for neuron in found["neurons"]:
        records.append({"name": neuron["name"], **neuron["network"]})
    base = found["baseline"]
    energy = base["energy_pj"]
    latency = base["latency_ns"]
    dense = {
        "name": f"dense array, {base['units']} multipliers",
        "area_with_periphery_um2": base["area_um2"],
        "energy_with_periphery_pj": energy,
        "energy_delay_with_periphery_pj_ns": energy * latency,
        "latency_ns": latency,
        "images_per_second": base["images_per_second"],
    }
    sparse = {
        "name": "  if it skipped zeros",
        "energy_with_periphery_pj": base["energy_skipping_zeros_pj"],
    }
    columns = {
        "name": TableColumn("neurons"),
        "area_um2": WIDE_AREA,
        "energy_pj": TableColumn("energy", "pJ", wide=True),
        "area_with_periphery_um2": AREA_WITH_PERIPHERY,
        "energy_with_periphery_pj": TableColumn(f"{PERIPHERY}: energy", "pJ"),
        "energy_delay_with_periphery_pj_ns": TableColumn(
            f"{PERIPHERY}: energy-delay", "pJ ns", wide=True
        ),
        "latency_ns": TableColumn("latency", "ns"),
        "images_per_second": TableColumn("images/s"),
    }
    records += [dense, sparse]
    notes = []
    if found["tiles"] and found["tiles"]["own"]:
        notes.append("without the converters of its tiles, which are below")
    title = "The whole network, one image (synapses of the neuron's width)"
    return record_table(title, records, columns, notes)


def _layers(found: Record) -> Table:
    records = []
    for number, layer in enumerate(found["layers"]):
        label = f"{number} {layer['kind']}"
        records.append({"layer": label, **layer})
    columns = {
        "layer": TableColumn("layer"),
        "what": TableColumn("what it is", wide=True),
        "rows": TableColumn("rows"),
        "columns": TableColumn("columns"),
        "cells": TableColumn("cells"),
        "lines": TableColumn("lines"),
        "adcs": TableColumn("ADCs"),
        "neurons": TableColumn("neurons"),
        "uses_per_image": TableColumn("uses an image"),
    }
    title = "Crossbars: lines are rows and columns; ADCs are those of tiles and of the classes"
    return record_table(title, records, columns)


def _paper(found: Record) -> Table:
    paper = found["paper_neuron"]
    sheet = paper["sheet_current_fj"] or [0.0]
    sheet_range = f"{significant(sheet[0])} to {significant(sheet[-1])}"
    mega_uses = paper["uses_per_second"] / 1e6
    cmos_mega_uses = found["frequency_hz"] / 1e6
    cmos_area = paper["cmos_area_um2"]
    area_ratio = cmos_area / paper["area_um2"]
    gate_excess = 100 * (paper["gate_area_ratio"] - 1)
    rows: list[Figure] = [
        ("SOT neuron, as claimed", paper["claimed_fj"], "fJ"),
        ("  by its own current, resistance and time", paper["stated_fj"], "fJ"),
        ("  with the reset that each use needs", paper["stated_with_reset_fj"], "fJ"),
        ("  at the sheet current that switches its synapse", sheet_range, "fJ"),
        ("  what the claim would take: current", paper["current_for_claim_ua"], "uA"),
        ("  or time", paper["time_for_claim_us"], "us"),
        ("  uses, each with a reset", mega_uses, "M/s"),
        ("  uses of the CMOS neurons", cmos_mega_uses, "M/s"),
        ("  area, alone", paper["area_um2"], "um^2"),
        ("  the paper's CMOS neuron takes more", area_ratio, "times"),
        ("CMOS neuron, as given: area", Number(cmos_area, "g"), "um^2"),
        ("  energy", Number(paper["cmos_fj"], "g"), "fJ"),
        ("  a bare 4-bit gate in these cells", paper["gate_area_um2"], "um^2"),
        ("  that is more by", Number(gate_excess, "+.1f"), "%"),
        ("  its leakage", paper["gate_leakage_fj"], "fJ"),
        ("  its energy if all inputs toggle", paper["gate_fj_when_all_toggle"], "fJ"),
        ("  the paper's figure falls at an activity of", paper["activity_for_paper_fj"]),
        ("  the activity that was counted", paper["gate_measured_activity"]),
        ("  energy at that activity", paper["gate_measured_fj"], "fJ"),
    ]
    return figures("The paper's two neurons, and the arithmetic beside them", rows)


def _break_even(found: Record) -> Table:
    records = []
    for row in found["break_even"]:
        record = dict(row)
        record["less_bare"] = "spin" if row["advantage_bare"] else "CMOS"
        record["less"] = "spin" if row["advantage"] else "CMOS"
        records.append(record)
    columns = {
        "against": TableColumn("against"),
        "bare_fj": TableColumn("CMOS bare", "fJ"),
        "less_bare": TableColumn("takes less: bare"),
        "with_periphery_fj": TableColumn("CMOS with periphery", "fJ"),
        "less": TableColumn("takes less: with periphery"),
        "spin_periphery_fj": TableColumn("spin has here", "fJ"),
        "current_ua": TableColumn("current whose heat does it", "uA"),
    }
    title = "Break-even: periphery energy at which a spin neuron's advantage is gone"
    return record_table(title, records, columns)


def _tiles(found: Record) -> Table:
    own = found["own"]
    costs = [] if own is None else [own]
    costs += [cost for cost in found["tried"] if cost != own]
    records = []
    for cost in costs:
        percent = 100 * cost["accuracy"]
        records.append({"accuracy_percent": percent, **cost})
    columns = {
        "tile_rows": TableColumn("rows"),
        "adc_bits": TableColumn("bits"),
        "accuracy_percent": ACCURACY,
        "converters": TableColumn("converters"),
        "conversions": TableColumn("conversions", form=".1f"),
        "energy_pj": TableColumn("energy", "pJ"),
        "least_pj": TableColumn("least", "pJ", wide=True),
        "most_pj": TableColumn("most", "pJ", wide=True),
        "amplifier_pj": TableColumn("amplifiers' part", "pJ", wide=True),
        "area_um2": AREA,
    }
    return record_table("Converters of tiles, one image", records, columns, _cheapest(found))


def _cheapest(found: Record) -> list[str]:
    """Name the cheapest tiles for the wanted accuracy, a line each."""
    if found["accuracy"] is None:
        return []
    wanted = f"{100 * found['accuracy']:.2f} %"
    least_energy = found["cheapest"]["energy_pj"]
    if least_energy is None:
        return [f"no tiles that were tried reach {wanted}"]
    least_area = found["cheapest"]["area_um2"]
    energy = f"{significant(least_energy['energy_pj'])} pJ"
    area = f"{significant(least_area['area_um2'])} um^2"
    return [
        f"least energy for {wanted}: {_tiles_with(least_energy, energy)}",
        f"least area for {wanted}: {_tiles_with(least_area, area)}",
    ]


def _tiles_with(cost: Record, figure: str) -> str:
    """Describe tiles, with one figure of their costs and the accuracy."""
    rows = cost["tile_rows"]
    bits = cost["adc_bits"]
    percent = f"{100 * cost['accuracy']:.2f} %"
    return f"tiles of {rows} rows, converters of {bits} bits: {figure}, {percent}"


def _fpga(fpga: Record) -> Table:
    columns = {
        "design": TableColumn("design"),
        "part": TableColumn("part"),
        "lut": TableColumn("LUT"),
        "ff": TableColumn("FF"),
        "memory": TableColumn("block RAM"),
        "dsp": TableColumn("multipliers"),
        "fmax": TableColumn("clock", "MHz", form=".1f"),
    }
    title = f"On FPGAs, recorded; engines with {fpga['lanes']} lanes"
    tools = ", ".join(map(_tool, fpga["tools"]))
    return record_table(title, fpga["usage"], columns, [f"tools: {tools}"])


def _tool(version: str) -> str:
    """Return a tool and its version, without its compiler and folder."""
    name, *words = version.split()
    for word in words:
        if word[0].isdigit():
            number = word.rstrip(")")
            return f"{name} {number}"
    return version


def notes(found: Record) -> list[str]:
    """Return the lines below the tables."""
    lines = []
    for row in found["programming"]:
        if row["energy_j"] is not None:
            lines.append(_programming_note(row))
    lines.append(_synapse_note(found["synapse"]))
    return lines


def _programming_note(row: Record) -> str:
    """Describe the programming of all cells with one scheme."""
    pulses = f"{row['pulses']:,} pulses, {row['saturations']:,} saturations"
    energy = f"{row['energy_j']:.3g} J as built"
    time = f"cell after cell in {row['time_s']:,.0f} s"
    scheme = row["scheme"]
    return f"programming once, {scheme}: {pulses}, {row['reads']:,} reads; {energy}, {time}"


def _synapse_note(synapse: Record) -> str:
    """Describe the read of a synapse, and the area of all of them."""
    current = synapse["read_current_a"] * 1e6
    time = synapse["read_time_s"] * 1e9
    assumed = " (assumed: the neuron's)" if synapse["read_assumed"] else ""
    count = synapse["count"]
    built = count * synapse["area_um2"] / 1e6
    scaled = count * synapse["scaled_area_um2"]
    return (
        f"a synapse is read with {current:g} uA for {time:g} ns{assumed}; {count:,} of them take "
        f"{built:.0f} mm^2 as built, {scaled:.0f} um^2 at the neuron's width"
    )
