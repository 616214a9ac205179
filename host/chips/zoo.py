"""The devices that ship: their figures, what chips of them reach, and what was published of them.

Each is a device file. What its ``[source]`` says of its origin, and of figures that were published,
is described in ``docs/formats.md``; ``docs/devices.md`` has the table, which `zoo_markdown` writes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
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
"""What is measured, on chips with all variation that a device's file has."""
LEARNERS = 3
"""Chips of each device that learn, at most, by ``learn --quick --rate auto``."""
KINDS = {
    "ideal": "of a network without any variation",
    "open loop": "of chips that were programmed in open loop",
    "write-verify": "of chips whose cells were read and written again",
    "learning": "of learning in the array",
}
"""What a published accuracy may be of, and what is measured."""
NEAR = 0.01
"""Share within which an accuracy is a published one, unless two standard errors are more."""


@dataclass(frozen=True)
class Published(Parameters):
    """An accuracy that was published of a device: ``[[source.published]]`` of its file.

    Parameters
    ----------
    what : str
        In words.
    where : str
        DOI or manual, and table or figure.
    value : float
        The accuracy, 0 to 1.
    kind : str
        One of `KINDS`.
    differs : str
        In what the published network or rule is another one; empty if in nothing.

    Raises
    ------
    ValueError
        If a value is outside its range, or none that is known.
    """

    what: str
    where: str
    value: float = number(low=0, high=1)
    kind: str = choice("learning", KINDS)
    differs: str = ""

    def verdict(self, measured: Mapping[str, Mapping[str, Any]]) -> str:
        """What comes of it, given accuracies by kind, each as `summary` has it."""
        if self.differs:
            return "not comparable"
        if self.kind not in measured:
            return "not tried"
        found = measured[self.kind]
        near = max(NEAR, 2 * (found["standard_error"] or 0.0))
        return "reproduced" if abs(found["accuracy"] - self.value) <= near else "contradicted"


def find_zoo() -> list[dict[str, Any]]:
    """The devices that ship, each with its figures as ``allspin info --devices --json`` has them.

    Returns
    -------
    list of dict
        By name. Pairs are of potentiation and of depression; None is what a device does not have,
        and A of equal steps.

    Raises
    ------
    UserError
        If what a file says of published figures is wrong; the message names it.
    """
    return [_figures(name) for name in shipped_devices()]


def _figures(name: str) -> dict[str, Any]:
    device = open_device(name)
    synapse, source, record = device.synapse, device.source, device.synapse.record()
    model, ways = paper_model(synapse), [record.get(way.name.lower(), {}) for way in Polarity]
    with refused(f"{device_path(name)}: "):
        published = [
            TomlTable("source.published", each).make(Published)
            for each in source.get("published", [])
        ]
    return {
        "device": name,
        "title": source.get("title"),
        "kind": record["kind"],
        "unit": device.unit,
        "range": [synapse.low, synapse.high],
        "states": synapse.states,
        "pulses": [synapse.pulses_across(polarity) for polarity in Polarity],
        "A": [a if math.isfinite(a := way.get("A", math.inf)) else None for way in ways],
        # A figure of 0 may be one that is not known: it is not told as if it were measured.
        "c2c": [(model and model.c2c[polarity]) or None for polarity in Polarity],
        "c2c_reading": model and f"{model.c2c.reading}, {model.c2c.occasion}",
        "d2d": [(model and model.d2d[polarity]) or None for polarity in Polarity],
        "d2d_reading": model and model.d2d.reading,
        "readings": synapse.readings(),
        "figures": source.get("figures"),
        "not_given": source.get("not_given"),
        "published": published,
        "measured": {},
    }


def measure_zoo(
    name: str, network: Network, options: MeasureOptions, images: int | None, progress: Display
) -> list[dict[str, Any]]:
    """The devices that ship, with accuracies of a network on chips of each.

    Parameters
    ----------
    name : str
        What the network is called.
    network : Network
        The network.
    options : MeasureOptions
        How many chips of each device.
    images : int, optional
        The first so many test images of MNIST; all of them.
    progress : Display
        Shows how far it is.

    Returns
    -------
    list of dict
        As of `find_zoo`, with accuracies in ``measured``, by `KINDS`, each as of `summary`. Of a
        device that cannot learn there is none of learning, and ``not_learnt`` says why.

    Raises
    ------
    UserError
        As of `find_zoo`; if the images do not fit the network.
    """
    rows = find_zoo()
    with refused():
        lots = [
            Lot(open_device(row["device"]), options.seeds, options.programming(network))
            for row in rows
        ]
        pixels, labels = load_test_set(None, [network], images)
        test_set = pixels[:images], labels[:images]
        dataset = replace(load_dataset(), test_images=test_set[0], test_labels=test_set[1])
        right = GoldenModel(network).classify(test_set[0]) == test_set[1]
        ideal = {"accuracy": float(right.mean()), "deviation": None, "standard_error": None}
        for row, lot in zip(rows, lots, strict=True):
            row["measured"]["ideal"] = ideal
            for column in COLUMNS:
                found = measure(row["device"], network, column, lot, test_set, progress)
                row["measured"][column.title] = summary(found.accuracies)
            try:
                row["measured"]["learning"] = summary(
                    np.array(
                        [*_learners(row["device"], options.seeds[:LEARNERS], dataset, progress)]
                    )
                )
            except UserError as error:
                row["not_learnt"] = str(error)
    return rows


def _learners(
    name: str, seeds: Sequence[int], dataset: Dataset, progress: Display
) -> Iterator[float]:
    """What each of some chips of a device reaches by learning in the array."""
    for seed in seeds:
        progress.start(f"{name}, learning, chip {seed}")
        learning = LearnParameters(
            epochs=QUICK_EPOCHS, seed=seed, rate=AUTO, target=TrainingTarget(open_device(name))
        )
        found = learn(dataset, learning, progress=False)
        if found.interrupted:
            raise KeyboardInterrupt
        progress.finish(f"{found.array_accuracy:.2%}")
        yield found.array_accuracy


PRINTED = (
    TableColumn("device"),
    TableColumn("what it is", wide=True),
    TableColumn("states"),
    *(TableColumn(f"{what} {way}") for what in ("pulses", "A") for way in ("up", "down")),
    *(TableColumn(f"{what} {way}", "%") for what in ("C2C", "D2D") for way in ("up", "down")),
    TableColumn("C2C of", wide=True),
    TableColumn("D2D of", wide=True),
    TableColumn("unit", wide=True),
    TableColumn("lowest", wide=True),
    TableColumn("highest", wide=True),
    TableColumn("figures of", wide=True),
)


def zoo_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The devices' figures as a table of the terminal.

    Parameters
    ----------
    rows : sequence of mapping
        As of `find_zoo`.
    """
    cells = [
        (
            *(row["device"], row["title"], row["states"], *row["pulses"], *row["A"]),
            *(share if share is None else 100 * share for share in (*row["c2c"], *row["d2d"])),
            *(row["c2c_reading"], row["d2d_reading"], row["unit"], *row["range"], row["figures"]),
        )
        for row in rows
    ]
    notes = ["- for A: equal steps, or measured tables; for C2C and D2D: not known of each"]
    return Table("Devices that ship", PRINTED, cells, notes=notes)


HEAD = ("device", "what it is", "states", "pulses", "A", "C2C, %", "D2D, %")


def zoo_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Figures, accuracies and verdicts as a Markdown table, and what the verdicts rest on.

    Parameters
    ----------
    rows : sequence of mapping
        As of `measure_zoo`.
    """
    differs = dict.fromkeys(each.differs for row in rows for each in row["published"])
    notes = {words: f" ({number})" for number, words in enumerate(filter(None, differs), 1)}
    header = (*HEAD, *(f"{kind}, %" for kind in KINDS), "published, and verdict")
    lines = [header, ["---"] * len(header)]
    for row in rows:
        verdicts = [
            f"{each.what}: {100 * each.value:g} % ({each.where}): {each.verdict(row['measured'])}"
            f"{notes.get(each.differs, '')}"
            for each in row["published"]
        ]
        lines.append(
            [
                *(f"`{row['device']}`", row["title"] or "", str(row["states"])),
                *(_pair(row[key]) for key in ("pulses", "A")),
                *(_pair(row[key], row[f"{key}_reading"]) for key in ("c2c", "d2d")),
                *(
                    _accuracy(row["measured"][kind])
                    if kind in row["measured"]
                    else row["not_learnt"]
                    for kind in KINDS
                ),
                "<br>".join(verdicts) or "none",
            ]
        )
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    others = "".join(f"-{mark} {words}.\n" for words, mark in notes.items())
    sources = "".join(
        f"- `{row['device']}`: {row['figures']}. Not given: {row['not_given'] or 'nothing'}.\n"
        for row in rows
    )
    return f"{table}\nNot comparable:\n\n{others}\nWhere the figures are from:\n\n{sources}"


def _pair(values: Sequence[float | None], reading: str | None = "") -> str:
    """Figures of both polarities, those with a reading in percent."""
    pair = ", ".join(
        "-" if one is None else f"{(100 if reading else 1) * one:.4g}" for one in values
    )
    return (f"{pair} ({reading})" if reading else pair) if any(values) else "-"


def _accuracy(found: Mapping[str, Any]) -> str:
    return str(
        Number(100 * found["accuracy"], ".2f", found["deviation"] and 100 * found["deviation"])
    )
