"""The page: head, key figures, contents, sections, foot."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import htpy as h
from markupsafe import Markup

from allspin.host.data.files import check_writable
from allspin.host.draw.cards import render, spelled
from allspin.host.report.device_sections import chips, devices, maps
from allspin.host.report.machine_sections import boards, comparison, engine
from allspin.host.report.network_sections import confusion, mistakes, trained
from allspin.host.report.section import Section, section
from allspin.host.report.subject import Findings, Subject, find
from allspin.host.show.say import Display, Silent, commit, short, version
from allspin.sim.files import write_atomically
from allspin.sim.network.network import Network, tiles_of

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: nothing but what it holds."""
SECTIONS = (trained, devices, chips, maps, confusion, mistakes, engine, boards, comparison)
"""Sections in the order of the page."""


def page(findings: Findings, parts: Sequence[Section]) -> str:
    """The whole page.

    Parameters
    ----------
    findings : Findings
        What was found.
    parts : sequence of Section
        In order.
    """
    subject, network = findings.subject, findings.subject.network
    title = f"{subject.title}: allspin report"
    states = " and ".join(map(str, sorted({len(layer.levels) for layer in network.layers})))
    cut = [each.text for each in dict.fromkeys(tiles_of(network)) if each is not None]
    summary = [
        "-".join(map(str, network.topology)),
        f"{states} states",
        f"{network.neuron.name} neurons",
        *cut,
        subject.data_name,
        f"device {subject.device.name}",
    ]
    chips_ = f"{subject.chips} chip{'s' if subject.chips > 1 else ''}"
    figures = {
        "test accuracy": f"{100 * findings.accuracy:.2f} %",
        f"on {chips_} that vary, calibrated": f"{findings.chips[-1].figure} %",
    }
    if not isinstance(findings.engine, str):
        cycles = findings.engine.cycles / len(subject.images)
        figures["cycles per image in gateware"] = f"{cycles:.1f}"
        figures[f"of {findings.logits.size:,} logits differ"] = f"{findings.mismatches:,}"
    made_by = f"Made by allspin {version() or ''}".rstrip()
    revision = commit()
    head = h.head[
        h.meta(charset="utf-8"),
        h.meta(name="viewport", content="width=device-width, initial-scale=1"),
        h.meta(http_equiv="Content-Security-Policy", content=POLICY),
        h.meta(name="color-scheme", content="light dark"),
        h.link(rel="icon", href="data:,"),
        h.title[title],
        h.style[Markup("\n" + STYLE.read_text(encoding="utf-8"))],
    ]
    body = h.body[
        h.a(class_="skip", href="#main")["Skip to the report"],
        h.header[
            h.p(class_="kind")["allspin report"],
            h.h1[subject.title],
            h.p(class_="summary")[" \N{MIDDLE DOT} ".join(summary)],
            h.dl(class_="key")[[h.div[h.dt[name], h.dd[said]] for name, said in figures.items()]],
        ],
        h.div(class_="columns")[
            h.nav(aria_label="Sections")[
                h.ol[[h.li[h.a(href=f"#{one.name}")[spelled(one.title)]] for one in parts]]
            ],
            h.main(id="main", tabindex=-1)[[section(one) for one in parts]],
        ],
        h.footer[
            h.p[
                f"{made_by}{'' if revision is None else f', commit {short(revision)}'}",
                ". The network and its devices follow Cao, Zhang, Hou, Duan and You, ",
                h.cite[
                    "All-Spin Artificial Neural Network Based on Spin-Orbit Torque-Induced "
                    "Magnetization Switching"
                ],
                ", IEEE Transactions on Electron Devices, 2023.",
            ]
        ],
    ]
    return f"{render(h.html(lang='en')[head, body])}\n"


@dataclass(frozen=True, eq=False)
class Report:
    """A page that has been written.

    Attributes
    ----------
    path : Path
        Where it is.
    subject : Subject
        What it is about.
    bytes : int
        Its size.
    sections : dict of str to int
        Sizes of its sections in bytes, by name, in the order of the page.
    """

    path: Path
    subject: Subject
    bytes: int
    sections: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """As ``allspin report --json`` prints it; see ``docs/formats.md``."""
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


def report(
    subject: Subject | str | Path | Network,
    path: str | Path = "report.html",
    *,
    display: Display | None = None,
) -> Report:
    """Write one HTML page of what a network is, does and costs.

    Parameters
    ----------
    subject : Subject, str, Path or Network
        What it is about (`allspin.host.report.subject.Subject.open`); or a network, its file, or
        the name of one that ships, on chips of the paper's devices.
    path : str or Path
        The page.
    display : Display, optional
        Shows the steps.

    Raises
    ------
    UserError
        If there is no such network, or the page cannot be written.
    """
    subject = subject if isinstance(subject, Subject) else Subject.open(subject)
    path = Path(path)
    check_writable(path)
    display = display or Silent()
    findings = find(subject, display)
    display.start("writing the page")
    parts = [make(findings) for make in SECTIONS]
    content = page(findings, parts).encode()
    write_atomically(path, content)
    display.finish(f"{len(content) / 1000:,.0f} kB in {path}")
    sizes = {one.name: len(render(section(one)).encode()) for one in parts}
    return Report(path, subject, len(content), sizes)
