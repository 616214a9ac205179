"""Devices that ship: figures, measured accuracies of their chips, and published accuracies.

Each device is a file. ``docs/formats.md`` describes its table ``[source]``, which has the origin of
the figures and the published accuracies. `zoo_markdown` writes the table of ``docs/devices.md``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allspin.host.chips.accuracy import Lot
from allspin.host.chips.columns import Column
from allspin.host.chips.measured import MeasureOptions, measure
from allspin.host.chips.statistics import summary
from allspin.host.data.catalogue import device_path, open_device, shipped_devices
from allspin.host.data.datasets import Dataset, load_dataset, load_test_set
from allspin.host.learn.learning import learn
from allspin.host.learn.parameters import QUICK_EPOCHS, LearnParameters
from allspin.host.show.display import Display
from allspin.host.show.table import Number, Table, TableColumn
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import AUTO
from allspin.sim.errors import UserError, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.parameters import Parameters, choice, number
from allspin.sim.plain_values import TomlTable
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import paper_model

ALL = ("c2c", "d2d", "neuron")
COLUMNS = (Column("open loop", ALL, "open-loop"), Column("write-verify", ALL, "write-verify"))
"""Columns that are measured, with all variation of a device's file."""
LEARNERS = 3
"""Most chips of each device that learn, by ``train --in-array --quick --rate auto``."""
KINDS = {
    "ideal": "of a network without any variation",
    "open loop": "of chips that were programmed in open loop",
    "write-verify": "of chips whose cells were read and written again",
    "learning": "of learning in the array",
}
"""Kinds of accuracies, published and measured."""
NEAR = 0.01
"""Largest difference from a published accuracy, unless two standard errors are more."""


@dataclass(frozen=True)
class Published(Parameters):
    """Published accuracy of a device: ``[[source.published]]`` of its file.

    Parameters
    ----------
    what : str
        Description.
    where : str
        DOI or manual, and table or figure.
    value : float
        The accuracy, 0 to 1.
    kind : str
        One of `KINDS`.
    differs : str
        Difference of the published network or rule from ours; empty if both are the same.

    Raises
    ------
    ValueError
        If a value is outside its range, or an unknown word.
    """

    what: str
    where: str
    value: float = number(low=0, high=1)
    kind: str = choice("learning", KINDS)
    differs: str = ""

    def verdict(self, measured: Mapping[str, Mapping[str, Any]]) -> str:
        """Compare with measured accuracies, given by kind as summaries of `summary`."""
        if self.differs:
            return "not comparable"
        if self.kind not in measured:
            return "not tried"
        figures = measured[self.kind]
        near = max(NEAR, 2 * (figures["standard_error"] or 0.0))
        difference = abs(figures["accuracy"] - self.value)
        return "reproduced" if difference <= near else "contradicted"


def find_zoo() -> list[dict[str, Any]]:
    """Return the figures of the devices that ship, as ``allspin info --devices --json`` has them.

    Returns
    -------
    list of dict
        Devices by name. Pairs are of potentiation and depression; None stands for a figure that a
        device does not have, and for the A of equal steps.

    Raises
    ------
    UserError
        If a published figure in a file is wrong; the message names the file.
    """
    return [_figures(name) for name in shipped_devices()]


def _figures(name: str) -> dict[str, Any]:
    """Return the figures of a device that ships."""
    device = open_device(name)
    synapse = device.synapse
    source = device.source
    record = synapse.record()
    model = paper_model(synapse)
    return {
        "device": name,
        "title": source.get("title"),
        "kind": record["kind"],
        "unit": device.unit,
        "range": [synapse.low, synapse.high],
        "states": synapse.states,
        "pulses": [synapse.pulses_across(polarity) for polarity in Polarity],
        "A": [_finite_a(record, polarity) for polarity in Polarity],
        # A figure of 0 may be unknown: it is not shown as if it were measured.
        "c2c": [(model and model.c2c[polarity]) or None for polarity in Polarity],
        "c2c_reading": model and f"{model.c2c.reading}, {model.c2c.occasion}",
        "d2d": [(model and model.d2d[polarity]) or None for polarity in Polarity],
        "d2d_reading": model and model.d2d.reading,
        "readings": synapse.readings(),
        "figures": source.get("figures"),
        "not_given": source.get("not_given"),
        "published": _published(name, source),
        "measured": {},
    }


def _finite_a(record: Mapping[str, Any], polarity: Polarity) -> float | None:
    """Return A of a polarity; None for equal steps and for responses without A."""
    a = record.get(polarity.name.lower(), {}).get("A", math.inf)
    return a if math.isfinite(a) else None


def _published(name: str, source: Mapping[str, Any]) -> list[Published]:
    """Return the published accuracies of a device's file."""
    with refused(f"{device_path(name)}: "):
        return [
            TomlTable("source.published", entry).make(Published)
            for entry in source.get("published", [])
        ]


def measure_zoo(
    name: str, network: Network, options: MeasureOptions, images: int | None, progress: Display
) -> list[dict[str, Any]]:
    """Measure a network on chips of each device that ships.

    Parameters
    ----------
    name : str
        Name of the network.
    network : Network
        The network.
    options : MeasureOptions
        Chips of each device.
    images : int or None
        Number of test images of MNIST, the first ones; None for all.
    progress : Display
        Display of the steps.

    Returns
    -------
    list of dict
        Figures as of `find_zoo`, with summaries of accuracies in ``measured``, by `KINDS`. A
        device that cannot learn has ``not_learnt`` with the reason in place of that kind.

    Raises
    ------
    UserError
        As of `find_zoo`, or if the images do not fit the network.
    """
    rows = find_zoo()
    with refused():
        lots = [
            Lot(open_device(row["device"]), options.seeds, options.programming(network))
            for row in rows
        ]
        pixels, labels = load_test_set(None, [network], images)
        test_set = (pixels[:images], labels[:images])
        dataset = replace(load_dataset(), test_images=test_set[0], test_labels=test_set[1])
        correct = GoldenModel(network).classify(test_set[0]) == test_set[1]
        ideal = {"accuracy": float(correct.mean()), "deviation": None, "standard_error": None}
        for row, lot in zip(rows, lots, strict=True):
            row["measured"]["ideal"] = ideal
            for column in COLUMNS:
                result = measure(row["device"], network, column, lot, test_set, progress)
                row["measured"][column.title] = summary(result.accuracies)
            _measure_learning(row, options.seeds[:LEARNERS], dataset, progress)
    return rows


def _measure_learning(
    row: dict[str, Any], seeds: Sequence[int], dataset: Dataset, progress: Display
) -> None:
    """Add the accuracy of chips that learn to a device's figures, or why they cannot."""
    accuracies = []
    try:
        for seed in seeds:
            accuracies.append(_learn(row["device"], seed, dataset, progress))
    except UserError as error:
        row["not_learnt"] = str(error)
    else:
        row["measured"]["learning"] = summary(np.array(accuracies))


def _learn(name: str, seed: int, dataset: Dataset, progress: Display) -> float:
    """Let a chip of a device learn in the array, and return its accuracy."""
    progress.start(f"{name}, learning, chip {seed}")
    parameters = LearnParameters(
        epochs=QUICK_EPOCHS, seed=seed, rate=AUTO, target=TrainingTarget(open_device(name))
    )
    learnt = learn(dataset, parameters, progress=False)
    if learnt.interrupted:
        raise KeyboardInterrupt
    progress.finish(f"{learnt.array_accuracy:.2%}")
    return learnt.array_accuracy


PRINTED = (
    TableColumn("device"),
    TableColumn("what it is", wide=True),
    TableColumn("states"),
    TableColumn("pulses up"),
    TableColumn("pulses down"),
    TableColumn("A up"),
    TableColumn("A down"),
    TableColumn("C2C up", "%"),
    TableColumn("C2C down", "%"),
    TableColumn("D2D up", "%"),
    TableColumn("D2D down", "%"),
    TableColumn("C2C of", wide=True),
    TableColumn("D2D of", wide=True),
    TableColumn("unit", wide=True),
    TableColumn("lowest", wide=True),
    TableColumn("highest", wide=True),
    TableColumn("figures of", wide=True),
)
"""Columns of a terminal's table."""


def zoo_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the devices' figures as a table for a terminal.

    Parameters
    ----------
    rows : sequence of mapping
        Figures as of `find_zoo`.
    """
    cells = []
    for row in rows:
        variation = [*row["c2c"], *row["d2d"]]
        cells.append(
            [
                row["device"],
                row["title"],
                row["states"],
                *row["pulses"],
                *row["A"],
                *(None if share is None else 100 * share for share in variation),
                row["c2c_reading"],
                row["d2d_reading"],
                row["unit"],
                *row["range"],
                row["figures"],
            ]
        )
    notes = ["- for A: equal steps, or measured tables; for C2C and D2D: not known of each"]
    return Table("Devices that ship", PRINTED, cells, notes=notes)


HEAD = ("device", "what it is", "states", "pulses", "A", "C2C, %", "D2D, %")
"""First columns of the document's table."""


def zoo_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return figures, accuracies and verdicts as a Markdown table, with notes and sources.

    Parameters
    ----------
    rows : sequence of mapping
        Figures and accuracies as of `measure_zoo`.
    """
    differences: dict[str, str] = {}
    for row in rows:
        for published in row["published"]:
            if published.differs:
                differences.setdefault(published.differs, f"({len(differences) + 1})")
    header = [*HEAD, *(f"{kind}, %" for kind in KINDS), "published, and verdict"]
    lines = [header, ["---"] * len(header)]
    lines += [_markdown_cells(row, differences) for row in rows]
    parts = [f"| {' | '.join(line)} |\n" for line in lines]
    parts.append("\nNot comparable:\n\n")
    parts += [f"- {mark} {difference}.\n" for difference, mark in differences.items()]
    parts.append("\nWhere the figures are from:\n\n")
    for row in rows:
        missing = row["not_given"] or "nothing"
        parts.append(f"- `{row['device']}`: {row['figures']}. Not given: {missing}.\n")
    return "".join(parts)


def _markdown_cells(row: Mapping[str, Any], differences: Mapping[str, str]) -> list[str]:
    """Return the cells of a device in the document's table."""
    verdicts = []
    for published in row["published"]:
        value = f"{published.what}: {100 * published.value:g} % ({published.where})"
        verdict = published.verdict(row["measured"])
        if published.differs:
            verdict = f"{verdict} {differences[published.differs]}"
        verdicts.append(f"{value}: {verdict}")
    accuracies = []
    for kind in KINDS:
        figures = row["measured"].get(kind)
        accuracies.append(row["not_learnt"] if figures is None else _percent(figures))
    return [
        f"`{row['device']}`",
        row["title"] or "",
        str(row["states"]),
        _pair(row["pulses"]),
        _pair(row["A"]),
        _percent_pair(row["c2c"], row["c2c_reading"]),
        _percent_pair(row["d2d"], row["d2d_reading"]),
        *accuracies,
        "<br>".join(verdicts) or "none",
    ]


def _pair(values: Sequence[float | None]) -> str:
    """Return the figures of both polarities; a dash for those that are not known."""
    if not any(values):
        return "-"
    return ", ".join("-" if value is None else f"{value:.4g}" for value in values)


def _percent_pair(shares: Sequence[float | None], reading: str | None) -> str:
    """Return figures of both polarities in percent, with their reading."""
    pair = _pair([None if share is None else 100 * share for share in shares])
    return f"{pair} ({reading})" if reading and any(shares) else pair


def _percent(figures: Mapping[str, Any]) -> str:
    """Return mean and deviation in percent, given a summary."""
    deviation = figures["deviation"]
    spread = None if deviation is None else 100 * deviation
    return str(Number(100 * figures["accuracy"], ".2f", spread))
