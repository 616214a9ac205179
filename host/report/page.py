"""A report of one network: the sections about the network itself, and the page of all sections."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

import htpy as h
import numpy as np
from markupsafe import Markup

from allspin.host.charts.confusion import confusion_counts, confusion_matrix
from allspin.host.charts.learning_curve import PHASES, learning_curve
from allspin.host.charts.row_charts import bars
from allspin.host.data.files import check_writable, make_folder
from allspin.host.draw.html import image, render, spelled
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import JOURNAL, PictureStyle
from allspin.host.draw.style import R_AH, name_text
from allspin.host.keywords import takes
from allspin.host.report.device_sections import chips, devices, maps
from allspin.host.report.findings import Findings, ReportSubject, find, train_command
from allspin.host.report.machine_sections import boards, comparison, engine
from allspin.host.report.section import (
    Drawn,
    Section,
    facts,
    numbers,
    paragraph,
    pictures,
    section,
    tiles,
)
from allspin.host.show.say import shortened
from allspin.host.show.table import Table, TableColumn, short
from allspin.host.show.version import commit, short_commit, version
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import tiles_of
from allspin.sim.parameters import Shown

SHOWN = 120
"""Wrong answers that are drawn at most."""
WORST_SHOWN = 5
"""Pairs of classes that the text names."""
LOSSES = (1e-12, 1e12)
"""Nats. What is beyond is no loss of a training, and no chart has room for it."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a network's provenance is a finite number; true and false are none.

    Integers of a file may be larger than any number of the page, which are floats.
    """
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # type: ignore[arg-type]


def _is_share(value: object) -> TypeGuard[float]:
    return is_number(value) and 0 <= value <= 1


def told_curve(provenance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The epochs that a network's provenance tells of; none if it tells anything else."""
    curve = provenance.get("curve", [])
    told = isinstance(curve, list) and all(
        isinstance(epoch, Mapping)
        and is_number(epoch.get("loss"))
        and LOSSES[0] <= epoch["loss"] <= LOSSES[1]
        and _is_share(epoch.get("validation_accuracy"))
        for epoch in curve
    )
    return curve if told else []


def _learning(findings: Findings) -> h.Node:
    epochs = told_curve(findings.subject.network.provenance)
    if len(epochs) < 2:
        return paragraph("The network's file holds no learning curve, so none is drawn.")
    kept = findings.subject.network.provenance.get("validation_accuracy")
    columns = (
        TableColumn("epoch"),
        TableColumn("computed with"),
        TableColumn("loss", "nats", form=".3f"),
        TableColumn("error", "%", form=".2f"),
    )
    rows = [
        (
            place,
            PHASES.get(str(epoch.get("phase")), str(epoch.get("phase"))),
            float(epoch["loss"]),
            100.0 * (1 - epoch["validation_accuracy"]),
        )
        for place, epoch in enumerate(epochs, 1)
    ]
    picture = learning_curve(epochs, kept if _is_share(kept) else None, findings.accuracy)
    return Drawn("learning", picture, [Table("loss and error, epoch by epoch", columns, rows)])


def _share(value: object) -> str | None:
    return f"{100 * value:.2f} %" if _is_share(value) else None


def _model(model: object) -> str | None:
    """The model of another tool that a network comes from."""
    if not isinstance(model, Mapping) or not isinstance(model.get("name"), str):
        return None
    accuracy = _share(model.get("accuracy"))
    return f"{model['name']}{f', {accuracy} in floating point' if accuracy else ''}"


def trained(findings: Findings) -> Section:
    """What was trained, on what, and how well it learnt."""
    subject, network = findings.subject, findings.subject.network
    provenance = network.provenance
    options, data = (
        given if isinstance(given := provenance.get(name), Mapping) else {}
        for name in ("options", "data")
    )
    noise = options.get("noise")
    neuron = ", ".join(f"{name} {value:g}" for name, value in asdict(network.neuron).items())
    states = sorted({len(layer.levels) for layer in network.layers})
    levels = ", ".join(map(str, network.layers[0].levels.tolist()))
    about = {
        "Network": subject.name,
        "Topology": "-".join(map(str, network.topology)),
        "Crossbars": network.crossbars,
        "States of a synapse": " and ".join(map(str, states)),
        "Words of the states": levels
        if len(levels) < 120
        else f"{levels[:110]} \N{HORIZONTAL ELLIPSIS}",
        "Neuron": f"{network.neuron.name}{f': {neuron}' if neuron else ''}"
        if len(network.layers) > 1
        else "none",
        "Bits": f"pixels {network.pixel_bits}, activations {network.hidden_bits}, "
        f"R_AH words {network.rah_bits}, currents {network.current_bits}",
        "Imported from": _model(provenance.get("model")),
        "Trained on": data.get("name") and str(data["name"]),
        "Trained for": f"the device {options['device']}" if options.get("device") else None,
        "Noise in training": f"{short(noise)} of the range" if is_number(noise) else None,
        "Seed": str(options["seed"]) if options.get("seed") is not None else None,
        "Validation accuracy": _share(provenance.get("validation_accuracy")),
        "Test accuracy": f"{100 * findings.accuracy:.2f} % of {len(subject.images):,} "
        f"({subject.data_name})",
        "Ended": "before its time, by hand" if provenance.get("interrupted") is True else None,
    }
    files = {subject.device.name: subject.device_name}
    if subject.data is not None:
        files[subject.data_name] = str(subject.data)
    train = train_command(provenance, subject.title, files)
    commands = [*([train] if train else []), subject.command("run")]
    return Section("trained", "What was trained", [facts(about), _learning(findings)], commands)


def confusion(findings: Findings) -> Section:
    """Which class is taken for which, and how well each does."""
    labels, answers = findings.subject.labels, findings.answers
    classes = findings.subject.network.classes
    counts = confusion_counts(labels, answers, classes)
    totals, right = counts.sum(axis=1), np.diag(counts)
    pairs = sorted((-count, *pair) for pair, count in np.ndenumerate(counts) if count)
    named = [f"{row} for {column} ({-count})" for count, row, column in pairs if row != column]
    said = f"{int((totals - right).sum()):,} of {len(answers):,} images got a wrong answer."
    if len(named) > 1:
        said += f" Most often the machine took {', '.join(named[:WORST_SHOWN])}."
    shares = {
        str(label): 100 * float(1 - right[label] / totals[label])
        for label in np.flatnonzero(totals)
    }
    label = "images of the class with a wrong answer (%)"
    return Section(
        "confusion",
        "Confusion",
        [
            paragraph(said),
            Drawn(
                "confusion-matrix",
                confusion_matrix(labels, answers, classes),
                [
                    Table(
                        "Images by label (rows) and answer (columns)",
                        [
                            TableColumn("label"),
                            *(TableColumn(f"{label}") for label in range(classes)),
                        ],
                        [(label, *row) for label, row in enumerate(counts.tolist())],
                    )
                ],
            ),
            Drawn(
                "confusion-classes",
                bars("Wrong answers, class by class", shares, label, ".1f"),
                [
                    Table(
                        "wrong answers, class by class",
                        (
                            TableColumn("class"),
                            TableColumn("images"),
                            TableColumn("wrong"),
                            TableColumn("wrong", "%", form=".1f"),
                        ),
                        [
                            (name, int(totals[int(name)]), int((totals - right)[int(name)]), share)
                            for name, share in shares.items()
                        ],
                    )
                ],
            ),
        ],
        [findings.subject.command("run", "--logits", "logits.npy")],
    )


def mistakes(findings: Findings) -> Section:
    """The images that got a wrong answer, with label and answer."""
    subject, answers = findings.subject, findings.answers
    commands = [subject.command("run", "--logits", "logits.npy")]
    wrong = np.flatnonzero(answers != subject.labels).tolist()
    if not wrong:
        said = f"All {len(subject.images):,} images got the right answer."
        return Section("mistakes", "Wrong answers", paragraph(said), commands)
    first = wrong[:SHOWN]
    pixels = subject.images[first]
    # Colours as they are; grey, and the mean of other channels, dark on light, as ink.
    if pixels.shape[3:] != (3,):
        pixels = 255 - pixels.reshape(*pixels.shape[:3], -1).mean(axis=3).astype(np.uint8)
    shown = [
        (
            image(each, f"Image {number}: label {label}, answer {answer}"),
            [h.b[f"{label}"], " \N{RIGHTWARDS ARROW} ", h.i[f"{answer}"]],
        )
        for number, label, answer, each in zip(
            first, subject.labels[first], answers[first], pixels, strict=True
        )
    ]
    names = ("image", "label", "answer", "logit of the answer", "logit of the label")
    rows = [
        (
            number,
            *(label := int(subject.labels[number]), answer := int(answers[number])),
            *(int(findings.logits[number, answer]), int(findings.logits[number, label])),
        )
        for number in wrong
    ]
    some = "All" if len(shown) == len(wrong) else f"The first {len(shown)} of"
    return Section(
        "mistakes",
        "Wrong answers",
        [
            paragraph(
                f"{some} {len(wrong):,} images that got a wrong answer, as they stand in the test "
                "set. Below each: its label, and what the machine took it for."
            ),
            tiles("digits", shown),
            numbers(Table("the images with a wrong answer", [*map(TableColumn, names)], rows)),
        ],
        commands,
    )


STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: nothing but what it holds."""
SECTIONS = (trained, devices, chips, maps, confusion, mistakes, engine, boards, comparison)
"""Sections in the order of the page."""
OF_IMAGES = (trained, chips, confusion)
"""Those whose pictures are of all the images that the page is of."""


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
        f"{subject.data_name}{subject.some and f', {subject.some}'}",
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
                f"{made_by}{'' if revision is None else f', commit {short_commit(revision)}'}",
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
class Report(Shown):
    """A page that has been written.

    Attributes
    ----------
    path : Path
        Where it is.
    subject : ReportSubject
        What it is about.
    bytes : int
        Its size.
    sections : dict of str to int
        Sizes of its sections in bytes, by name, in the order of the page.
    """

    path: Path
    subject: ReportSubject
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


def figures(
    subjects: Sequence[ReportSubject],
    folder: str | Path,
    style: PictureStyle = JOURNAL,
    *,
    progress: Any = None,
) -> list[Path]:
    """Write the pictures of reports as files for a journal, each with its caption as LaTeX.

    Parameters
    ----------
    subjects : sequence of ReportSubject
        What they are about; of several, the files' names begin with the network's.
    folder : str or Path
        Where to; it is made.
    style : PictureStyle
        How pictures style.
    progress : Display or bool, optional
        Shows how far it is.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If two networks have the same name, or a file cannot be written.
    """
    names = [f"{subject.title}-" if len(subjects) > 1 else "" for subject in subjects]
    if len(set(names)) < len(names) > 1:
        raise UserError("two networks have the same name, so that their pictures would, too")
    make_folder(folder := Path(folder))
    made = []
    for name, subject in zip(names, subjects, strict=True):
        findings = find(subject, progress)
        told = f"network {subject.title}, device {subject.device.name}"
        for make in SECTIONS:
            some = f"{subject.some}, " if make in OF_IMAGES and subject.some else ""
            for drawn in pictures(make(findings).body):
                picture = drawn.picture
                title = f"{picture.get_suptitle()}\n{name_text(shortened(some + told, 120))}"
                picture.suptitle(title, x=0.01, ha="left")
                if style.journal:  # the note below it becomes a part of its caption
                    picture.text(0, 0, drawn.said.replace("R_AH", R_AH), ha="left")
                made += save_picture(picture, folder, f"{name}{drawn.name}", style)
    return made


@takes(subject=ReportSubject.open)
def report(
    subject: ReportSubject | str | Path | Network,
    path: str | Path = "report.html",
    *,
    progress: Any = None,
    **keywords: Any,
) -> Report:
    """Write one HTML page of what a network is, does and costs.

    Parameters
    ----------
    subject : ReportSubject, str, Path or Network
        What it is about (`ReportSubject.open`); or a network, its file, or
        the name of one that ships, on chips of the paper's devices.
    path : str or Path
        The page.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.
    **keywords
        What ``allspin report`` has: ``report("mnist-10", chips=5, device="mine.toml")``.

    Raises
    ------
    UserError
        If there is no such network, or the page cannot be written.
    """
    subject = subject if isinstance(subject, ReportSubject) else ReportSubject.open(subject)
    path = Path(path)
    check_writable(path)
    findings = find(subject, progress)
    progress.start("writing the page")
    parts = [make(findings) for make in SECTIONS]
    content = page(findings, parts).encode()
    write_atomically(path, content)
    progress.finish(f"{len(content) / 1000:,.0f} kB in {path}")
    sizes = {one.name: len(render(section(one)).encode()) for one in parts}
    return Report(path, subject, len(content), sizes)
