"""The comparison as tables of a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

MHZ = 1e6


def _figure(value: float) -> str:
    """Three figures, without an exponent where that is short."""
    if value == 0 or 0.001 <= abs(value) < 1e6:
        digits = 3 if abs(value) < 1000 else 0
        return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.2e}"


def tables(found: Mapping[str, Any]) -> list[Table]:
    """The tables of a comparison, one below the other.

    Parameters
    ----------
    found : mapping
        What `allspin.host.study.compare.comparison.compare` returned, as plain values.
    """
    shown = [_neurons(found), _network(found), _paper(found), _break_even(found)]
    return [*shown, _fpga(found["fpga"])] if found["fpga"] else shown


def _table(title: str, *columns: str, left: int = 1) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", overflow="fold")
    return table


def _neurons(found: Mapping[str, Any]) -> Table:
    table = _table(
        f"A neuron's use: {found['network']}, {found['frequency_hz'] / MHZ:g} MHz, activity of "
        f"{found['images_counted']:,} images (c counted, s synthesised, p paper, r reference)",
        "neuron",
        "accuracy %",
        "area um^2",
        "energy fJ",
        "energy-delay fJ ns",
        "M uses/s",
        "with periphery: um^2",
        "fJ",
        "fJ ns",
    )
    for each in found["neurons"]:
        marks = {key: _mark(text) for key, text in each["provenance"].items()}
        table.add_row(
            each["name"],
            f"{100 * each['accuracy']:.2f} c",
            f"{_figure(each['area_um2'])} {marks['area']}",
            f"{_figure(each['energy_fj'])} {marks['energy']}",
            _figure(each["energy_delay_fj_ns"]),
            _figure(each["uses_per_second"] / 1e6),
            f"{_figure(each['area_with_periphery_um2'])} r",
            f"{_figure(each['energy_with_periphery_fj'])} r",
            _figure(each["energy_delay_with_periphery_fj_ns"]),
        )
    return table


def _mark(text: str) -> str:
    """A provenance's first word as a letter."""
    return text[:1]


def _network(found: Mapping[str, Any]) -> Table:
    table = _table(
        "The whole network, one image (synapses of the neuron's width)",
        "neurons",
        "area um^2",
        "pJ",
        "with periphery: um^2",
        "pJ",
        "pJ ns",
        "latency ns",
        "images/s",
    )
    for each in found["neurons"]:
        whole = each["network"]
        table.add_row(
            each["name"],
            _figure(whole["area_um2"]),
            _figure(whole["energy_pj"]),
            _figure(whole["area_with_periphery_um2"]),
            _figure(whole["energy_with_periphery_pj"]),
            _figure(whole["energy_delay_with_periphery_pj_ns"]),
            _figure(whole["latency_ns"]),
            _figure(whole["images_per_second"]),
        )
    base = found["baseline"]
    table.add_row(
        f"dense array, {base['units']} multipliers (r)",
        "",
        "",
        _figure(base["area_um2"]),
        _figure(base["energy_pj"]),
        _figure(base["energy_pj"] * base["latency_ns"]),
        _figure(base["latency_ns"]),
        _figure(base["images_per_second"]),
    )
    table.add_row(
        "  if it skipped zeros", "", "", "", _figure(base["energy_skipping_zeros_pj"]), "", "", ""
    )
    return table


def _paper(found: Mapping[str, Any]) -> Table:
    paper = found["paper_neuron"]
    table = _table("The paper's two neurons, and the arithmetic beside them", "what", "figure")
    low, high = (paper["sheet_current_fj"] or [0.0, 0.0])[:: len(paper["sheet_current_fj"]) - 1]
    rows = [
        ("SOT neuron, as claimed", f"around {paper['claimed_fj']:g} fJ"),
        ("  by its own current, resistance and time", f"{paper['stated_fj']:.2g} fJ"),
        ("  with the reset that each use needs", f"{paper['stated_with_reset_fj']:.2g} fJ"),
        ("  at the sheet current that switches its synapse", f"{low:.1f} to {high:.1f} fJ"),
        (
            "  what the claim would take",
            f"{paper['current_for_claim_ua']:.2f} uA, or {paper['time_for_claim_us']:.1f} us",
        ),
        (
            "  uses a second, each with a reset",
            f"{paper['uses_per_second'] / 1e6:g} M, against {found['frequency_hz'] / 1e6:g} M",
        ),
        (
            "  area, alone",
            f"{paper['area_um2']:.3g} um^2, {paper['cmos_area_um2'] / paper['area_um2']:.1f} "
            "times less than the paper's CMOS neuron",
        ),
        (
            "CMOS neuron, as given",
            f"{paper['cmos_area_um2']:g} um^2, {paper['cmos_fj']:g} fJ",
        ),
        (
            "  a bare 4-bit gate in these cells",
            f"{paper['gate_area_um2']:.3f} um^2, {paper['gate_area_ratio'] - 1:+.1%}",
        ),
        (
            "  its energy, all inputs toggling",
            f"{paper['gate_leakage_fj']:.3f} fJ leakage + {paper['gate_fj_when_all_toggle']:.1f} "
            "fJ times the activity",
        ),
        ("  the paper's figure falls at an activity of", f"{paper['activity_for_paper_fj']:.3f}"),
        (
            "  at the activity that was counted",
            f"{paper['gate_measured_fj']:.2f} fJ, activity {paper['gate_measured_activity']:.3f}",
        ),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _break_even(found: Mapping[str, Any]) -> Table:
    table = _table(
        "Break-even: at which energy of its periphery a spin neuron's advantage is gone",
        "against",
        "CMOS bare, fJ (who wins here)",
        "CMOS with its periphery, fJ",
        "spin has here, fJ",
        "current whose heat alone does it, uA",
    )
    for row in found["break_even"]:
        table.add_row(
            row["against"],
            f"{_figure(row['bare_fj'])} ({'spin' if row['advantage_bare'] else 'CMOS'})",
            f"{_figure(row['with_periphery_fj'])} ({'spin' if row['advantage'] else 'CMOS'})",
            _figure(row["spin_periphery_fj"]),
            _figure(row["current_ua"]),
        )
    return table


def _fpga(fpga: Mapping[str, Any]) -> Table:
    table = _table(
        f"On FPGAs, recorded ({'; '.join(fpga['tools'])}); engines with {fpga['lanes']} lanes",
        "design",
        "part",
        "LUT",
        "FF",
        "block RAM",
        "multipliers",
        "Fmax MHz",
        left=2,
    )
    for use in fpga["usage"]:
        table.add_row(
            use["design"],
            use["part"],
            *(f"{use[name]:,}" for name in ("lut", "ff", "memory", "dsp")),
            f"{use['fmax']:.1f}",
        )
    return table


def notes(found: Mapping[str, Any]) -> list[str]:
    """What is said below the tables, line by line."""
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
