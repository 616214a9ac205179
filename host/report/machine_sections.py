"""Sections about the engine, the boards that were built, and the comparison with CMOS."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from allspin.host.charts.comparison_charts import energy_split, tornado_chart
from allspin.host.charts.row_charts import Strip, bars, strips
from allspin.host.charts.timeline import Span, timeline, traced_stages
from allspin.host.compare.comparison_table import notes, tables
from allspin.host.machines.opening import VIRTUAL
from allspin.host.report.findings import Findings
from allspin.host.report.section import (
    TO_HAVE_IT,
    ReportPicture,
    Section,
    facts,
    note,
    numbers,
    paragraph,
    scrolling,
)
from allspin.host.run.traced import TRACED_IMAGES
from allspin.host.show.table import Table, TableColumn
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.systems import naming_extras


def engine_section(findings: Findings) -> Section:
    """Show the simulated gateware's work, clock by clock."""
    subject = findings.subject
    found = findings.engine
    commands = [subject.command("run", "--on", VIRTUAL, "--check")]
    if isinstance(found, str):
        text = paragraph(f"The gateware was not run for this page: {found}")
        return Section("engine", "The engine at work", text, commands, TO_HAVE_IT)
    images = len(subject.images)
    about = {
        "Cycles per image": f"{found.cycles / images:.1f}",
        "Slowest stage alone": f"{found.bound:.1f} clocks",
        "Against golden model": f"{findings.mismatches:,} of {findings.logits.size:,} logits "
        "differ",
        "Simulated here": f"{images / found.seconds:,.0f} images/s",
    }
    positions = subject.network.positions
    picture = timeline(found.activity, positions, TRACED_IMAGES)
    table = _stages_table(traced_stages(found.activity, positions, TRACED_IMAGES))
    body = [facts(about), ReportPicture("engine-timeline", picture, [table])]
    return Section("engine", "The engine at work", body, commands)


def _stages_table(stages: Sequence[tuple[str, Sequence[Span]]]) -> Table:
    """Return the interval in which each stage worked on each image."""
    start = min(spans[0].first for _, spans in stages if spans)
    rows = []
    for stage, spans in stages:
        for span in spans:
            first = span.first - start
            last = span.last - start
            rows.append((stage, span.image, first, last, len(span.busy)))
    names = ("stage", "image", "first clock", "last clock", "clocks in which it took something")
    columns = [TableColumn(name) for name in names]
    return Table("when each stage worked on each image", columns, rows)


COLUMNS = {
    "board": TableColumn("board"),
    "part": TableColumn("part"),
    "profile": TableColumn("profile"),
    "lanes": TableColumn("lanes"),
    "rows_per_clock": TableColumn("rows per clock"),
    "fmax_mhz": TableColumn("Fmax", "MHz", form=".2f"),
    "need_mhz": TableColumn("needs", "MHz", form="g"),
    "cells": TableColumn("logic cells"),
    "cells_share": TableColumn("logic cells", "%", form=".1f"),
    "ffs": TableColumn("FF"),
    "memories": TableColumn("memories"),
    "memories_share": TableColumn("memories", "%", form=".1f"),
    "dsps": TableColumn("DSP"),
    "images_per_second": TableColumn("images/s, machine"),
    "link_images_per_second": TableColumn("images/s, link"),
}
"""Columns of the table by the keys of a build's record."""


PROPOSED = ("icebreaker", "ulx3s-85f")
"""Boards to propose for a network without builds: a small one, else the one with most room."""


def _builds_table(records: Sequence[Mapping[str, Any]]) -> Table:
    """Return the figures of the builds, one a row, without empty columns."""
    keys = [key for key in COLUMNS if any(key in record for record in records)]
    rows = []
    for record in records:
        cells: list[Any] = []
        for key in keys:
            value = record.get(key)
            if key.endswith("_share") and value is not None:
                value = 100 * value
            cells.append(value)
        gateware = "older" if record["older"] else "this"
        rows.append((*cells, gateware, _fault(record) or "yes"))
    columns = [COLUMNS[key] for key in keys]
    columns += [TableColumn("gateware"), TableColumn("fits and keeps time")]
    return Table("figures of the builds", columns, rows)


def _fault(record: Mapping[str, Any]) -> str:
    """Return the reason why a build cannot run; empty if it can."""
    if not record["fits"]:
        return "does not fit"
    on_time = record["meets_timing"] and record["fmax_mhz"] >= record["need_mhz"]
    return "" if on_time else "misses timing"


def _build_name(record: Mapping[str, Any]) -> str:
    marks = [record["board"], record["profile"], _fault(record)]
    if record["older"]:
        marks.append("older")
    return ", ".join(mark for mark in marks if mark)


def _speed_picture(records: Sequence[Mapping[str, Any]]) -> ReportPicture | None:
    """Draw the speed of the builds that run; None without any."""
    rates = {}
    unknown = []
    for record in records:
        if record["images_per_second"] and record["fits"]:
            rates[_build_name(record)] = float(record["images_per_second"])
        else:
            unknown.append(_build_name(record))
    if not rates:
        return None
    dots = [Strip(name, [rate], f"{rate:,.0f}") for name, rate in rates.items()]
    picture = strips("Images/s on each board", dots, "images/s, logarithmic", log=True)
    columns = (TableColumn("board"), TableColumn("images/s", form=",.0f"))
    table = Table("images/s", columns, list(rates.items()))
    text = f"No images/s are known of: {'; '.join(unknown)}." if unknown else ""
    return ReportPicture("boards-speed", picture, [table], text)


def _room_picture(records: Sequence[Mapping[str, Any]]) -> ReportPicture:
    """Draw the share of the part that each build takes."""
    shares = {_build_name(record): 100.0 * record["cells_share"] for record in records}
    title = "Logic cells that each build takes"
    picture = bars(title, shares, "logic cells of the part (%)", ".0f")
    columns = (TableColumn("board"), TableColumn("logic cells", "%", ".1f"))
    table = Table("share of the logic cells", columns, list(shares.items()))
    return ReportPicture("boards-room", picture, [table])


def boards_section(findings: Findings) -> Section:
    """Show the size and speed of the gateware on the boards built on this computer."""
    network = findings.subject.name
    records = findings.builds
    if not records:
        return _no_boards_section(findings)
    tools = sorted({f"{tool} {of}" for each in records for tool, of in each["tools"].items()})
    text = paragraph(
        "What the network's gateware comes to when it is placed and routed: how fast its clock may "
        "be against what the board needs, what it takes of the part, and how many images/s that "
        "makes. A build of other gateware than that which this page was made with is called older."
    )
    body = [
        text,
        scrolling(_builds_table(records)),
        [_speed_picture(records), _room_picture(records)],
        paragraph(f"Built with {', '.join(tools)}.") if tools else None,
    ]
    commands = [_build(f"{each['board']}:{each['profile']}", network) for each in records]
    return Section("boards", "On boards", body, commands)


def _no_boards_section(findings: Findings) -> Section:
    text = paragraph(
        "No board was built for this network on the machine that made this page. Building one "
        "takes some minutes; its figures are then kept, and on the next page."
    )
    subject = findings.subject
    able = [board for board in PROPOSED if _runs_on(board, subject.network)]
    commands = [_build(board, subject.name) for board in able[:1]]
    return Section("boards", "On boards", text, commands, TO_HAVE_IT)


def _runs_on(name: str, network: Network) -> bool:
    """Return True if a board's usual machine can run a network."""
    try:
        with naming_extras():
            from allspin.boards.catalogue import find_board
            from allspin.boards.shell import ShellParameters
        board = find_board(name)
        ShellParameters.from_network(board, network, board.profile().hardware)
    except UserError:
        return False
    return True


def _build(board: str, network: str) -> str:
    return shlex.join(["allspin", "build", board, "--network", network])


def comparison_section(findings: Findings) -> Section:
    """Compare spin neurons with CMOS neurons."""
    subject = findings.subject
    found = findings.comparison
    if isinstance(found, str):
        text = paragraph(f"This network could not be compared with CMOS neurons: {found}")
        return Section("comparison", "Against CMOS", text)
    neurons, *others = tables(found)
    # The first comparison, bare as in the paper, and the last, with the whole periphery.
    panels = [found["tornado"][0], found["tornado"][-1]]
    text = paragraph(
        "One use of the network's neurons, as spin devices and as CMOS ones: the spin neuron by "
        "its own numbers, as the paper claims it and at the current that switches its synapse; "
        "CMOS neurons synthesised to standard cells, with the activity that real images give."
    )
    about = {
        "Standard cells": found["library"],
        # Without the compiler that built Yosys, and its folder.
        "Synthesised by": found["yosys"].partition(" (")[0],
        "Clock": f"{found['frequency_hz'] / 1e6:g} MHz",
        "Activity counted on": f"{found['images_counted']:,} images",
    }
    parts = ReportPicture(
        "comparison-energy",
        energy_split(found),
        [_parts(found)],
        "Amplifier, converter, ADC and row drivers are what the paper itself says that a "
        "column needs; their figures are published ones.",
    )
    ranges = ReportPicture("comparison-hangs", tornado_chart({"tornado": panels}), [_ranges(found)])
    body = [
        text,
        facts(about),
        scrolling(neurons),
        parts,
        ranges,
        [scrolling(table) for table in others],
        [note(line) for line in notes(found)],
        numbers(_provenance(found)),
    ]
    commands = [subject.command("compare", *subject.device_options, images=False)]
    return Section("comparison", "Against CMOS", body, commands)


def _parts(found: Mapping[str, Any]) -> Table:
    """Return the parts of the energy of a use."""
    rows = []
    for neuron in found["neurons"]:
        for key, where in (("energy_parts_fj", "alone"), ("periphery_parts_fj", "around it")):
            for part, energy in neuron[key].items():
                rows.append((neuron["name"], where, part, energy))
    names = (TableColumn("neuron"), TableColumn("where"), TableColumn("part"))
    return Table("where the energy of a use goes", (*names, TableColumn("energy", "fJ")), rows)


def _ranges(found: Mapping[str, Any]) -> Table:
    """Return each parameter's published range, with the ratio of energies at its ends."""
    names = "against", "parameter", "unit", "from", "to", "spin over CMOS from", "to", "source"
    keys = "name", "unit", "low", "high", "ratio_low", "ratio_high", "source"
    rows = []
    for panel in found["tornado"]:
        against = panel["against"] + (", with periphery" if panel["periphery"] else "")
        for bar in panel["bars"]:
            rows.append((against, *(bar[key] for key in keys)))
    columns = [TableColumn(name) for name in names]
    return Table("each parameter over its published range", columns, rows, keys=2)


def _provenance(found: Mapping[str, Any]) -> Table:
    """Return the meaning of each neuron, and the source of each of its numbers."""
    rows = []
    for neuron in found["neurons"]:
        rows.append((neuron["name"], "what is meant", neuron["what"]))
        for number, source in neuron["provenance"].items():
            rows.append((neuron["name"], number, source))
    columns = (TableColumn("neuron"), TableColumn("number"), TableColumn("from"))
    return Table("where each number comes from", columns, rows)
