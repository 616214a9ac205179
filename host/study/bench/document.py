"""The figures as Markdown tables, and the marks that they stand between in a document."""

from typing import Any

from allspin.host.show.marks import Marks

MARKS = Marks(
    "<!-- What `make bench` writes begins here; do not edit it by hand. -->",
    "<!-- What `make bench` writes ends here. -->",
)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "| --- |" + " ---: |" * (len(head) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def _rate(value: float | None) -> str:
    return "not installed" if value is None else f"{value:,.0f}"


def _targets(record: dict[str, Any]) -> list[str]:
    rows = []
    for each in record["golden_chips"]:
        what = (
            f"golden model, `{each['network']}`, device `{each['device']}`: {each['chips']} chips, "
            f"{each['images']:,} images"
        )
        rows += [
            [
                f"{what}, on two cores",
                f"{each['target_seconds']:g} s",
                f"{each['seconds']:.1f} s ({each['processor_seconds']:.1f} s of processor)",
            ],
            [
                "its memory, all processes together",
                f"{each['target_bytes'] / 2**20:,.0f} MiB",
                f"{each['memory_bytes'] / 2**20:,.0f} MiB",
            ],
        ]
    for each in record["virtual_chips"]:
        differ = each["chips_that_differ"]
        rows.append(
            [
                f"virtual board, `{each['network']}`: {each['chips']} chips, "
                f"{each['images']:,} images, programming included "
                f"({differ} chips differ from the golden model)",
                f"{each['target_seconds']:g} s",
                f"{each['seconds']:.1f} s",
            ]
        )
    return ["### Targets", "", *_table(["what", "target, at most", "measured"], rows)]


def _ratios(record: dict[str, Any]) -> list[str]:
    lines = ["### Against others, side by side", ""]
    lines += [
        "Images/s of one thread, by processor time, 784-100-10; each noisy run is one chip,",
        "its programming included. The last column is how many times as fast the golden model is.",
        "",
    ]
    rows = []
    for row in record["ratios"]:
        times = row["golden_is_times_as_fast"]
        share = row.get("accuracy")
        rows.append(
            [
                f"{row['what']}, {'noisy' if row['noisy'] else 'ideal'}",
                _rate(row["images_per_second"]),
                "-" if share is None else f"{share:.2%}",
                "-" if times is None else f"{times:,.2f}" if times < 10 else f"{times:,.0f}",
            ]
        )
    head = ["what", "images/s", "accuracy", "golden model is times as fast"]
    return [*lines, *_table(head, rows)]


def _growth(record: dict[str, Any]) -> list[str]:
    lines = ["### How the cost grows", ""]
    lines += ["Golden model, one thread, processor seconds, programming included.", ""]
    rows = [
        [f"{name}: {row[name]:,}", f"{row['seconds']:.3f}"]
        for name, each in record["growth"].items()
        for row in each
    ]
    lines += _table(["what grows", "seconds"], rows)
    lines += [
        "Virtual board; cycles per image by the gateware's own counters, of images that wait on",
        "the board and of images that come over the link, whose decoder takes one byte per cycle.",
        "",
    ]
    rows = [
        [
            f"{row['lanes'] or 'all'} lanes, rows per clock {row['rows_per_clock']}",
            f"{row['cycles_per_image']:.1f}",
            f"{row['bound']:.1f}",
            f"{row['link_cycles_per_image']:.1f}",
            f"{row['images_per_second']:,.0f}",
        ]
        for row in record["shapes"]
    ]
    head = ["machine", "resident", "slowest stage", "over the link", "images/s, simulated"]
    return lines + _table(head, rows)


def _engine(record: dict[str, Any]) -> list[str]:
    lines = ["### Engine: clock over mean cycles per image", ""]
    if not record["engine"]:
        return [*lines, "No builds were given (`allspin bench --builds FILE.json`).", ""]
    rows = []
    for each in record["engine"]:
        target = each["target"]
        rows.append(
            [
                f"{each['board']} ({each['part']}), {each['profile']}, {each['lanes']} lanes, "
                f"rows per clock {each['rows_per_clock']}",
                "older" if each["older"] else "this",
                str(each["seeds"]),
                f"{each['megahertz']:.1f}",
                f"{each['cycles']:.1f}",
                f"{each['images_per_second']:,.0f}",
                "-" if target is None else f"{target:,}",
            ]
        )
    head = ["complete top, placed and routed", "gateware", "seeds", "MHz, worst seed"]
    more = ["cycles per image", "images/s", "target, at least"]
    return lines + _table([*head, *more], rows)


def _resident(record: dict[str, Any]) -> list[str]:
    lines = ["### Resident sweep: images on the board, once for each chip, redraw included", ""]
    if not record["resident"]:
        return [*lines, "No build with resident images was given.", ""]
    rows = [
        [
            f"{each['board']}, {each['images']:,} images on board",
            f"{each['redraw_clocks']:,}",
            f"{each['images_per_second']:,.0f}",
        ]
        for each in record["resident"]
    ]
    return lines + _table(["board", "clocks of a redraw", "images/s"], rows)


def _link(record: dict[str, Any]) -> list[str]:
    each = record["link"]
    rows = [
        [f"UART of {int(baud):,} bits a second", f"{rate:,.0f}"]
        for baud, rate in each["images_per_second"].items()
    ]
    return [
        "### Link: host to host",
        "",
        f"An image's request takes {each['bytes_per_image']:.1f} bytes, frame included, so that a",
        "UART carries at most:",
        "",
        *_table(["link", "images/s, at most"], rows),
    ]


def markdown(record: dict[str, Any]) -> str:
    """The figures as Markdown.

    Parameters
    ----------
    record : dict
        What ``allspin bench --json`` prints.
    """
    machine = record["machine"]
    lines = [
        f"Commit {record['commit'] or 'unknown'}; {machine['cores']} cores, "
        f"Python {machine['python']}, NumPy {machine['numpy']}, "
        f"load before it began {machine['load']:.1f}.",
        "",
        *_targets(record),
        *_ratios(record),
        *_growth(record),
        *_engine(record),
        *_resident(record),
        *_link(record),
    ]
    return "\n".join(lines)
