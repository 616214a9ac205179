"""``allspin report``: one page of what a network is, does and costs."""

import argparse
import json
from pathlib import Path

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import check_writable
from allspin.host.data.revision import commit
from allspin.host.report.findings import find
from allspin.host.report.markup import render
from allspin.host.report.page import page, sections
from allspin.host.report.section import section
from allspin.host.report.subject import Subject
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.study.running.chip_options import PAPER
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range
from allspin.sim.network.netfile import write_atomically

NAME = "report"
HELP = """\
Write one HTML page about a network: what was trained and with which device, its accuracy over
chips, maps of R_AH, curves, confusion, wrong answers, the engine at work, boards, and CMOS to
compare with; with each figure the command that gives it again. The page needs nothing but itself,
on a screen or in print."""
EPILOG = """\
examples:
  allspin report mnist-10
  allspin report paper-100 -o paper-100.html --chips 50
  allspin report mine.safetensors --data fashion --device mine.toml --quick
"""
CHIPS = 20
QUICK_CHIPS = 5
MAX_CHIPS = 1000
QUICK_IMAGES = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add(
        "-o",
        "--output",
        metavar="FILE.html",
        type=Path,
        default=Path("report.html"),
        help="page to write (report.html)",
    )
    add(
        "--device",
        metavar="DEVICE",
        default=PAPER,
        help=f"what the chips are made of: device file, or the name of one that ships ({PAPER})",
    )
    add("--chips", metavar="N", type=int, help=f"how many chips ({CHIPS}, quick {QUICK_CHIPS})")
    add(
        "--images",
        metavar="N",
        type=int,
        help=f"first N test images (all, quick {QUICK_IMAGES:,})",
    )
    add("--data", metavar="DIR", type=Path, help="folder of IDX files (MNIST, which ships)")
    add("--quick", action="store_true", help="fewer chips and images")
    add("--json", action="store_true", help="print path and sizes as one JSON object")


def _chips(arguments: argparse.Namespace) -> int:
    if arguments.chips is None:
        return QUICK_CHIPS if arguments.quick else CHIPS
    try:
        return check_range("--chips", arguments.chips, 1, MAX_CHIPS)
    except ValueError as error:
        raise UserError(str(error)) from error


def _subject(arguments: argparse.Namespace) -> Subject:
    chips = _chips(arguments)
    network = open_network(arguments.network)
    device = open_device(arguments.device)
    images, labels = load_test_set(arguments.data, [network])
    whole = len(images)
    count = arguments.images
    if count is None:
        count = min(QUICK_IMAGES, whole) if arguments.quick else whole
    if not 1 <= count <= whole:
        raise UserError(f"--images must be from 1 to {whole}, not {count}")
    return Subject(
        arguments.network,
        network,
        arguments.device,
        device,
        arguments.data,
        images[:count],
        labels[:count],
        count == whole,
        chips,
    )


def run(arguments: argparse.Namespace) -> int:
    """Compute, write the page, and say where it is."""
    path: Path = arguments.output
    subject = _subject(arguments)
    check_writable(path)
    steps = Steps()
    try:
        findings = find(subject, steps)
        steps.start("writing the page")
        parts = sections(findings)
        content = page(findings, parts).encode()
        write_atomically(path, content)
        steps.finish(f"{len(content) / 1000:,.0f} kB in {path}")
    finally:
        steps.stop()
    if arguments.json:
        record = {
            "path": str(path),
            "bytes": len(content),
            "sections": {one.name: len(render(section(one)).encode()) for one in parts},
            "network": arguments.network,
            "device": arguments.device,
            "chips": subject.chips,
            "images": len(subject.images),
            "commit": commit(),
        }
        say(json.dumps(record))
    else:
        say(str(path))
    return 0
