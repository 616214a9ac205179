"""Sections about the network: its training, its confusion matrix, and its wrong answers."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeGuard

import htpy as h
import numpy as np
import numpy.typing as npt

from allspin.host.charts.confusion import confusion_counts, confusion_matrix
from allspin.host.charts.learning_curve import PHASES, learning_curve
from allspin.host.charts.row_charts import bars
from allspin.host.draw.html import image
from allspin.host.report.findings import Findings
from allspin.host.report.section import (
    ReportPicture,
    Section,
    facts,
    numbers,
    paragraph,
    tiles,
)
from allspin.host.report.train_command import train_commands
from allspin.host.show.table import Table, TableColumn, short
from allspin.sim.network.network import Network

SHOWN = 120
"""Most wrong answers that are drawn."""
WORST_SHOWN = 5
"""Most pairs of classes that the text names."""
LONGEST_LEVELS = 120
"""Characters of a list of levels that is not cut."""
LOSSES = (1e-12, 1e12)
"""Range of losses in nats that a training can have, and a chart can show."""


def is_number(value: object) -> TypeGuard[float]:
    """Return True for a finite number of a network's provenance, and False for a boolean.

    Integers of a file may be too large for the page's numbers, which are floats.
    """
    return type(value) in (int, float) and abs(value) <= sys.float_info.max  # type: ignore[arg-type]


def _is_share(value: object) -> TypeGuard[float]:
    return is_number(value) and 0 <= value <= 1


def _is_epoch(epoch: object) -> bool:
    if not isinstance(epoch, Mapping):
        return False
    low, high = LOSSES
    loss = epoch.get("loss")
    return is_number(loss) and low <= loss <= high and _is_share(epoch.get("validation_accuracy"))


def epochs_of(provenance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the epochs in a network's provenance; empty if any of them is invalid."""
    curve = provenance.get("curve")
    if isinstance(curve, list) and all(map(_is_epoch, curve)):
        return curve
    return []


def _learning(findings: Findings) -> h.Node:
    epochs = epochs_of(findings.subject.network.provenance)
    if len(epochs) < 2:
        return paragraph("The network's file holds no learning curve, so none is drawn.")
    rows = []
    for place, epoch in enumerate(epochs, 1):
        phase = str(epoch.get("phase"))
        error = 100.0 * (1 - epoch["validation_accuracy"])
        rows.append((place, PHASES.get(phase, phase), float(epoch["loss"]), error))
    columns = (
        TableColumn("epoch"),
        TableColumn("computed with"),
        TableColumn("loss", "nats", form=".3f"),
        TableColumn("error", "%", form=".2f"),
    )
    recorded = findings.subject.network.provenance.get("validation_accuracy")
    kept = recorded if _is_share(recorded) else None
    picture = learning_curve(epochs, kept, findings.accuracy)
    table = Table("loss and error, epoch by epoch", columns, rows)
    return ReportPicture("learning", picture, [table])


def _percent(value: object) -> str | None:
    return f"{100 * value:.2f} %" if _is_share(value) else None


def _model(model: object) -> str | None:
    """Describe the model of another tool that a network was imported from."""
    if not isinstance(model, Mapping):
        return None
    name = model.get("name")
    accuracy = _percent(model.get("accuracy"))
    if isinstance(name, str) and accuracy:
        return f"{name}, {accuracy} in floating point"
    return name if isinstance(name, str) else None


def _mapping(provenance: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = provenance.get(name)
    return value if isinstance(value, Mapping) else {}


def _levels(network: Network) -> str:
    levels = ", ".join(map(str, network.layers[0].levels.tolist()))
    if len(levels) < LONGEST_LEVELS:
        return levels
    return f"{levels[: LONGEST_LEVELS - 10]} \N{HORIZONTAL ELLIPSIS}"


def _neuron(network: Network) -> str:
    if len(network.layers) == 1:
        return "none"
    neuron = network.neuron
    parameters = [f"{name} {value:g}" for name, value in asdict(neuron).items()]
    if not parameters:
        return neuron.name
    return f"{neuron.name}: {', '.join(parameters)}"


def _training_facts(findings: Findings) -> dict[str, h.Node]:
    subject = findings.subject
    network = subject.network
    provenance = network.provenance
    options = _mapping(provenance, "options")
    data = _mapping(provenance, "data")
    noise = options.get("noise")
    states = sorted({len(layer.levels) for layer in network.layers})
    bits = (
        f"pixels {network.pixel_bits}, activations {network.hidden_bits}, "
        f"R_AH words {network.rah_bits}, currents {network.current_bits}"
    )
    accuracy = f"{100 * findings.accuracy:.2f} %"
    return {
        "Network": subject.name,
        "Topology": "-".join(map(str, network.topology)),
        "Crossbars": network.crossbars,
        "States of a synapse": " and ".join(map(str, states)),
        "Words of the states": _levels(network),
        "Neuron": _neuron(network),
        "Bits": bits,
        "Imported from": _model(provenance.get("model")),
        "Trained on": str(data["name"]) if data.get("name") else None,
        "Trained for": f"the device {options['device']}" if options.get("device") else None,
        "Noise in training": f"{short(noise)} of the range" if is_number(noise) else None,
        "Seed": str(options["seed"]) if options.get("seed") is not None else None,
        "Validation accuracy": _percent(provenance.get("validation_accuracy")),
        "Test accuracy": f"{accuracy} of {len(subject.images):,} ({subject.data_name})",
        "Ended": "before its time, by hand" if provenance.get("interrupted") is True else None,
    }


def training_section(findings: Findings) -> Section:
    """Describe the training: network, options, data, and learning curve."""
    subject = findings.subject
    files = {subject.device.name: subject.device_name}
    if subject.data is not None:
        files[subject.data_name] = str(subject.data)
    trained = train_commands(subject.network.provenance, subject.title, files)
    commands = [*trained, subject.command("run")]
    body = [facts(_training_facts(findings)), _learning(findings)]
    return Section("trained", "What was trained", body, commands)


def _confusion_text(counts: npt.NDArray[np.int64]) -> str:
    wrong = int(counts.sum() - np.trace(counts))
    text = f"{wrong:,} of {int(counts.sum()):,} images got a wrong answer."
    # Of equal counts the lowest label and answer come first.
    pairs = sorted((-count, *pair) for pair, count in np.ndenumerate(counts) if count)
    named = [f"{row} for {column} ({-count})" for count, row, column in pairs if row != column]
    if len(named) > 1:
        worst = ", ".join(named[:WORST_SHOWN])
        text += f" Most often the machine took {worst}."
    return text


def _classes_picture(counts: npt.NDArray[np.int64]) -> ReportPicture:
    shares = {}
    rows = []
    for label, images in enumerate(counts.sum(axis=1).tolist()):
        if images:
            name = str(label)
            right = int(counts[label, label])
            share = 100 * float(1 - right / images)
            shares[name] = share
            rows.append((name, images, images - right, share))
    columns = (
        TableColumn("class"),
        TableColumn("images"),
        TableColumn("wrong"),
        TableColumn("wrong", "%", form=".1f"),
    )
    axis = "images of the class with a wrong answer (%)"
    picture = bars("Wrong answers, class by class", shares, axis, ".1f")
    table = Table("wrong answers, class by class", columns, rows)
    return ReportPicture("confusion-classes", picture, [table])


def confusion_section(findings: Findings) -> Section:
    """Show the confusion matrix, and the share of wrong answers of each class."""
    labels = findings.subject.labels
    classes = findings.subject.network.classes
    counts = confusion_counts(labels, findings.answers, classes)
    heads = [TableColumn("label"), *(TableColumn(f"{label}") for label in range(classes))]
    rows = [(label, *row) for label, row in enumerate(counts.tolist())]
    table = Table("Images by label (rows) and answer (columns)", heads, rows)
    matrix = confusion_matrix(labels, findings.answers, classes)
    body = [
        paragraph(_confusion_text(counts)),
        ReportPicture("confusion-matrix", matrix, [table]),
        _classes_picture(counts),
    ]
    commands = [findings.subject.command("run", "--logits", "logits.npy")]
    return Section("confusion", "Confusion", body, commands)


def _ink(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return colours as they are; grey, and the mean of other channels, dark on light."""
    if pixels.shape[3:] == (3,):
        return pixels
    channels = pixels.reshape(*pixels.shape[:3], -1)
    return 255 - channels.mean(axis=3).astype(np.uint8)


def _wrong_tiles(findings: Findings, wrong: Sequence[int]) -> h.Element:
    shown = []
    drawn = _ink(findings.subject.images[list(wrong)])
    for number, pixels in zip(wrong, drawn, strict=True):
        label = findings.subject.labels[number]
        answer = findings.answers[number]
        picture = image(pixels, f"Image {number}: label {label}, answer {answer}")
        below = [h.b[f"{label}"], " \N{RIGHTWARDS ARROW} ", h.i[f"{answer}"]]
        shown.append((picture, below))
    return tiles("digits", shown)


def mistakes_section(findings: Findings) -> Section:
    """Show the images with wrong answers, each with label and answer."""
    subject = findings.subject
    commands = [subject.command("run", "--logits", "logits.npy")]
    wrong = np.flatnonzero(findings.answers != subject.labels).tolist()
    if not wrong:
        text = f"All {len(subject.images):,} images got the right answer."
        return Section("mistakes", "Wrong answers", paragraph(text), commands)
    first = wrong[:SHOWN]
    some = "All" if len(first) == len(wrong) else f"The first {len(first)} of"
    rows = []
    for number in wrong:
        label = int(subject.labels[number])
        answer = int(findings.answers[number])
        logits = findings.logits[number]
        rows.append((number, label, answer, int(logits[answer]), int(logits[label])))
    names = ("image", "label", "answer", "logit of the answer", "logit of the label")
    table = Table("the images with a wrong answer", [TableColumn(name) for name in names], rows)
    text = (
        f"{some} {len(wrong):,} images that got a wrong answer, as they stand in the test "
        "set. Below each: its label, and what the machine took it for."
    )
    body = [paragraph(text), _wrong_tiles(findings, first), numbers(table)]
    return Section("mistakes", "Wrong answers", body, commands)
