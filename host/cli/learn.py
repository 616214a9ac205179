"""``allspin learn``: train a network by pulses on its devices, as the paper does."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from allspin.host.cli.answers import INTERRUPTED, answer
from allspin.host.cli.command import check_needs, need_pictures
from allspin.host.cli.live import serve_page
from allspin.host.cli.shared import DataFile, Json, RecipeFile, Steps, Style
from allspin.host.cli.train import announce, chosen, results, train_and_save
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.learn.learning import (
    learn,
)
from allspin.host.learn.parameters import (
    LearnParameters,
    LearnRule,
)
from allspin.host.learn.result import (
    Learnt,
)
from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning
from allspin.host.options import FLAT
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Table, figures
from allspin.sim.errors import UserError

EXAMPLES = """\
Ctrl-C or SIGTERM ends the training; the network so far is saved (exit status
130).

examples:
  allspin learn --states 100 --hidden 100,50 -o pulses.safetensors
  allspin learn --device paper --update sign -o sign.safetensors \\
      --pictures curves
  allspin learn --device paper --update sign --watch
"""

ACCURACIES = {
    "array_accuracy": "array accuracy, of the chip that learnt",
    "test_accuracy": "test accuracy, of its states on mean devices",
    "chip_accuracy": "chip accuracy, of its states on another chip",
    "validation_accuracy": "validation accuracy",
}
"""Names of the accuracies of a network that learnt in the array."""


def _choices(options: dict[str, Any]) -> dict[str, str]:
    """Return the choices of a training, with the rule that turns changes into pulses."""
    found = chosen(options)
    for name in vars(LearnRule()):
        if name in options:
            # The array cannot keep earlier changes.
            said = "momentum (in software)" if name == "momentum" else name
            found[said] = str(options[name])
    return found


def _pulses(learnt: Learnt) -> list[Figure]:
    """Return the rows about pulses, and warn of imperfections that learning leaves out."""
    facts = learnt.facts
    if facts["left_out"]:
        warn(f"learning does without {', '.join(facts['left_out'])} of the device")
    if 100 * facts["pulses"] < learnt.pulse_counts.size:
        warn(
            f"only {facts['pulses']} pulses for {learnt.pulse_counts.size} devices, which learn "
            "next to nothing; try --rate auto or more epochs, with --update sign a smaller "
            "threshold in the recipe"
        )
    rows = [
        ("pulses", facts["pulses"], ""),
        ("a device", facts["pulses_per_device"], ""),
        ("at most", facts["most_pulses"], ""),
        ("energy of the pulses", facts["energy"], "J"),
        ("their time, one after another", facts["pulse_time"], "s"),
        ("devices at an end of their range", 100 * facts["at_bounds"], "%"),
        ("asymmetry of the device", facts["asymmetry"], ""),
        ("symmetry point, of the range", facts["symmetry_point"], ""),
    ]
    return [row for row in rows if row[1] is not None]


def run(
    *,
    output: Annotated[Path | None, Parameter(alias="-o", metavar="NET")] = None,
    recipe: RecipeFile = None,
    learning: Annotated[LearnParameters, FLAT] = LearnParameters(),  # noqa: B008 (it is frozen)
    data: DataFile = None,
    pictures: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    style: Style = None,
    watch: bool = False,
    json: Json = False,
    steps: Steps,
) -> int:
    """Train a network by pulses on its devices, as the paper does, from images as they are.

    Parameters
    ----------
    output : Path, optional
        Network file to write; needed without `watch`.
    pictures : Path, optional
        Folder for learning curve and pulses per device, as CSV and pictures.
    watch : bool
        Open a page in the browser that shows the network while it learns, and has a link to draw
        digits at it, in place of writing files. Ctrl-C ends it. It needs the extra [live].
    """
    check_needs({"style": style}, {"pictures": pictures})
    if watch:
        if output is not None or pictures is not None or json:
            raise UserError("`watch` writes nothing: leave out `output`, `pictures` and `json`")
        return _watch(learning, data, steps)
    if output is None:
        raise UserError("give `output`, the network file to write, or `watch`")
    need_pictures(pictures)
    look = PictureStyle.open(style or "screen")
    if pictures is not None:
        make_folder(pictures)
    check_writable(output)
    check_apart(output, recipe, data)
    with steps.waiting("reading the images"):
        dataset = load_dataset(data)
    asked = learning.options(dataset)
    announce(_choices(asked))
    target = learning.target
    if target is not None and (shared := target.shared(asked["states"], asked["rah_bits"])):
        warn(shared)
    finished = train_and_save(partial(learn, dataset, learning), output, steps)
    if finished is None:
        return INTERRUPTED
    learnt, seconds = finished
    if pictures is not None:
        learnt.write(pictures, look)
    record = {
        "network": os.fspath(output),
        **_accuracies(learnt),
        "learning": learnt.facts,
        "seconds": seconds,
        "interrupted": learnt.interrupted,
        "options": learnt.network.provenance["options"],
    }
    table = _table(learnt, seconds)
    notes = [*learnt.network.notes, f"the network is in {output}"]
    answer(steps, record, table, notes, json_wanted=json)
    return INTERRUPTED if learnt.interrupted else 0


def _accuracies(learnt: Learnt) -> dict[str, float | None]:
    """Return the accuracies by their keys in the record."""
    return {
        "validation_accuracy": None,
        "array_accuracy": learnt.array_accuracy,
        "test_accuracy": learnt.test_accuracy,
        "chip_accuracy": learnt.chip_accuracy,
    }


def _table(learnt: Learnt, seconds: float) -> Table:
    """Return the table about the network and its pulses."""
    choices = _choices(learnt.network.provenance["options"])
    shares = {ACCURACIES[name]: share for name, share in _accuracies(learnt).items()}
    rows = results(learnt, choices, shares, _pulses(learnt), seconds)
    return figures("Trained network", rows)


def _watch(learning: LearnParameters, data: Path | None, steps: Steps) -> int:
    """Serve a page that shows a network while it learns."""
    device = "paper" if learning.target is None else learning.target.device
    choose = partial(Choices.open, on="golden", device=device, data=data)
    with steps.waiting("reading the images"):
        watched = Learning(data, learning, choose, steps)
    return serve_page(watched.choices, watched)
