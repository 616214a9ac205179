"""The report as one HTML page, and its pictures as files for a journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import htpy as h
from markupsafe import Markup

from allspin.host.data.files import check_writable, make_folder
from allspin.host.draw.html import render, spelled
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import JOURNAL, PictureStyle
from allspin.host.draw.style import R_AH, name_text
from allspin.host.report.device_sections import chips_section, device_section, maps_section
from allspin.host.report.findings import Findings, find
from allspin.host.report.machine_sections import (
    boards_section,
    comparison_section,
    engine_section,
)
from allspin.host.report.section import ReportPicture, Section, pictures, section_element
from allspin.host.report.subject import ReportSubject
from allspin.host.report.training_sections import (
    confusion_section,
    mistakes_section,
    training_section,
)
from allspin.host.show.progress import shows_progress
from allspin.host.show.result import Result
from allspin.host.show.say import shortened
from allspin.host.show.table import Table, TableColumn
from allspin.host.show.version import commit, short_commit, version
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import tiles_of

CSS = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy: the page loads only its own content."""
SECTIONS = (
    training_section,
    device_section,
    chips_section,
    maps_section,
    confusion_section,
    mistakes_section,
    engine_section,
    boards_section,
    comparison_section,
)
"""Sections in the order of the page."""
OF_IMAGES = (training_section, chips_section, confusion_section)
"""Sections whose pictures depend on the number of test images."""
LONGEST_SUBTITLE = 120
"""Most characters of a picture's second line."""


def _head(title: str) -> h.Element:
    return h.head[
        h.meta(charset="utf-8"),
        h.meta(name="viewport", content="width=device-width, initial-scale=1"),
        h.meta(http_equiv="Content-Security-Policy", content=POLICY),
        h.meta(name="color-scheme", content="light dark"),
        h.link(rel="icon", href="data:,"),
        h.title[title],
        h.style[Markup("\n" + CSS.read_text(encoding="utf-8"))],
    ]


def _summary(subject: ReportSubject) -> str:
    network = subject.network
    states = sorted({len(layer.levels) for layer in network.layers})
    counts = " and ".join(map(str, states))
    parts = [
        "-".join(map(str, network.topology)),
        f"{counts} states",
        f"{network.neuron.name} neurons",
    ]
    for tiles in dict.fromkeys(tiles_of(network)):
        if tiles is not None:
            parts.append(tiles.text)
    data = subject.data_name
    if subject.some:
        data += f", {subject.some}"
    parts += [data, f"device {subject.device.name}"]
    return " \N{MIDDLE DOT} ".join(parts)


def _key_figures(findings: Findings) -> dict[str, str]:
    """Return the figures at the top of the page by their labels."""
    subject = findings.subject
    chips = "1 chip" if subject.chips == 1 else f"{subject.chips} chips"
    figures = {
        "test accuracy": f"{100 * findings.accuracy:.2f} %",
        f"on {chips} that vary, calibrated": f"{findings.chips[-1].percent} %",
    }
    if not isinstance(findings.engine, str):
        cycles = findings.engine.cycles / len(subject.images)
        figures["cycles per image in gateware"] = f"{cycles:.1f}"
        figures[f"of {findings.logits.size:,} logits differ"] = f"{findings.mismatches:,}"
    return figures


def _footer() -> h.Element:
    made_by = f"Made by allspin {version() or ''}".rstrip()
    revision = commit()
    if revision is not None:
        made_by += f", commit {short_commit(revision)}"
    title = (
        "All-Spin Artificial Neural Network Based on Spin-Orbit Torque-Induced "
        "Magnetization Switching"
    )
    text = h.p[
        made_by,
        ". The network and its devices follow Cao, Zhang, Hou, Duan and You, ",
        h.cite[title],
        ", IEEE Transactions on Electron Devices, 2023.",
    ]
    return h.footer[text]


def page(findings: Findings, sections: Sequence[Section]) -> str:
    """Return the whole page.

    Parameters
    ----------
    findings : Findings
        Results of the report.
    sections : sequence of Section
        Sections in order.
    """
    subject = findings.subject
    figures = _key_figures(findings)
    links = [h.li[h.a(href=f"#{one.name}")[spelled(one.title)]] for one in sections]
    header = h.header[
        h.p(class_="kind")["allspin report"],
        h.h1[subject.title],
        h.p(class_="summary")[_summary(subject)],
        h.dl(class_="key")[[h.div[h.dt[name], h.dd[text]] for name, text in figures.items()]],
    ]
    columns = h.div(class_="columns")[
        h.nav(aria_label="Sections")[h.ol[links]],
        h.main(id="main", tabindex=-1)[[section_element(one) for one in sections]],
    ]
    skip = h.a(class_="skip", href="#main")["Skip to the report"]
    body = h.body[skip, header, columns, _footer()]
    head = _head(f"{subject.title}: allspin report")
    return f"{render(h.html(lang='en')[head, body])}\n"


@dataclass(frozen=True, eq=False)
class Report(Result):
    """Page that has been written.

    Attributes
    ----------
    path : Path
        File of the page.
    subject : ReportSubject
        Subject of the report.
    bytes : int
        Size of the page.
    sections : dict of str to int
        Sizes of its sections in bytes, by name, in the order of the page.
    """

    path: Path
    subject: ReportSubject
    bytes: int
    sections: dict[str, int]

    def tables(self) -> list[Table]:
        """Return the sizes of the sections."""
        columns = (TableColumn("section"), TableColumn("size", "bytes"))
        return [Table(str(self.path), columns, list(self.sections.items()))]

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``allspin report --json`` prints; see ``docs/formats.md``."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "sections": self.sections,
            "network": self.subject.name,
            "device": self.subject.device_name,
            "chips": self.subject.chips,
            "images": len(self.subject.images),
            "commit": commit(),
        }


@shows_progress
def report(
    subject: ReportSubject | str | Path | Network,
    path: str | Path = "report.html",
    *,
    progress: Any = None,
) -> Report:
    """Write one HTML page about a network: its training, accuracy, gateware and cost.

    Parameters
    ----------
    subject : ReportSubject, str, Path or Network
        Subject (`ReportSubject.open`); or a network, its file, or the name of one that ships, on
        chips of the paper's devices.
    path : str or Path
        File of the page.
    progress : Display or bool, optional
        Display of the steps: by default a bar, in a terminal or a notebook.

    Raises
    ------
    UserError
        If the network cannot be read, or the page cannot be written.
    """
    if not isinstance(subject, ReportSubject):
        subject = ReportSubject.open(subject)
    path = Path(path)
    check_writable(path)
    findings = find(subject, progress)
    progress.start("writing the page")
    sections = [make(findings) for make in SECTIONS]
    content = page(findings, sections).encode()
    write_atomically(path, content)
    progress.finish(f"{len(content) / 1000:,.0f} kB in {path}")
    sizes = {}
    for section in sections:
        element = render(section_element(section))
        sizes[section.name] = len(element.encode())
    return Report(path, subject, len(content), sizes)


def _journal_files(
    drawn: ReportPicture, subtitle: str, folder: Path, name: str, style: PictureStyle
) -> list[Path]:
    """Write one picture with a subtitle, and its note for the caption."""
    picture = drawn.picture
    second = name_text(shortened(subtitle, LONGEST_SUBTITLE))
    picture.suptitle(f"{picture.get_suptitle()}\n{second}", x=0.01, ha="left")
    if style.journal:
        # A text at the left edge becomes a part of the caption.
        picture.text(0, 0, drawn.note.replace("R_AH", R_AH), ha="left")
    return save_picture(picture, folder, name, style)


def figures(
    subjects: Sequence[ReportSubject],
    folder: str | Path,
    style: PictureStyle = JOURNAL,
    *,
    progress: Any = None,
) -> list[Path]:
    """Write the pictures of reports as files for a journal, each with its caption in LaTeX.

    Parameters
    ----------
    subjects : sequence of ReportSubject
        Subjects; with several, the names of the files begin with the network's.
    folder : str or Path
        Folder for the files, which is made.
    style : PictureStyle
        Style of the pictures.
    progress : Display or bool, optional
        Display of the steps.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If two networks have the same name, or a file cannot be written.
    """
    prefixes = [f"{subject.title}-" if len(subjects) > 1 else "" for subject in subjects]
    if len(set(prefixes)) < len(prefixes) > 1:
        raise UserError("two networks have the same name, so that their pictures would, too")
    folder = Path(folder)
    make_folder(folder)
    paths = []
    for prefix, subject in zip(prefixes, subjects, strict=True):
        findings = find(subject, progress)
        about = f"network {subject.title}, device {subject.device.name}"
        for make in SECTIONS:
            subtitle = about
            if make in OF_IMAGES and subject.some:
                subtitle = f"{subject.some}, {about}"
            for drawn in pictures(make(findings).body):
                paths += _journal_files(drawn, subtitle, folder, f"{prefix}{drawn.name}", style)
    return paths
