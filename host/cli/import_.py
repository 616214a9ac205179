"""``allspin import``: bring a network of another tool to the machine."""

import os
import time

from allspin.host.cli.options import (
    INTERRUPTED,
    SHARED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    add_target_arguments,
    add_tile_arguments,
    answer,
    ended_by_clusters,
    read_options,
)
from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.importing import import_network
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Number, figures
from allspin.host.train.parameters import TrainingParameters
from allspin.sim.network.netfile import save_network

HELP = """\
Bring a network that was trained elsewhere to the machine's integers, and say what that costs.

MODEL is ONNX (.onnx; QONNX and QCDQ too), safetensors with PyTorch's or Flax's names
(.safetensors), or .npz with W0, b0, W1 and so on: fully connected layers, of ONNX convolutions and
pools too, with ReLU or steps of few bits between them. docs/networks.md shows how to save one."""
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
    add_options(
        parser,
        TrainingParameters,
        "states",
        "neuron",
        "pixel_bits",
        "hidden_bits",
        "rah_bits",
        "seed",
    )
    add_options(parser, ImportOptions)
    add_target_arguments(parser)
    add_tile_arguments(parser)
    add_shared(parser, "--augment", help=f"with --tune, {SHARED['--augment']['help']}")
    add_shared(parser, "--data")
    parser.add_argument(
        "--pictures", metavar="DIR", type="file", help="draw accuracies and errors of the layers"
    )
    add_shared(parser, "--style")
    add_shared(parser, "--json")


def run(arguments: Arguments) -> int:
    """Import, save, and say what is left of the network."""
    options = read_options(arguments, ImportOptions)
    look = PictureStyle.open(arguments.style or "screen")
    model, output = arguments.model, arguments.output
    check_writable(output)
    check_apart(output, model, arguments.data)
    if arguments.pictures is not None:
        make_folder(arguments.pictures)
    start = time.perf_counter()
    with ended_by_clusters():
        imported = import_network(model, arguments.data, options, progress=arguments.steps)
    seconds = time.perf_counter() - start
    save_network(imported.network, output)
    if arguments.pictures is not None:
        from allspin.host.draw.picture_files import save_picture

        save_picture(imported.plot(), arguments.pictures, "imported", look)
    if imported.interrupted:
        warn(f"interrupted; the network so far is in {output}")
    record = {"network": os.fspath(output), **imported.to_dict(), "seconds": seconds}
    rows: list[Figure] = [
        ("model", "-".join(map(str, imported.model_topology))),
        ("topology", "-".join(map(str, imported.network.topology))),
        ("white pixel in the model's input", f"{imported.choice.scaling.white:g}"),
    ]
    for name, share in imported.accuracies.items():
        how = "in floating point" if name == "model" else f"as {name}"
        rows.append((f"accuracy {how}", Number(100 * share, ".2f"), "%"))
    for name, stage in imported.stages.items():
        for layer, error in enumerate(stage.errors):
            rows.append((f"error of layer {layer} as {name}", Number(100 * error, ".1f"), "%"))
    rows.append(("time", seconds, "s"))
    notes = [*imported.network.notes, f"the network is in {output}"]
    if imported.constant_neurons:
        count = imported.constant_neurons
        notes.append(f"hidden neurons added for the last layer's biases: {count}")
    if imported.choice.reason and not imported.choice.near_tie:
        notes.append(imported.choice.reason)
    if imported.tuned is not None and imported.tuned.errors == imported.quantised.errors:
        notes.append(
            "the quantised network is kept: no epoch of tuning classifies the training images that "
            "are held out better by more than chance may"
        )
    if imported.spread_biases:
        notes.append("there is no hidden layer: biases are spread over the pixels' weights")
    answer(arguments, record, figures("Imported network", rows), notes)
    return INTERRUPTED if imported.interrupted else 0
