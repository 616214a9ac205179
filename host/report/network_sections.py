"""What was trained."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import htpy as h
import numpy as np
import numpy.typing as npt

from allspin.host.draw.accuracy import PHASES
from allspin.host.report.charts import Bar, Chart, bars_chart, figure
from allspin.host.report.lines import Guides, Series, lines_chart
from allspin.host.report.section import Section, facts, paragraph
from allspin.host.report.subject import Findings, is_number, train_command
from allspin.host.report.tables import Table, number, numbers
from allspin.sim.drawing import Axis, data_address

# Confusion: which class is taken for which.

FITTING = 10
"""Classes whose matrix fits a phone."""
WORST_SHOWN = 5
"""Pairs of classes that the text names."""


def confusion_counts(findings: Findings) -> npt.NDArray[np.int64]:
    """Images of each class (rows) that got each answer (columns)."""
    classes = findings.subject.network.classes
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (findings.subject.labels, findings.answers), 1)
    return counts


def _matrix(counts: npt.NDArray[np.int64]) -> h.Element:
    """The matrix as a table whose cells are shaded by how often an answer was wrong."""
    off = counts.astype(np.float64)
    np.fill_diagonal(off, 0)
    most = np.sqrt(max(1.0, off.max()))

    def cell(row: int, column: int) -> h.Element:
        count = int(counts[row, column])
        if row == column:
            return h.td(class_="right")[count]
        if not count:
            return h.td(class_="none")["·"]
        share = np.sqrt(count) / most
        return h.td(class_="wrong", style=f"--share: {share:.2f}")[count]

    classes = range(len(counts))
    head = h.tr[h.td, [h.th(scope="col")[column] for column in classes]]
    rows = [
        h.tr[h.th(scope="row")[row], [cell(row, column) for column in classes]] for row in classes
    ]
    kind = "matrix fits" if len(counts) <= FITTING else "matrix"
    title = "Images by label (rows) and answer (columns)"
    return h.div(class_="scroll whole", role="region", aria_label=title, tabindex=0)[
        h.table(class_=kind)[h.caption[title], h.thead[head], h.tbody[rows]]
    ]


def confusion(findings: Findings) -> Section:
    """Which class is taken for which, and how well each does."""
    counts = confusion_counts(findings)
    totals = counts.sum(axis=1)
    wrong = int(counts.sum() - np.trace(counts))
    pairs = sorted(
        (
            (int(counts[row, column]), row, column)
            for row, column in np.argwhere(counts)
            if row != column
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )[:WORST_SHOWN]
    named = ", ".join(f"{row} for {column} ({count})" for count, row, column in pairs)
    some = [label for label in range(len(counts)) if totals[label]]
    shares = [100 * (1 - counts[label, label] / totals[label]) for label in some]
    bars = [
        Bar(f"{label}", [share], f"{share:.1f} %")
        for label, share in zip(some, shares, strict=True)
    ]
    worst = some[int(np.argmax(shares))]
    said = f"{wrong:,} of {len(findings.answers):,} images got a wrong answer."
    if len(pairs) > 1:
        said += f" Most often the machine took {named}."
    return Section(
        "confusion",
        "Confusion",
        [
            paragraph(said),
            _matrix(counts),
            h.p(class_="note")[
                "Bold: right answers. Shaded: wrong ones, the stronger the more there are."
            ],
            figure(
                Chart(
                    "confusion-classes",
                    "Wrong answers, class by class",
                    f"A bar for each of {len(some)} classes; the longest is class {worst} "
                    f"with {max(shares):.1f} percent.",
                    bars_chart(bars, "images of the class with a wrong answer (%)"),
                ),
                [
                    Table(
                        "wrong answers, class by class",
                        ("class", "images", "wrong", "wrong (%)"),
                        [
                            (
                                f"{label}",
                                int(totals[label]),
                                int(totals[label] - counts[label, label]),
                                float(share),
                            )
                            for label, share in zip(some, shares, strict=True)
                        ],
                    )
                ],
            ),
        ],
        [findings.subject.command("run", "--logits", "logits.npy")],
    )


# The images that got a wrong answer.

SHOWN = 120
"""Images drawn at most."""


def _tile(findings: Findings, image: int) -> h.Element:
    grey = findings.subject.images[image]
    label, answer = findings.subject.labels[image], findings.answers[image]
    alt = f"Image {image}: label {label}, answer {answer}"
    height, width = grey.shape
    return h.figure(class_="tile")[
        h.img(src=data_address(255 - grey), alt=alt, width=width, height=height),
        h.figcaption[h.b[f"{label}"], " \N{RIGHTWARDS ARROW} ", h.i[f"{answer}"]],
    ]


def mistakes(findings: Findings) -> Section:
    """The images that got a wrong answer, with label and answer."""
    subject = findings.subject
    wrong = np.flatnonzero(findings.answers != subject.labels)
    if not len(wrong):
        return Section(
            "mistakes",
            "Wrong answers",
            paragraph(f"All {len(subject.images):,} images got the right answer."),
            [subject.command("run", "--logits", "logits.npy")],
        )
    shown = wrong[:SHOWN]
    some = "All" if len(shown) == len(wrong) else f"The first {len(shown)} of"
    rows = [
        (
            f"{image}",
            int(subject.labels[image]),
            int(findings.answers[image]),
            int(findings.logits[image, findings.answers[image]]),
            int(findings.logits[image, subject.labels[image]]),
        )
        for image in wrong
    ]
    return Section(
        "mistakes",
        "Wrong answers",
        [
            paragraph(
                f"{some} {len(wrong):,} images that got a wrong answer, as they stand in the test "
                "set. Below each: its label, and what the machine took it for."
            ),
            h.div(class_="tiles digits")[[_tile(findings, int(image)) for image in shown]],
            numbers(
                Table(
                    "the images with a wrong answer",
                    ("image", "label", "answer", "logit of the answer", "logit of the label"),
                    rows,
                )
            ),
        ],
        [subject.command("run", "--logits", "logits.npy")],
    )


Epoch = tuple[str, float, float]
"""Phase, loss and share of the validation images right."""
LOSSES = (1e-12, 1e12)
"""Nats. What is beyond is no loss of a training, and no chart has room for it."""
SMALLEST_ERROR = 0.01
"""Percent that stand for an error of none, on a logarithmic axis."""


def learning_curve(provenance: Mapping[str, Any]) -> list[Epoch]:
    """The epochs that a network's provenance tells of; none if it tells anything else."""
    curve = provenance.get("curve")
    epochs: list[Epoch] = []
    for record in curve if isinstance(curve, list) else []:
        if not isinstance(record, Mapping):
            return []
        loss, accuracy = record.get("loss"), record.get("validation_accuracy")
        if not (is_number(loss) and LOSSES[0] <= loss <= LOSSES[1]):
            return []
        if not (is_number(accuracy) and 0 <= accuracy <= 1):
            return []
        epochs.append((str(record.get("phase")), loss, accuracy))
    return epochs


def _phases(epochs: list[Epoch]) -> list[tuple[float, float, str]]:
    spans: list[tuple[float, float, str]] = []
    for number_, (phase, *_) in enumerate(epochs, 1):
        name = PHASES.get(phase, phase)
        if spans and spans[-1][2] == name:
            spans[-1] = (spans[-1][0], number_ + 0.5, name)
        else:
            spans.append((number_ - 0.5, number_ + 0.5, name))
    return spans


def _charts(epochs: list[Epoch]) -> h.Node:
    if len(epochs) < 2:
        return None
    count = range(1, len(epochs) + 1)
    x = Axis("epoch", ends=(0.5, len(epochs) + 0.5))
    spans = Guides(spans=_phases(epochs))
    errors = [max(100 * (1 - accuracy), SMALLEST_ERROR) for *_, accuracy in epochs]
    losses = [loss for _, loss, _ in epochs]

    def table(title: str, column: str, values: list[float]) -> Table:
        rows = [
            (f"{place}", PHASES.get(epoch[0], epoch[0]), value)
            for place, (epoch, value) in enumerate(zip(epochs, values, strict=True), 1)
        ]
        return Table(title, ("epoch", "computed with", column), rows)

    best = min(errors)
    return [
        figure(
            Chart(
                "learning-error",
                "Error of the validation images, epoch by epoch",
                f"A line over {len(epochs)} epochs; it starts at {errors[0]:.2f} percent, its "
                f"lowest is {best:.2f} percent, and it ends at {errors[-1]:.2f} percent.",
                lines_chart(
                    [Series("error", count, errors, marked=False)],
                    x,
                    Axis("error (%), logarithmic", log=True),
                    spans,
                ),
            ),
            [table("error, epoch by epoch", "error (%)", [100 * (1 - e[2]) for e in epochs])],
        ),
        figure(
            Chart(
                "learning-loss",
                "Training loss, epoch by epoch",
                f"A line over {len(epochs)} epochs, from {losses[0]:.3f} to {losses[-1]:.3f} nats.",
                lines_chart(
                    [Series("loss", count, losses, marked=False)],
                    x,
                    Axis("loss (nats), logarithmic", log=True),
                    spans,
                    height=180,
                ),
            ),
            [table("loss, epoch by epoch", "loss (nats)", losses)],
        ),
    ]


def _share(value: object) -> str | None:
    return f"{100 * value:.2f} %" if is_number(value) and 0 <= value <= 1 else None


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
    options = provenance.get("options")
    options = options if isinstance(options, Mapping) else {}
    noise = options.get("noise")
    data = provenance.get("data")
    data = data if isinstance(data, Mapping) else {}
    neuron = ", ".join(f"{name} {value:g}" for name, value in asdict(network.neuron).items())
    hidden = len(network.layers) > 1
    states = sorted({len(layer.levels) for layer in network.layers})
    levels = ", ".join(map(str, network.layers[0].levels.tolist()))
    about: dict[str, h.Node] = {
        "Network": subject.name,
        "Topology": "-".join(map(str, network.topology)),
        "States of a synapse": " and ".join(map(str, states)),
        "Words of the states": levels
        if len(levels) < 120
        else f"{levels[:110]} \N{HORIZONTAL ELLIPSIS}",
        "Neuron": f"{network.neuron.name}{f': {neuron}' if neuron else ''}" if hidden else "none",
        "Bits": f"pixels {network.pixel_bits}, activations {network.hidden_bits}, "
        f"R_AH words {network.rah_bits}, currents {network.current_bits}",
        "Imported from": _model(provenance.get("model")),
        "Trained on": data.get("name") and str(data["name"]),
        "Trained for": f"the device {options['device']}" if options.get("device") else None,
        "Noise in training": f"{number(noise)} of the range" if is_number(noise) else None,
        "Seed": str(options["seed"]) if options.get("seed") is not None else None,
        "Validation accuracy": _share(provenance.get("validation_accuracy")),
        "Test accuracy": f"{100 * findings.accuracy:.2f} % of {len(subject.images):,} "
        f"({subject.data_name})",
        "Ended": "before its time, by hand" if provenance.get("interrupted") is True else None,
    }
    epochs = learning_curve(provenance)
    commands = [subject.command("run")]
    train = train_command(provenance, subject.title)
    return Section(
        "trained",
        "What was trained",
        [
            facts({name: value for name, value in about.items() if value}),
            _charts(epochs)
            or paragraph("The network's file holds no learning curve, so none is drawn."),
        ],
        [*([train] if train else []), *commands],
    )
