"""``allspin import``: bring a network of another tool to the machine."""

import argparse
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from allspin.host.cli.options import (
    add_options,
    add_shared,
    add_target_arguments,
    add_tile_arguments,
    answer,
    check_together,
    read_options,
    target_options,
    tile_options,
)
from allspin.host.cli.parser import naming_options
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.host.draw.accuracy import imported_network
from allspin.host.draw.style import name_text, save_picture
from allspin.host.foreign.importing import Imported, ImportOptions, import_network
from allspin.host.show.progress import Steps
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Number, Table, figures
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.trainer import Progress, training_bar
from allspin.sim.errors import check_range
from allspin.sim.network.netfile import save_network

HELP = """\
Bring a network that was trained elsewhere to the machine's integers, and say what that costs.

MODEL is ONNX (.onnx), safetensors with PyTorch's names (.safetensors), or .npz with W0, b0, W1
and so on: fully connected layers with ReLU between them. docs/networks.md shows how to save one."""
EPILOG = """\
Ctrl-C ends the training of --tune; the network so far is saved (exit status
130).

examples:
  allspin import model.onnx -o mine.safetensors
  allspin import model.onnx -o mine.safetensors --states 100 --tune 10
  allspin import state.safetensors -o mine.safetensors --mean 0.1307 \\
      --scale 0.3081
  allspin import model.npz --data fashion -o mine.safetensors --pictures out
  allspin import model.onnx --tile-rows 128 --adc-bits 5 -o tiled.safetensors
  allspin import model.onnx --device paper --tune 10 -o paper-mine.safetensors
"""

INTERRUPTED = 130
PICTURE = "imported"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("model", metavar="MODEL", type=Path, help="file of the other tool")
    add("-o", "--output", metavar="NET", type=Path, required=True, help="network file to write")
    add_options(parser, TrainingParameters, "states", "neuron", "rah_bits", "seed")
    add_options(parser, ImportOptions)
    add("--bits", metavar="N", type=int, default=4, help="of pixels and of neurons, 1 to 8 (4)")
    add_target_arguments(parser)
    add_tile_arguments(parser)
    add_shared(parser, "--data")
    add("--pictures", metavar="DIR", type=Path, help="draw accuracies and errors of the layers")
    add_shared(parser, "--json")


def _options(arguments: argparse.Namespace) -> ImportOptions:
    check_together(arguments)
    with naming_options():
        bits = check_range("bits", arguments.bits, 1, 8)
    target, tiles = target_options(arguments), tile_options(arguments)
    return read_options(
        arguments, ImportOptions, pixel_bits=bits, hidden_bits=bits, target=target, tiles=tiles
    )


def _record(imported: Imported, path: Path, seconds: float) -> dict[str, Any]:
    """What ``--json`` prints."""
    tuned = imported.tuned
    return {
        "network": os.fspath(path),
        "topology": list(imported.network.topology),
        "model_topology": list(imported.model_topology),
        "input": imported.scaling.to_dict(),
        "model_accuracy": imported.model_accuracy,
        "quantised_accuracy": imported.quantised.accuracy,
        "tuned_accuracy": None if tuned is None else tuned.accuracy,
        "quantised_errors": list(imported.quantised.errors),
        "tuned_errors": None if tuned is None else list(tuned.errors),
        "constant_neurons": imported.constant_neurons,
        "interrupted": imported.interrupted,
        "seconds": seconds,
    }


def _table(imported: Imported, path: Path, seconds: float) -> tuple[Table, list[str]]:
    stages = [("as quantised", imported.quantised)]
    if imported.tuned is not None:
        stages.append(("as tuned", imported.tuned))
    rows: list[Figure] = [
        ("model", "-".join(map(str, imported.model_topology))),
        ("topology", "-".join(map(str, imported.network.topology))),
        ("white pixel in the model's input", f"{imported.scaling.white:g}"),
        ("accuracy in floating point", Number(100 * imported.model_accuracy, ".2f"), "%"),
    ]
    for name, stage in stages:
        rows.append((f"accuracy {name}", Number(100 * stage.accuracy, ".2f"), "%"))
    for name, stage in stages:
        for number, error in enumerate(stage.errors):
            rows.append((f"error of layer {number} {name}", Number(100 * error, ".1f"), "%"))
    rows.append(("time", seconds, "s"))
    notes = [f"the network is in {path}"]
    if imported.constant_neurons:
        count = imported.constant_neurons
        notes.append(f"hidden neurons added for the last layer's biases: {count}")
    if imported.spread_biases:
        notes.append("there is no hidden layer: biases are spread over the pixels' weights")
    return figures("Imported network", rows), notes


def _draw(imported: Imported, model: Path, folder: Path) -> None:
    accuracies = {"model": imported.model_accuracy, "quantised": imported.quantised.accuracy}
    errors = {"quantised": imported.quantised.errors}
    if imported.tuned is not None:
        accuracies["tuned"] = imported.tuned.accuracy
        errors["tuned"] = imported.tuned.errors
    figure = imported_network(f"{name_text(model.name)}, imported", accuracies, errors)
    save_picture(figure, folder, PICTURE)


class _Bar(contextlib.ExitStack):
    """Shows a training from its first batch on: until then other steps have the terminal."""

    bar: Callable[[Progress], None] | None = None

    def __call__(self, progress: Progress) -> None:
        """Show where the training is."""
        if self.bar is None:
            self.bar = self.enter_context(training_bar())
        self.bar(progress)


def run(arguments: argparse.Namespace) -> int:
    """Import, save, and say what is left of the network."""
    options = _options(arguments)
    check_writable(arguments.output)
    check_apart(arguments.output, arguments.model, arguments.data)
    if arguments.pictures is not None:
        make_folder(arguments.pictures)
    start = time.perf_counter()
    with Steps() as steps, _Bar() as bar:
        dataset = load_dataset(arguments.data)
        imported = import_network(arguments.model, dataset, options, display=steps, report=bar)
    seconds = time.perf_counter() - start
    save_network(imported.network, arguments.output)
    if arguments.pictures is not None:
        _draw(imported, arguments.model, arguments.pictures)
    if imported.interrupted:
        warn(f"interrupted; the network so far is in {arguments.output}")
    record = _record(imported, arguments.output, seconds)
    answer(arguments, record, *_table(imported, arguments.output, seconds))
    return INTERRUPTED if imported.interrupted else 0
