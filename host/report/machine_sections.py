"""The engine at work: its stages over the clocks."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from allspin.host.draw.timeline import EVENT, LAST_EVENT, LAST_SUM, SUM, stage_spans
from allspin.host.machines.opening import VIRTUAL
from allspin.host.report.charts import (
    Bar,
    Chart,
    Stage,
    Strip,
    bars_chart,
    figure,
    stages_chart,
    strips_chart,
)
from allspin.host.report.section import TO_HAVE_IT, Section, facts, paragraph
from allspin.host.report.subject import EngineFindings, Findings, Subject, flag, numeral, string
from allspin.host.report.tables import Cell, Table, table
from allspin.host.run.run import TRACED_IMAGES
from allspin.sim.drawing import Axis

# Boards: what the gateware comes to on each.

Record = dict[str, Any]

COLUMNS: dict[str, str] = {
    "board": "board",
    "part": "part",
    "profile": "profile",
    "lanes": "lanes",
    "rows_per_clock": "rows per clock",
    "fmax_mhz": "Fmax (MHz)",
    "need_mhz": "needs (MHz)",
    "luts": "LUT",
    "luts_share": "LUT (%)",
    "ffs": "FF",
    "memories": "memories",
    "memories_share": "memories (%)",
    "dsps": "DSP",
    "images_per_second": "images/s, machine",
    "link_images_per_second": "images/s, link",
}
"""What a build's record has, and what the table calls it."""
SHARES = {"luts_share", "memories_share"}
TEXTS = ("board", "part", "profile")


def verdict(record: Record) -> str:
    """Whether a build fits its board and keeps its time."""
    if flag(record, "fits") is False:
        return "does not fit"
    if flag(record, "meets_timing") is False:
        return "too slow"
    fmax, need = numeral(record, "fmax_mhz"), numeral(record, "need_mhz")
    if fmax is not None and need is not None and fmax < need:
        return "too slow"
    return "yes"


def named(record: Record) -> str:
    """Board and profile of a build."""
    parts = [string(record, key) for key in ("board", "profile")]
    return ", ".join(part for part in parts if part)


def builds_table(records: Sequence[Record]) -> Table:
    """All figures of the builds, one a row; what no build has is no column."""
    shown = [key for key in COLUMNS if any(key in record for record in records)]

    def cell(record: Record, key: str) -> Cell:
        if key in TEXTS:
            return string(record, key)
        value = numeral(record, key)
        return None if value is None else 100 * value if key in SHARES else value

    return Table(
        "figures of the builds",
        (*(COLUMNS[key] for key in shown), "gateware", "fits and keeps time"),
        [
            (
                *(cell(record, key) for key in shown),
                "this" if flag(record, "older") is False else "older",
                verdict(record),
            )
            for record in records
        ],
    )


def speed_figure(records: Sequence[Record]) -> h.Node:
    """Images/s of each build that gives them, on a logarithmic axis."""
    rates = [
        (named(record), rate)
        for record in records
        if (rate := numeral(record, "images_per_second")) is not None
        and rate > 0
        and flag(record, "fits") is not False
    ]
    if not rates:
        return None
    return figure(
        Chart(
            "boards-speed",
            "Images/s on each board",
            "; ".join(f"{name}: {rate:,.0f}" for name, rate in rates) + " images/s.",
            strips_chart(
                [Strip(name, [rate], f"{rate:,.0f}") for name, rate in rates],
                Axis("images/s, logarithmic", log=True),
            ),
        ),
        [Table("images/s", ("board", "images/s"), rates)],
    )


def room_figure(records: Sequence[Record]) -> h.Node:
    """What share of a board's LUTs each build takes."""
    shares = [
        (named(record), 100 * share)
        for record in records
        if (share := numeral(record, "luts_share")) is not None and share >= 0
    ]
    if not shares:
        return None
    return figure(
        Chart(
            "boards-room",
            "LUTs that each build takes",
            "; ".join(f"{name}: {share:.0f}" for name, share in shares) + " percent of the LUTs.",
            bars_chart(
                [Bar(name, [share], f"{share:.0f} %") for name, share in shares],
                "LUTs of the part (%)",
                end=max(100.0, max(share for _, share in shares)),
            ),
        ),
        [Table("share of the LUTs", ("board", "LUT (%)"), shares)],
    )


def built_for(subject: Subject, records: Sequence[Record]) -> list[Record]:
    """The builds of a network, by board and profile; what names no board is none."""
    mine = [
        record
        for record in records
        if string(record, "network") == subject.name and string(record, "board")
    ]
    return sorted(mine, key=lambda record: [string(record, key) or "" for key in TEXTS])


def boards(findings: Findings) -> Section:
    """What the gateware comes to on the boards that it was built for here."""
    subject = findings.subject
    records = built_for(subject, findings.builds)
    one = shlex.join(["allspin", "build", "icebreaker", "--network", subject.name])
    if not records:
        return Section(
            "boards",
            "On boards",
            paragraph(
                "No board was built for this network on the machine that made this page. Building "
                "one takes some minutes; its figures are then kept, and on the next page."
            ),
            [one],
            TO_HAVE_IT,
        )
    tools = sorted(
        {
            f"{name} {version}"
            for record in records
            if isinstance(record.get("tools"), Mapping)
            for name, version in record["tools"].items()
        }
    )
    return Section(
        "boards",
        "On boards",
        [
            paragraph(
                "What the network's gateware comes to when it is placed and routed: how fast its "
                "clock may be against what the board needs, what it takes of the part, and how "
                "many images/s that makes. A build of other gateware than that which this "
                "page was made with is called older."
            ),
            table(builds_table(records)),
            speed_figure(records),
            room_figure(records),
            paragraph(f"Built with {', '.join(tools)}.") if tools else None,
        ],
        list(
            dict.fromkeys(
                shlex.join(
                    [
                        *("allspin", "build", string(record, "board") or ""),
                        *("--network", subject.name),
                        *(["--profile", name] if (name := string(record, "profile")) else []),
                    ]
                )
                for record in records
            )
        ),
    )


def stages(engine: EngineFindings, layers: int) -> list[Stage]:
    """Stages of the engine that worked, in the order in which an image passes them."""
    found = []
    for layer in range(layers):
        last = layer == layers - 1
        for name, taken, end in (
            (f"crossbar {layer}: rows driven", EVENT, LAST_EVENT),
            ("readout: logits" if last else f"neurons {layer}: column sums", SUM, LAST_SUM),
        ):
            spans = stage_spans(engine.run.activity, layer, taken, end)[:TRACED_IMAGES]
            if spans:
                found.append(Stage(name, spans))
    return found


def engine(findings: Findings) -> Section:
    """What the simulated gateware did, clock by clock."""
    subject = findings.subject
    command = subject.command("run", "--on", VIRTUAL, "--check")
    found = findings.engine
    if isinstance(found, str):
        return Section(
            "engine",
            "The engine at work",
            paragraph(f"The gateware was not run for this page: {found}"),
            [command],
            TO_HAVE_IT,
        )
    drawn = stages(found, len(subject.network.layers))
    start = min(span.first for stage in drawn for span in stage.spans)
    clocks = max(span.last for stage in drawn for span in stage.spans) + 1 - start
    rows = [
        (stage.label, span.image, span.first - start, span.last - start, len(span.busy))
        for stage in drawn
        for span in stage.spans
    ]
    images = len(drawn[-1].spans)
    return Section(
        "engine",
        "The engine at work",
        [
            facts(
                {
                    "Cycles per image": f"{found.cycles_per_image:.1f}",
                    "Slowest stage alone": f"{found.bound:.1f} clocks",
                    "Against golden model": f"{found.mismatches:,} of {found.logits:,} logits "
                    "differ",
                    "Simulated here": f"{found.images / found.run.seconds:,.0f} images/s",
                }
            ),
            figure(
                Chart(
                    "engine-timeline",
                    f"The stages overlap: {images} images in {clocks:,} clocks",
                    f"{len(drawn)} stages over {clocks:,} clocks. While a later stage works on an "
                    "image, the earlier ones work on the next.",
                    stages_chart(drawn),
                ),
                [
                    Table(
                        "when each stage worked on each image",
                        (
                            "stage",
                            "image",
                            "first clock",
                            "last clock",
                            "clocks in which it took something",
                        ),
                        rows,
                    )
                ],
                "Solid: clocks in which something is taken. Pale: from an image's first to its "
                "last. Even and odd images have different shades, and their numbers.",
            ),
        ],
        [command],
    )
