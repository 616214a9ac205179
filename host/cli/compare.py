"""``allspin compare``: spin neurons against CMOS neurons, from counted activity."""

import argparse
import json
from pathlib import Path
from typing import Any

from rich.table import Table

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.show.pictures.compare import break_even_chart, energy_split, tornado_chart
from allspin.host.show.pictures.style import save_picture
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.show.terminal import Terminal
from allspin.host.study.compare.comparison import Options, compare
from allspin.host.study.compare.parts import DEFAULT_PERIPHERY, PERIPHERY
from allspin.sim.cost.liberty import CELLS_45, load_library
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import write_atomically

HELP = """\
Compare the network's spin neurons with CMOS neurons: accuracy, area, energy and time, bare and
with what surrounds a neuron, for a neuron and for the whole network.

CMOS neurons are mapped to standard cells by Yosys and ABC, and their energy is counted net by
net on real images. docs/baseline.md says what each number means."""
EPILOG = """\
examples:
  allspin compare mnist-10
  allspin compare mnist-100 --json
  allspin compare mine.safetensors --with mine-bare.safetensors -o comparison
  allspin compare mnist-10 --liberty NangateOpenCellLibrary_typical.lib
  allspin compare mnist-10 --periphery amplifier,converter
"""
WIDTH = 150
"""Columns of the printed tables where stdout is no terminal."""
MHZ = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add("--json", action="store_true", help="print the comparison as one JSON object")
    add(
        "--liberty",
        metavar="FILE",
        type=Path,
        default=CELLS_45,
        help="standard cells (a small 45 nm library that ships)",
    )
    add(
        "-o",
        "--out",
        metavar="DIR",
        type=Path,
        help="folder for pictures and numbers (out/compare/NET; none with --json)",
    )
    add(
        "--with",
        dest="others",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="the same network trained with another neuron; may be given again (those that "
        "ship as NET-NEURON, else NET with its V-I converters set for the other neuron)",
    )
    add("--device", metavar="DEVICE", default="paper", help="device file of the spin side (paper)")
    add("--data", metavar="DIR", type=Path, help="folder of IDX files (MNIST, which ships)")
    add(
        "--images",
        metavar="N",
        type=int,
        help=f"images whose activity is counted ({Options.images})",
    )
    add(
        "--frequency",
        metavar="MHZ",
        type=float,
        default=Options.frequency / MHZ,
        help="clock of the CMOS neurons (100, as in the paper)",
    )
    add(
        "--periphery",
        metavar="PART[,PART]",
        default=",".join(DEFAULT_PERIPHERY),
        help=f"what is counted around a neuron: none, or of {', '.join(PERIPHERY)} "
        f"({','.join(DEFAULT_PERIPHERY)})",
    )


def _options(arguments: argparse.Namespace, images: int) -> Options:
    if not 1 <= arguments.frequency <= 10_000:
        raise UserError(f"--frequency must be from 1 to 10000 MHz, not {arguments.frequency:g}")
    counted = min(Options.images, images) if arguments.images is None else arguments.images
    if not 2 <= counted <= images:
        raise UserError(f"--images must be from 2 to {images}, not {counted}")
    parts = frozenset(arguments.periphery.split(",")) - {"none", ""}
    if strange := parts - set(PERIPHERY):
        raise UserError(
            f"--periphery takes none or {', '.join(PERIPHERY)}, not {', '.join(sorted(strange))}"
        )
    return Options(
        frequency=arguments.frequency * MHZ,
        images=counted,
        periphery=parts,
        others=tuple(arguments.others),
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and leave the pictures."""
    network = open_network(arguments.network)
    device = open_device(arguments.device)
    library = load_library(arguments.liberty)
    images, labels = load_test_set(arguments.data, [network])
    options = _options(arguments, len(images))
    folder = arguments.out
    if folder is None and not arguments.json:
        folder = Path("out/compare") / Path(arguments.network).stem
    if folder is not None:
        _make(folder)
    steps = Steps()
    steps.start("comparing")
    try:
        found = compare(
            arguments.network,
            network,
            device,
            library,
            images,
            labels,
            options,
            lambda what: steps.advance(0, None, what),
        )
        steps.finish()
        if folder is not None:
            steps.start(f"drawing into {folder}")
            leave(found, folder)
            steps.finish()
    finally:
        steps.stop()
    if arguments.json:
        say(json.dumps(found))
    else:
        _print(found)
    return 0


def _make(folder: Path) -> None:
    """Make a folder, before the work that fills it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error


def leave(found: dict[str, Any], folder: Path) -> list[Path]:
    """Write the pictures of a comparison, and its numbers as ``compare.json``.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    paths = []
    for name, draw in (
        ("energy-split", energy_split),
        ("tornado", tornado_chart),
        ("break-even", break_even_chart),
    ):
        paths += save_picture(draw(found), folder, name)
    paths.append(folder / "compare.json")
    write_atomically(paths[-1], (json.dumps(found, indent=1) + "\n").encode())
    return paths


def _figure(value: float) -> str:
    """Three figures, without an exponent where that is short."""
    if value == 0 or 0.001 <= abs(value) < 1e6:
        digits = 3 if abs(value) < 1000 else 0
        return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.2e}"


def _print(found: dict[str, Any]) -> None:
    console = Terminal(piped_width=WIDTH)
    for table in (_neurons(found), _network(found), _paper(found), _break_even(found)):
        console.print(table)
    if found["fpga"]:
        console.print(_fpga(found["fpga"]))
    for line in _notes(found):
        console.print(line, soft_wrap=True)


def _table(title: str, *columns: str, left: int = 1) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", overflow="fold")
    return table


def _neurons(found: dict[str, Any]) -> Table:
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


def _network(found: dict[str, Any]) -> Table:
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


def _paper(found: dict[str, Any]) -> Table:
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


def _break_even(found: dict[str, Any]) -> Table:
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


def _fpga(fpga: dict[str, Any]) -> Table:
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


def _notes(found: dict[str, Any]) -> list[str]:
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
