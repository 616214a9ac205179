"""Tables and notes of a comparison."""

import re
from collections.abc import Mapping
from typing import Any

from allspin.host.show.table import Number, Table, TableColumn, figures, significant

MHZ = 1e6
PERIPHERY = "with periphery"


def tables(found: Mapping[str, Any]) -> list[Table]:
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


def _neurons(found: Mapping[str, Any]) -> Table:
    return Table(
        f"A neuron's use: {found['network']}, {found['frequency_hz'] / MHZ:g} MHz, activity of "
        f"{found['images_counted']:,} images",
        (
            TableColumn("neuron"),
            TableColumn("accuracy", "%", form=".2f"),
            TableColumn("area", "um^2"),
            TableColumn("area is", wide=True),
            TableColumn("energy", "fJ"),
            TableColumn("energy is", wide=True),
            TableColumn("energy-delay", "fJ ns", wide=True),
            TableColumn("uses", "M/s", wide=True),
            TableColumn(f"{PERIPHERY}: area", "um^2"),
            TableColumn(f"{PERIPHERY}: energy", "fJ"),
            TableColumn(f"{PERIPHERY}: energy-delay", "fJ ns", wide=True),
        ),
        [
            (
                each["name"],
                100 * each["accuracy"],
                each["area_um2"],
                _source(each, "area"),
                each["energy_fj"],
                _source(each, "energy"),
                each["energy_delay_fj_ns"],
                each["uses_per_second"] / MHZ,
                each["area_with_periphery_um2"],
                each["energy_with_periphery_fj"],
                each["energy_delay_with_periphery_fj_ns"],
            )
            for each in found["neurons"]
        ],
    )


def _source(neuron: Mapping[str, Any], key: str) -> str:
    """Return the source of a number: the first word of its provenance."""
    return re.split(r"\W", neuron["provenance"][key], maxsplit=1)[0]


def _network(found: Mapping[str, Any]) -> Table:
    keys = (
        *("area_um2", "energy_pj", "area_with_periphery_um2", "energy_with_periphery_pj"),
        *("energy_delay_with_periphery_pj_ns", "latency_ns", "images_per_second"),
    )
    base = found["baseline"]
    tiled = found["tiles"] and found["tiles"]["own"]
    return Table(
        "The whole network, one image (synapses of the neuron's width)",
        (
            TableColumn("neurons"),
            TableColumn("area", "um^2", wide=True),
            TableColumn("energy", "pJ", wide=True),
            TableColumn(f"{PERIPHERY}: area", "um^2"),
            TableColumn(f"{PERIPHERY}: energy", "pJ"),
            TableColumn(f"{PERIPHERY}: energy-delay", "pJ ns", wide=True),
            TableColumn("latency", "ns"),
            TableColumn("images/s"),
        ),
        [
            *(
                (each["name"], *(float(each["network"][key]) for key in keys))
                for each in found["neurons"]
            ),
            (
                f"dense array, {base['units']} multipliers",
                *(None, None, base["area_um2"], base["energy_pj"]),
                *(base["energy_pj"] * base["latency_ns"], base["latency_ns"]),
                float(base["images_per_second"]),
            ),
            (
                "  if it skipped zeros",
                *(None, None, None, base["energy_skipping_zeros_pj"], None, None, None),
            ),
        ],
        notes=["without the converters of its tiles, which are below"] if tiled else [],
    )


def _layers(found: Mapping[str, Any]) -> Table:
    names = ("rows", "columns", "cells", "lines", "adcs", "neurons", "uses_per_image")
    return Table(
        "Crossbars: lines are rows and columns; ADCs are those of tiles and of the classes",
        (
            TableColumn("layer"),
            TableColumn("what it is", wide=True),
            *map(TableColumn, ("rows", "columns", "cells", "lines", "ADCs", "neurons")),
            TableColumn("uses an image"),
        ),
        [
            (f"{number} {each['kind']}", each["what"], *(each[name] for name in names))
            for number, each in enumerate(found["layers"])
        ],
    )


def _paper(found: Mapping[str, Any]) -> Table:
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


def _break_even(found: Mapping[str, Any]) -> Table:
    return Table(
        "Break-even: periphery energy at which a spin neuron's advantage is gone",
        (
            TableColumn("against"),
            TableColumn("CMOS bare", "fJ"),
            TableColumn("takes less: bare"),
            TableColumn("CMOS with periphery", "fJ"),
            TableColumn("takes less: with periphery"),
            TableColumn("spin has here", "fJ"),
            TableColumn("current whose heat does it", "uA"),
        ),
        [
            (
                row["against"],
                row["bare_fj"],
                "spin" if row["advantage_bare"] else "CMOS",
                row["with_periphery_fj"],
                "spin" if row["advantage"] else "CMOS",
                row["spin_periphery_fj"],
                row["current_ua"],
            )
            for row in found["break_even"]
        ],
    )


def _tiles(found: Mapping[str, Any]) -> Table:
    own = [] if found["own"] is None else [found["own"]]
    others = [each for each in found["tried"] if each not in own]
    return Table(
        "Converters of tiles, one image",
        (
            TableColumn("rows"),
            TableColumn("bits"),
            TableColumn("accuracy", "%", form=".2f"),
            TableColumn("converters"),
            TableColumn("conversions", form=".1f"),
            TableColumn("energy", "pJ"),
            TableColumn("least", "pJ", wide=True),
            TableColumn("most", "pJ", wide=True),
            TableColumn("amplifiers' part", "pJ", wide=True),
            TableColumn("area", "um^2"),
        ),
        [
            (
                each["tile_rows"],
                each["adc_bits"],
                100 * each["accuracy"],
                each["converters"],
                each["conversions"],
                each["energy_pj"],
                each["least_pj"],
                each["most_pj"],
                each["amplifier_pj"],
                each["area_um2"],
            )
            for each in [*own, *others]
        ],
        notes=_cheapest(found),
    )


def _cheapest(found: Mapping[str, Any]) -> list[str]:
    """Name the cheapest tiles for the wanted accuracy, a line each."""
    if found["accuracy"] is None:
        return []
    accuracy, best = f"{100 * found['accuracy']:.2f} %", found["cheapest"]
    if best["energy_pj"] is None:
        return [f"no tiles that were tried reach {accuracy}"]
    return [
        f"least {what} for {accuracy}: tiles of {best[of]['tile_rows']} rows, converters of "
        f"{best[of]['adc_bits']} bits: {significant(best[of][of])} {unit}, "
        f"{100 * best[of]['accuracy']:.2f} %"
        for of, what, unit in (("energy_pj", "energy", "pJ"), ("area_um2", "area", "um^2"))
    ]


def _fpga(fpga: Mapping[str, Any]) -> Table:
    return Table(
        f"On FPGAs, recorded; engines with {fpga['lanes']} lanes",
        (
            *map(TableColumn, ("design", "part", "LUT", "FF", "block RAM", "multipliers")),
            TableColumn("clock", "MHz", form=".1f"),
        ),
        [
            (
                *(use[name] for name in ("design", "part", "lut", "ff", "memory", "dsp")),
                float(use["fmax"]),
            )
            for use in fpga["usage"]
        ],
        notes=[f"tools: {', '.join(map(_tool, fpga['tools']))}"],
    )


def _tool(version: str) -> str:
    """Return a tool and its version, without its compiler and folder."""
    words = version.split()
    return next((f"{words[0]} {word.rstrip(')')}" for word in words if word[0].isdigit()), version)


def notes(found: Mapping[str, Any]) -> list[str]:
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
