"""The engine at work, the boards that it was built for, and CMOS neurons to compare with."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from allspin.host.charts.comparison_charts import energy_split, tornado_chart
from allspin.host.charts.row_charts import Strip, bars, strips
from allspin.host.charts.timeline import timeline, traced_stages
from allspin.host.compare.comparison_table import notes, tables
from allspin.host.machines.opening import VIRTUAL
from allspin.host.report.findings import Findings
from allspin.host.report.section import (
    TO_HAVE_IT,
    Drawn,
    Section,
    facts,
    note,
    numbers,
    paragraph,
    scrolling,
)
from allspin.host.run.inference import TRACED_IMAGES
from allspin.host.show.table import Table, TableColumn
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.systems import naming_extras


def engine(findings: Findings) -> Section:
    """What the simulated gateware did, clock by clock."""
    subject, found = findings.subject, findings.engine
    name, title = "engine", "The engine at work"
    commands = [subject.command("run", "--on", VIRTUAL, "--check")]
    if isinstance(found, str):
        said = paragraph(f"The gateware was not run for this page: {found}")
        return Section(name, title, said, commands, TO_HAVE_IT)
    positions, images = subject.network.positions, len(subject.images)
    stages = traced_stages(found.activity, positions, TRACED_IMAGES)
    start = min(spans[0].first for _, spans in stages if spans)
    rows = [
        (stage, span.image, span.first - start, span.last - start, len(span.busy))
        for stage, spans in stages
        for span in spans
    ]
    columns = ("stage", "image", "first clock", "last clock", "clocks in which it took something")
    about = {
        "Cycles per image": f"{found.cycles / images:.1f}",
        "Slowest stage alone": f"{found.bound:.1f} clocks",
        "Against golden model": f"{findings.mismatches:,} of {findings.logits.size:,} logits "
        "differ",
        "Simulated here": f"{images / found.seconds:,.0f} images/s",
    }
    table = Table("when each stage worked on each image", [*map(TableColumn, columns)], rows)
    picture = timeline(found.activity, positions, TRACED_IMAGES)
    body = [facts(about), Drawn("engine-timeline", picture, [table])]
    return Section(name, title, body, commands)


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
"""What a build's record has, and how the table shows it."""


PROPOSED = ("icebreaker", "ulx3s-85f")
"""Boards for a network that was built for none: a small one, else the one with most room."""


def _builds_table(records: Sequence[Mapping[str, Any]]) -> Table:
    """All figures of the builds, one a row; what no build has is no column."""
    shown = [key for key in COLUMNS if any(key in record for record in records)]
    rows = []
    for record in records:
        cells = [
            100 * record[key] if key.endswith("_share") and key in record else record.get(key)
            for key in shown
        ]
        rows.append((*cells, "older" if record["older"] else "this", _fault(record) or "yes"))
    columns = [
        *(COLUMNS[key] for key in shown),
        TableColumn("gateware"),
        TableColumn("fits and keeps time"),
    ]
    return Table("figures of the builds", columns, rows)


def _fault(record: Mapping[str, Any]) -> str:
    """Why a build is no machine that runs; empty if it is one."""
    if not record["fits"]:
        return "does not fit"
    on_time = record["meets_timing"] and record["fmax_mhz"] >= record["need_mhz"]
    return "" if on_time else "misses timing"


def _builds_figures(records: Sequence[Mapping[str, Any]]) -> list[h.Node]:
    """Speed of the builds that run, and the room that each takes."""
    named = []
    for record in records:
        marks = record["board"], record["profile"], _fault(record), record["older"] and "older"
        named.append((", ".join(filter(None, marks)), record))
    rates = [
        (name, float(record["images_per_second"]))
        for name, record in named
        if record["images_per_second"] and record["fits"]
    ]
    shares = {name: 100.0 * record["cells_share"] for name, record in named}
    drawn: list[h.Node] = []
    if rates:
        dots = [Strip(name, [rate], f"{rate:,.0f}") for name, rate in rates]
        speed = strips("Images/s on each board", dots, "images/s, logarithmic", log=True)
        columns = TableColumn("board"), TableColumn("images/s", form=",.0f")
        without = "; ".join(name for name, _ in named if name not in dict(rates))
        said = without and f"No images/s are known of: {without}."
        drawn.append(Drawn("boards-speed", speed, [Table("images/s", columns, rates)], said))
    columns = TableColumn("board"), TableColumn("logic cells", "%", ".1f")
    room = Table("share of the logic cells", columns, list(shares.items()))
    taken = bars("Logic cells that each build takes", shares, "logic cells of the part (%)", ".0f")
    return [*drawn, Drawn("boards-room", taken, [room])]


def boards(findings: Findings) -> Section:
    """What the gateware comes to on the boards that it was built for here."""
    network, records = findings.subject.name, findings.builds
    name, title = "boards", "On boards"
    if not records:
        said = paragraph(
            "No board was built for this network on the machine that made this page. Building one "
            "takes some minutes; its figures are then kept, and on the next page."
        )
        able = [board for board in PROPOSED if _runs_on(board, findings.subject.network)]
        return Section(
            name, title, said, [_build(board, network) for board in able[:1]], TO_HAVE_IT
        )
    tools = sorted({f"{tool} {of}" for each in records for tool, of in each["tools"].items()})
    said = paragraph(
        "What the network's gateware comes to when it is placed and routed: how fast its clock may "
        "be against what the board needs, what it takes of the part, and how many images/s that "
        "makes. A build of other gateware than that which this page was made with is called older."
    )
    body = [
        *(said, scrolling(_builds_table(records)), _builds_figures(records)),
        tools and paragraph(f"Built with {', '.join(tools)}."),
    ]
    commands = [_build(each["board"], network, "--profile", each["profile"]) for each in records]
    return Section(name, title, body, commands)


def _runs_on(name: str, network: Network) -> bool:
    """Whether a board's usual machine can run a network."""
    try:
        with naming_extras():
            from allspin.boards.catalogue import find_board
            from allspin.boards.shell import ShellParameters
        board = find_board(name)
        ShellParameters.from_network(board, network, board.profile().hardware)
    except UserError:
        return False
    return True


def _build(board: str, network: str, *options: str) -> str:
    return shlex.join(["allspin", "build", board, "--network", network, *options])


def comparison(findings: Findings) -> Section:
    """Spin neurons against CMOS neurons."""
    subject, found = findings.subject, findings.comparison
    name, title = "comparison", "Against CMOS"
    if isinstance(found, str):
        said = paragraph(f"This network could not be compared with CMOS neurons: {found}")
        return Section(name, title, said)
    neurons, *others = tables(found)
    # The first comparison, bare as the paper makes it, and the last, with all that surrounds.
    panels = [found["tornado"][0], found["tornado"][-1]]
    said = paragraph(
        "One use of the network's neurons, as spin devices and as CMOS ones: the spin neuron by "
        "its own numbers, as the paper claims it and at the current that switches its synapse; "
        "CMOS neurons synthesised to standard cells, with the activity that real images give."
    )
    about = {
        "Standard cells": found["library"],
        # Without the compiler that built it, and where.
        "Synthesised by": found["yosys"].partition(" (")[0],
        "Clock": f"{found['frequency_hz'] / 1e6:g} MHz",
        "Activity counted on": f"{found['images_counted']:,} images",
    }
    body = [
        *(said, facts(about), scrolling(neurons)),
        Drawn(
            "comparison-energy",
            energy_split(found),
            [_parts(found)],
            "Amplifier, converter, ADC and row drivers are what the paper itself says that a "
            "column needs; their figures are published ones.",
        ),
        Drawn("comparison-hangs", tornado_chart({"tornado": panels}), [_ranges(found)]),
        [scrolling(table) for table in others],
        [note(line) for line in notes(found)],
        numbers(_provenance(found)),
    ]
    commands = [subject.command("compare", *subject.device_options, images=False)]
    return Section(name, title, body, commands)


def _parts(found: Mapping[str, Any]) -> Table:
    """Where the energy of a use goes."""
    return Table(
        "where the energy of a use goes",
        (
            TableColumn("neuron"),
            TableColumn("where"),
            TableColumn("part"),
            TableColumn("energy", "fJ"),
        ),
        [
            (neuron["name"], where, part, energy)
            for neuron in found["neurons"]
            for key, where in (("energy_parts_fj", "alone"), ("periphery_parts_fj", "around it"))
            for part, energy in neuron[key].items()
        ],
    )


def _ranges(found: Mapping[str, Any]) -> Table:
    """Each parameter over its published range, and what the ratio of energies becomes."""
    names = "against", "parameter", "unit", "from", "to", "spin over CMOS from", "to", "source"
    keys = "name", "unit", "low", "high", "ratio_low", "ratio_high", "source"
    rows = [
        (
            f"{panel['against']}{', with periphery' if panel['periphery'] else ''}",
            *(bar[key] for key in keys),
        )
        for panel in found["tornado"]
        for bar in panel["bars"]
    ]
    return Table(
        "each parameter over its published range", [*map(TableColumn, names)], rows, keys=2
    )


def _provenance(found: Mapping[str, Any]) -> Table:
    """What each neuron is, and where each of its numbers comes from."""
    return Table(
        "where each number comes from",
        (TableColumn("neuron"), TableColumn("number"), TableColumn("from")),
        [
            (neuron["name"], number, source)
            for neuron in found["neurons"]
            for number, source in {"what is meant": neuron["what"], **neuron["provenance"]}.items()
        ],
    )
