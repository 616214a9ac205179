"""The table of a board that was built, as the terminal shows it."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from allspin.boards.build.figures import Use
from allspin.host.show.figures import figures_table


def build_table(result: Mapping[str, Any]) -> Table:
    """The figures of a board that was built, line by line.

    Parameters
    ----------
    result : mapping
        What ``allspin build --json`` prints of it.
    """

    def use(name: str) -> str:
        return f"{result[name]:,} ({result[f'{name}_share']:.0%})"

    rows = [
        ("part", result["part"]),
        ("profile", result["profile"]),
        ("lanes, rows per clock", f"{result['lanes']}, {result['rows_per_clock']}"),
        ("LUTs", use("luts")),
        ("flip-flops", use("ffs")),
        ("logic cells", use("cells")),
        *(
            (name, f"{Use(**block).used:,} ({Use(**block).share:.0%})")
            for name, block in result["blocks"].items()
        ),
    ]
    if result["fits"]:
        rows.append(("clock, MHz", f"{result['fmax_mhz']:.2f} of {result['need_mhz']:g} needed"))
        if len(result["seeds"]) > 1:
            rows.append(("  worst of the seeds", f"{result['worst_fmax_mhz']:.2f}"))
    if result["images_per_second"] is not None:
        rows.append(("images/s, machine", f"{result['images_per_second']:,}"))
        rows.append((f"images/s, {result['baud']:,} baud", f"{result['link_images_per_second']:,}"))
    rows += [(name, version) for name, version in result["tools"].items()]
    rows.append(("seconds of tools", f"{result['seconds']:,.0f}"))
    if result["bitstream"]:
        rows.append(("bitstream", result["bitstream"]))
    return figures_table(f"{result['network']} on {result['board']}", rows)
