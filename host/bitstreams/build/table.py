"""The table of a board that was built, as the terminal shows it."""

from collections.abc import Mapping
from typing import Any

from allspin.boards.build.figures import Use
from allspin.host.bitstreams.tables import latency_ns
from allspin.host.show.table import Figure, Number, Table, figures


def build_table(result: Mapping[str, Any]) -> Table:
    """The figures of a board that was built, line by line.

    Parameters
    ----------
    result : mapping
        What ``allspin build --json`` prints of it.
    """

    def use(name: str, used: int, share: float) -> tuple[Figure, Figure]:
        return (name, used), ("  of the part's", Number(100 * share, ".0f"), "%")

    rows: list[Figure] = [
        ("part", result["part"]),
        ("profile", result["profile"]),
        ("lanes", result["lanes"]),
        ("rows per clock", result["rows_per_clock"]),
        *use("LUTs", result["luts"], result["luts_share"]),
        *use("flip-flops", result["ffs"], result["ffs_share"]),
        *use("logic cells", result["cells"], result["cells_share"]),
        *(
            figure
            for name, one in result["blocks"].items()
            for figure in use(name, Use(**one).used, Use(**one).share)
        ),
    ]
    if result["fits"]:
        rows.append(("clock", Number(result["fmax_mhz"], ".1f"), "MHz"))
        if len(result["seeds"]) > 1:
            rows.append(("  worst of the seeds", Number(result["worst_fmax_mhz"], ".1f"), "MHz"))
        rows.append(("  needed", Number(result["need_mhz"], "g"), "MHz"))
    if result["images_per_second"] is not None:
        rows.append(("machine", result["images_per_second"], "images/s"))
        link = f"link of {result['baud']:,} baud"
        rows.append((link, result["link_images_per_second"], "images/s"))
    if (latency := latency_ns(result)) is not None:
        rows.append(("latency of one image", Number(latency, ",.0f"), "ns"))
    rows += [(name, version) for name, version in result["tools"].items()]
    rows.append(("time of the tools", result["seconds"], "s"))
    return figures(f"{result['network']} on {result['board']}", rows)
