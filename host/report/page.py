"""The page: head, key figures, contents, sections, foot."""

from collections.abc import Sequence
from pathlib import Path

from allspin.host.data.revision import commit, version
from allspin.host.report.findings import Findings
from allspin.host.report.markup import Content, Markup, join, spelled, tag
from allspin.host.report.section import Section, section
from allspin.host.report.sections.boards import boards
from allspin.host.report.sections.chips import chips, spread
from allspin.host.report.sections.comparison import comparison
from allspin.host.report.sections.confusion import confusion
from allspin.host.report.sections.devices import devices
from allspin.host.report.sections.engine import engine
from allspin.host.report.sections.maps import maps
from allspin.host.report.sections.mistakes import mistakes
from allspin.host.report.sections.trained import trained

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: nothing but what it holds."""
SECTIONS = (trained, devices, chips, maps, confusion, mistakes, engine, boards, comparison)
"""Sections in the order of the page; one that has nothing to say returns None."""


def sections(findings: Findings) -> list[Section]:
    """All sections of a report."""
    return [made for make in SECTIONS if (made := make(findings)) is not None]


def _key_figures(findings: Findings) -> Markup:
    figures = [("test images right", f"{100 * findings.accuracy:.2f} %")]
    last = findings.chips[-1]
    chips_ = f"{findings.subject.chips} chip{'s' if findings.subject.chips > 1 else ''}"
    figures.append((f"on {chips_} that vary, calibrated", spread(last)))
    if not isinstance(findings.engine, str):
        figures.append(("clocks an image in gateware", f"{findings.engine.cycles_per_image:.1f}"))
        figures.append(
            (f"of {findings.engine.logits:,} logits differ", f"{findings.engine.mismatches:,}")
        )
    return tag(
        "dl",
        [tag("div", tag("dt", name), tag("dd", value)) for name, value in figures],
        class_="key",
    )


def _head(title: str) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup("\n" + STYLE.read_text(encoding="utf-8"))),
    )


def _foot(findings: Findings) -> Markup:
    about = "Made by allspin"
    if (number := version()) is not None:
        about += f" {number}"
    if (revision := commit()) is not None:
        about += f", commit {revision[:12]}"
    return tag(
        "footer",
        tag(
            "p",
            about,
            ". The network and its devices follow Cao, Zhang, Hou, Duan and You, ",
            tag(
                "cite",
                "All-Spin Artificial Neural Network Based on Spin-Orbit Torque-Induced "
                "Magnetization Switching",
            ),
            ", IEEE Transactions on Electron Devices, 2023.",
        ),
    )


def page(findings: Findings, parts: Sequence[Section]) -> str:
    """The whole page.

    Parameters
    ----------
    findings : Findings
        What was found.
    parts : sequence of Section
        Of `sections`.
    """
    subject, network = findings.subject, findings.subject.network
    states = " and ".join(map(str, sorted({len(layer.levels) for layer in network.layers})))
    summary: Content = [
        "-".join(map(str, network.topology)),
        f" \N{MIDDLE DOT} {states} states \N{MIDDLE DOT} {network.neuron.name} neurons",
        f" \N{MIDDLE DOT} {subject.data_name} \N{MIDDLE DOT} device {subject.device.name}",
    ]
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        tag(
            "header",
            tag("p", "allspin report", class_="kind"),
            tag("h1", subject.title),
            tag("p", summary, class_="summary"),
            _key_figures(findings),
        ),
        tag(
            "div",
            tag(
                "nav",
                tag(
                    "ol",
                    [tag("li", tag("a", spelled(one.title), href=f"#{one.name}")) for one in parts],
                ),
                aria_label="Sections",
            ),
            tag("main", [section(one) for one in parts], id="main", tabindex=-1),
            class_="columns",
        ),
        _foot(findings),
    )
    whole = tag("html", _head(f"{subject.title}: allspin report"), body, lang="en")
    return f"<!DOCTYPE html>\n{join(whole)}\n"
