"""Tables and notes of a comparison."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from allspin.host.show.table import Cell, Number, Table, TableColumn, figures, significant

MHZ = 1e6
PERIPHERY = "with periphery"

Record = Mapping[str, Any]
"""Part of the record that ``allspin compare --json`` prints."""


class _KeyColumn(NamedTuple):
    """Column whose cells are the values of a key, times a factor."""

    key: str
    column: TableColumn
    scale: float | None


def _key(
    key: str,
    name: str,
    unit: str = "",
    *,
    scale: float | None = None,
    form: str = "",
    wide: bool = False,
) -> _KeyColumn:
    return _KeyColumn(key, TableColumn(name, unit, form=form, wide=wide), scale)


def _table(
    title: str, records: Iterable[Record], columns: Sequence[_KeyColumn], notes: Sequence[str] = ()
) -> Table:
    """Make a table with a row for each record; a value that it lacks is None."""
    rows = []
    for record in records:
        row: list[Cell] = []
        for key, _, scale in columns:
            value = record.get(key)
            row.append(value if scale is None or value is None else scale * value)
        rows.append(row)
    return Table(title, [one.column for one in columns], rows, notes=notes)


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
        sources = {"area_is": _source(neuron, "area"), "energy_is": _source(neuron, "energy")}
        records.append(neuron | sources)
    title = (
        f"A neuron's use: {found['network']}, {found['frequency_hz'] / MHZ:g} MHz, activity of "
        f"{found['images_counted']:,} images"
    )
    columns = (
        _key("name", "neuron"),
        _key("accuracy", "accuracy", "%", scale=100, form=".2f"),
        _key("area_um2", "area", "um^2"),
        _key("area_is", "area is", wide=True),
        _key("energy_fj", "energy", "fJ"),
        _key("energy_is", "energy is", wide=True),
        _key("energy_delay_fj_ns", "energy-delay", "fJ ns", wide=True),
        _key("uses_per_second", "uses", "M/s", scale=1 / MHZ, wide=True),
        _key("area_with_periphery_um2", f"{PERIPHERY}: area", "um^2"),
        _key("energy_with_periphery_fj", f"{PERIPHERY}: energy", "fJ"),
        _key("energy_delay_with_periphery_fj_ns", f"{PERIPHERY}: energy-delay", "fJ ns", wide=True),
    )
    return _table(title, records, columns)


def _source(neuron: Record, key: str) -> str:
    """Return the source of a number: the first word of its provenance."""
    return re.split(r"\W", neuron["provenance"][key], maxsplit=1)[0]


def _network(found: Record) -> Table:
    records = [{"name": neuron["name"], **neuron["network"]} for neuron in found["neurons"]]
    base = found["baseline"]
    dense = {
        "name": f"dense array, {base['units']} multipliers",
        "area_with_periphery_um2": base["area_um2"],
        "energy_with_periphery_pj": base["energy_pj"],
        "energy_delay_with_periphery_pj_ns": base["energy_pj"] * base["latency_ns"],
        "latency_ns": base["latency_ns"],
        "images_per_second": base["images_per_second"],
    }
    sparse = {
        "name": "  if it skipped zeros",
        "energy_with_periphery_pj": base["energy_skipping_zeros_pj"],
    }
    columns = (
        _key("name", "neurons"),
        _key("area_um2", "area", "um^2", scale=1.0, wide=True),
        _key("energy_pj", "energy", "pJ", scale=1.0, wide=True),
        _key("area_with_periphery_um2", f"{PERIPHERY}: area", "um^2", scale=1.0),
        _key("energy_with_periphery_pj", f"{PERIPHERY}: energy", "pJ", scale=1.0),
        _key("energy_delay_with_periphery_pj_ns", f"{PERIPHERY}: energy-delay", "pJ ns", wide=True),
        _key("latency_ns", "latency", "ns", scale=1.0),
        _key("images_per_second", "images/s", scale=1.0),
    )
    tiled = found["tiles"] and found["tiles"]["own"]
    notes = ["without the converters of its tiles, which are below"] if tiled else []
    title = "The whole network, one image (synapses of the neuron's width)"
    return _table(title, [*records, dense, sparse], columns, notes)


def _layers(found: Record) -> Table:
    records = []
    for number, layer in enumerate(found["layers"]):
        records.append({**layer, "layer": f"{number} {layer['kind']}"})
    columns = (
        _key("layer", "layer"),
        _key("what", "what it is", wide=True),
        _key("rows", "rows"),
        _key("columns", "columns"),
        _key("cells", "cells"),
        _key("lines", "lines"),
        _key("adcs", "ADCs"),
        _key("neurons", "neurons"),
        _key("uses_per_image", "uses an image"),
    )
    title = "Crossbars: lines are rows and columns; ADCs are those of tiles and of the classes"
    return _table(title, records, columns)


def _paper(found: Record) -> Table:
    paper = found["paper_neuron"]
    low, high = (paper["sheet_current_fj"] or [0.0, 0.0])[:: len(paper["sheet_current_fj"]) - 1]
    smaller = paper["cmos_area_um2"] / paper["area_um2"]
    rows = [
        ("SOT neuron, as claimed", paper["claimed_fj"], "fJ"),
        ("  by its own current, resistance and time", paper["stated_fj"], "fJ"),
        ("  with the reset that each use needs", paper["stated_with_reset_fj"], "fJ"),
        (
            "  at the sheet current that switches its synapse",
            f"{significant(low)} to {significant(high)}",
            "fJ",
        ),
        ("  what the claim would take: current", paper["current_for_claim_ua"], "uA"),
        ("  or time", paper["time_for_claim_us"], "us"),
        ("  uses, each with a reset", paper["uses_per_second"] / 1e6, "M/s"),
        ("  uses of the CMOS neurons", found["frequency_hz"] / 1e6, "M/s"),
        ("  area, alone", paper["area_um2"], "um^2"),
        ("  the paper's CMOS neuron takes more", smaller, "times"),
        ("CMOS neuron, as given: area", Number(paper["cmos_area_um2"], "g"), "um^2"),
        ("  energy", Number(paper["cmos_fj"], "g"), "fJ"),
        ("  a bare 4-bit gate in these cells", paper["gate_area_um2"], "um^2"),
        ("  that is more by", Number(100 * (paper["gate_area_ratio"] - 1), "+.1f"), "%"),
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
        bare = "spin" if row["advantage_bare"] else "CMOS"
        whole = "spin" if row["advantage"] else "CMOS"
        records.append({**row, "less_bare": bare, "less": whole})
    columns = (
        _key("against", "against"),
        _key("bare_fj", "CMOS bare", "fJ"),
        _key("less_bare", "takes less: bare"),
        _key("with_periphery_fj", "CMOS with periphery", "fJ"),
        _key("less", "takes less: with periphery"),
        _key("spin_periphery_fj", "spin has here", "fJ"),
        _key("current_ua", "current whose heat does it", "uA"),
    )
    title = "Break-even: periphery energy at which a spin neuron's advantage is gone"
    return _table(title, records, columns)


def _tiles(found: Record) -> Table:
    own = [] if found["own"] is None else [found["own"]]
    others = [each for each in found["tried"] if each not in own]
    columns = (
        _key("tile_rows", "rows"),
        _key("adc_bits", "bits"),
        _key("accuracy", "accuracy", "%", scale=100, form=".2f"),
        _key("converters", "converters"),
        _key("conversions", "conversions", form=".1f"),
        _key("energy_pj", "energy", "pJ"),
        _key("least_pj", "least", "pJ", wide=True),
        _key("most_pj", "most", "pJ", wide=True),
        _key("amplifier_pj", "amplifiers' part", "pJ", wide=True),
        _key("area_um2", "area", "um^2"),
    )
    return _table("Converters of tiles, one image", own + others, columns, _cheapest(found))


def _cheapest(found: Record) -> list[str]:
    """Name the cheapest tiles for the wanted accuracy, a line each."""
    if found["accuracy"] is None:
        return []
    accuracy = f"{100 * found['accuracy']:.2f} %"
    if found["cheapest"]["energy_pj"] is None:
        return [f"no tiles that were tried reach {accuracy}"]
    lines = []
    for key, what, unit in (("energy_pj", "energy", "pJ"), ("area_um2", "area", "um^2")):
        best = found["cheapest"][key]
        lines.append(
            f"least {what} for {accuracy}: tiles of {best['tile_rows']} rows, converters of "
            f"{best['adc_bits']} bits: {significant(best[key])} {unit}, "
            f"{100 * best['accuracy']:.2f} %"
        )
    return lines


def _fpga(fpga: Record) -> Table:
    columns = (
        _key("design", "design"),
        _key("part", "part"),
        _key("lut", "LUT"),
        _key("ff", "FF"),
        _key("memory", "block RAM"),
        _key("dsp", "multipliers"),
        _key("fmax", "clock", "MHz", scale=1.0, form=".1f"),
    )
    title = f"On FPGAs, recorded; engines with {fpga['lanes']} lanes"
    tools = ", ".join(map(_tool, fpga["tools"]))
    return _table(title, fpga["usage"], columns, [f"tools: {tools}"])


def _tool(version: str) -> str:
    """Return a tool and its version, without its compiler and folder."""
    words = version.split()
    return next((f"{words[0]} {word.rstrip(')')}" for word in words if word[0].isdigit()), version)


def notes(found: Record) -> list[str]:
    """Return the lines below the tables."""
    lines = []
    for row in found["programming"]:
        if row["energy_j"] is not None:
            lines.append(
                f"programming once, {row['scheme']}: {row['pulses']:,} pulses, "
                f"{row['saturations']:,} saturations, {row['reads']:,} reads; "
                f"{row['energy_j']:.3g} J as built, cell after cell in {row['time_s']:,.0f} s"
            )
    synapse = found["synapse"]
    lines.append(
        f"a synapse is read with {synapse['read_current_a'] * 1e6:g} uA for "
        f"{synapse['read_time_s'] * 1e9:g} ns"
        + (" (assumed: the neuron's)" if synapse["read_assumed"] else "")
        + f"; {synapse['count']:,} of them take {synapse['count'] * synapse['area_um2'] / 1e6:.0f} "
        f"mm^2 as built, {synapse['count'] * synapse['scaled_area_um2']:.0f} um^2 at the neuron's "
        "width"
    )
    return lines
