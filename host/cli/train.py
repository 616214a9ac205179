"""``allspin train``: train a network, offline."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from allspin.host.cli.answers import INTERRUPTED, answer, ended_by_clusters
from allspin.host.cli.shared import DataFile, Json, RecipeFile, Steps
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_apart, check_writable
from allspin.host.options import FLAT
from allspin.host.show.say import tell, warn
from allspin.host.show.table import Figure, Number, figures
from allspin.host.train.parameters import (
    TrainingParameters,
)
from allspin.host.train.trained import Trained
from allspin.host.train.trainer import train
from allspin.host.train.training_options import (
    AUTO,
)
from allspin.sim.network.netfile import save_network

Result = TypeVar("Result", bound=Trained)

EXAMPLES = """\
Ctrl-C or SIGTERM ends the training; the best network so far is saved (exit
status 130). Behind the training, SIGTERM ends the command when the network is
saved (exit status 143).

examples:
  allspin train --states 10 -o ten.safetensors
  allspin train --states 100 --hidden 128,64 --seed 3 -o deep.safetensors
  allspin train --data fashion --quick -o fashion.safetensors
  allspin train --augment digits,rotation=8 --quick -o turned.safetensors
  allspin train --data set.npz --rate 1e-3 -o mine.safetensors
  allspin train --recipe recipe.toml --seed 1 -o again.safetensors
  allspin train --neuron cmos-bare -o gate.safetensors
  allspin train --device paper --states 10 -o paper-ten.safetensors
  allspin train --device paper --robust usual -o robust.safetensors
  allspin train --conv "5x5x16 s2, 5x5x32 s2" -o conv.safetensors
  allspin train --conv "5x5x8 pool, 3x3x16 pad" --hidden 64 -o deep.safetensors
  allspin train --tiles 128:4 -o tiled.safetensors
"""


def chosen(options: dict[str, Any]) -> dict[str, str]:
    """Return the choices of a training as rows of the table."""
    found = {
        "augmentation": options["augment"],
        "learning rate": "auto" if options["rate"] == AUTO else f"{options['rate']:g}",
        "images in a batch": f"{options['batch']:,}",
        "epochs": f"{options['epochs']:,}",
    }
    if "tile_rows" in options:
        found["tiles"] = f"{options['tile_rows']} rows to {options['adc_bits']} bits"
    return found | {"seed": str(options["seed"])}


def announce(choices: Mapping[str, str]) -> None:
    """Print the choices of a training before it begins."""
    tell(f"training with {', '.join(f'{name} {value}' for name, value in choices.items())}")


def results(
    trained: Trained,
    choices: Mapping[str, str],
    shares: Mapping[str, float | None],
    more: Iterable[Figure],
    seconds: float,
) -> list[Figure]:
    """Return the rows of the table about a trained network.

    Parameters
    ----------
    trained : Trained
        The network.
    choices : mapping of str to str
        Choices of the training.
    shares : mapping of str to float
        Accuracies; None for those that are not known.
    more : iterable of Figure
        Rows before the time.
    seconds : float
        Time that the training took.
    """
    known = [(name, share) for name, share in shares.items() if share is not None]
    return [
        ("topology", "-".join(map(str, trained.network.topology))),
        *choices.items(),
        *((name, Number(100 * share, ".2f"), "%") for name, share in known),
        *more,
        ("time", seconds, "s"),
    ]


def train_and_save(
    work: Callable[..., Result], output: Path, steps: Steps
) -> tuple[Result, float] | None:
    """Train a network, and save it; Ctrl-C ends the training.

    Parameters
    ----------
    work : callable
        Training, which takes the display as ``progress``.
    output : Path
        Network file to write.
    steps : Steps
        Display.

    Returns
    -------
    tuple of the result and float, or None
        The result, and seconds of training; None if no network was there to save.
    """
    start = time.perf_counter()
    with ended_by_clusters() as ending:
        try:
            result = work(progress=steps)
            ending.trains = False
        except KeyboardInterrupt:
            steps.stop()
            warn("interrupted; nothing was saved")
            return None
        seconds = time.perf_counter() - start
        save_network(result.network, output)
        ending.saved(result.interrupted)
    if result.interrupted:
        warn(f"interrupted; the best network so far is in {output}")
    return result, seconds


def run(
    *,
    output: Annotated[Path, Parameter(alias="-o", metavar="NET")],
    recipe: RecipeFile = None,
    training: Annotated[TrainingParameters, FLAT] = TrainingParameters(),  # noqa: B008 (frozen)
    data: DataFile = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Train a network for the machine, offline.

    Parameters
    ----------
    output : Path
        Network file to write.
    """
    check_writable(output)
    check_apart(output, recipe, data)
    with steps.waiting("reading the images"):
        dataset = load_dataset(data)
    options = training.options(dataset)
    choices = chosen(options)
    announce(choices)
    target = training.target
    if target is not None and (shared := target.shared(training.states, training.rah_bits)):
        warn(shared)
    finished = train_and_save(partial(train, dataset, training), output, steps)
    if finished is None:
        return INTERRUPTED
    trained, seconds = finished
    record = {
        "network": os.fspath(output),
        "validation_accuracy": trained.validation_accuracy,
        "array_accuracy": None,
        "test_accuracy": trained.test_accuracy,
        **({"validation_chips": trained.chips} if trained.chips else {}),
        "seconds": seconds,
        "interrupted": trained.interrupted,
        "options": options,
    }
    shares = {
        "validation accuracy": trained.validation_accuracy,
        "test accuracy": trained.test_accuracy,
    }
    for lot in trained.chips:
        for measure in ("mean", "worst"):
            shares[f"{measure} of {lot['number']} chips, {lot['chips']}"] = lot[measure]
    table = figures("Trained network", results(trained, choices, shares, (), seconds))
    notes = [*trained.network.notes, f"the network is in {output}"]
    answer(steps, record, table, notes, json_wanted=json)
    return INTERRUPTED if trained.interrupted else 0
