"""``allspin import``: bring a network of another tool to the machine."""

import contextlib
import os
import time
from collections.abc import Callable

from allspin.host.cli.options import (
    INTERRUPTED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    add_target_arguments,
    add_tile_arguments,
    answer,
    naming_options,
    read_options,
    target_options,
    tile_options,
)
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.host.draw.accuracy_charts import imported_network
from allspin.host.draw.style import name_text, save_picture
from allspin.host.foreign.importing import ImportOptions, import_network
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Number, figures
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


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("model", metavar="MODEL", type="file", help="file of the other tool")
    add_shared(parser, "-o --output", metavar="NET", required=True, help="network file to write")
    add_options(parser, TrainingParameters, "states", "neuron", "rah_bits", "seed")
    add_options(parser, ImportOptions)
    parser.add_argument(
        "--bits", metavar="N", type=int, default=4, help="of pixels and of neurons, 1 to 8 (4)"
    )
    add_target_arguments(parser)
    add_tile_arguments(parser)
    add_shared(parser, "--data")
    parser.add_argument(
        "--pictures", metavar="DIR", type="file", help="draw accuracies and errors of the layers"
    )
    add_shared(parser, "--json")


class _Bar(contextlib.ExitStack):
    """Shows a training from its first batch on: until then other steps have the terminal."""

    bar: Callable[[Progress], None] | None = None

    def __call__(self, progress: Progress) -> None:
        """Show where the training is."""
        if self.bar is None:
            self.bar = self.enter_context(training_bar())
        self.bar(progress)


def run(arguments: Arguments) -> int:
    """Import, save, and say what is left of the network."""
    with naming_options():
        bits = check_range("bits", arguments.bits, 1, 8)
    target, tiles = target_options(arguments), tile_options(arguments)
    options = read_options(
        arguments, ImportOptions, pixel_bits=bits, hidden_bits=bits, target=target, tiles=tiles
    )
    model, output = arguments.model, arguments.output
    check_writable(output)
    check_apart(output, model, arguments.data)
    if arguments.pictures is not None:
        make_folder(arguments.pictures)
    start = time.perf_counter()
    with _Bar() as bar:
        dataset = load_dataset(arguments.data)
        imported = import_network(model, dataset, options, display=arguments.steps, report=bar)
    seconds = time.perf_counter() - start
    save_network(imported.network, output)
    stages = {"quantised": imported.quantised}
    if imported.tuned is not None:
        stages["tuned"] = imported.tuned
    accuracies = {"model": imported.model_accuracy}
    accuracies |= {name: stage.accuracy for name, stage in stages.items()}
    errors = {name: stage.errors for name, stage in stages.items()}
    if arguments.pictures is not None:
        figure = imported_network(f"{name_text(model.name)}, imported", accuracies, errors)
        save_picture(figure, arguments.pictures, "imported")
    if imported.interrupted:
        warn(f"interrupted; the network so far is in {output}")
    record = {
        "network": os.fspath(output),
        "topology": list(imported.network.topology),
        "model_topology": list(imported.model_topology),
        "input": imported.scaling.to_dict(),
        "model_accuracy": imported.model_accuracy,
        "quantised_accuracy": imported.quantised.accuracy,
        "tuned_accuracy": accuracies.get("tuned"),
        "quantised_errors": list(imported.quantised.errors),
        "tuned_errors": list(errors["tuned"]) if "tuned" in errors else None,
        "constant_neurons": imported.constant_neurons,
        "interrupted": imported.interrupted,
        "seconds": seconds,
    }
    rows: list[Figure] = [
        ("model", "-".join(map(str, imported.model_topology))),
        ("topology", "-".join(map(str, imported.network.topology))),
        ("white pixel in the model's input", f"{imported.scaling.white:g}"),
    ]
    for name, share in accuracies.items():
        how = "in floating point" if name == "model" else f"as {name}"
        rows.append((f"accuracy {how}", Number(100 * share, ".2f"), "%"))
    for name, stage in errors.items():
        for layer, error in enumerate(stage):
            rows.append((f"error of layer {layer} as {name}", Number(100 * error, ".1f"), "%"))
    rows.append(("time", seconds, "s"))
    notes = [f"the network is in {output}"]
    if imported.constant_neurons:
        count = imported.constant_neurons
        notes.append(f"hidden neurons added for the last layer's biases: {count}")
    if imported.spread_biases:
        notes.append("there is no hidden layer: biases are spread over the pixels' weights")
    answer(arguments, record, figures("Imported network", rows), notes)
    return INTERRUPTED if imported.interrupted else 0
