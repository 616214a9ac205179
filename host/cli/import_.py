"""``allspin import``: bring a network of another tool to the machine."""

import os
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.cli.answers import INTERRUPTED, answer, ended_by_clusters
from allspin.host.cli.command import check_needs, need_pictures
from allspin.host.cli.shared import DataFile, Json, RecipeFile, Steps, Style
from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.imported import Imported
from allspin.host.foreign.importing import import_network
from allspin.host.options import FLAT
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Number, figures
from allspin.sim.network.netfile import save_network

EXAMPLES = """\
Ctrl-C ends the training of --tune; the network so far is saved (exit status
130).

examples:
  allspin import model.onnx -o mine.safetensors
  allspin import model.onnx -o mine.safetensors --states 100 --tune 10
  allspin import state.safetensors -o mine.safetensors --mean 0.1307 \\
      --scale 0.3081
  allspin import model.npz --data fashion -o mine.safetensors --pictures out
  allspin import model.onnx --tiles 128:5 -o tiled.safetensors
  allspin import model.onnx --device paper --tune 10 -o paper-mine.safetensors
"""


def run(
    model: Annotated[Path, Parameter(metavar="MODEL")],
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o", metavar="NET")],
    recipe: RecipeFile = None,
    conversion: Annotated[ImportOptions, FLAT] = ImportOptions(),  # noqa: B008 (it is frozen)
    data: DataFile = None,
    pictures: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    style: Style = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Convert a network that was trained elsewhere to the machine's integers.

    The losses of accuracy are shown. MODEL is ONNX (.onnx; QONNX and QCDQ too), safetensors with
    PyTorch's or Flax's names (.safetensors), or .npz with W0, b0, W1 and so on: fully connected
    layers, of ONNX convolutions and pools too, with ReLU or steps of few bits between them.
    docs/networks.md shows how to save one.

    Parameters
    ----------
    model : Path
        File of the other tool.
    output : Path
        Network file to write.
    pictures : Path, optional
        Folder for pictures of accuracies and of the layers' errors.
    """
    check_needs({"style": style}, {"pictures": pictures})
    need_pictures(pictures)
    look = PictureStyle.open(style or "screen")
    check_writable(output)
    check_apart(output, model, recipe, data)
    if pictures is not None:
        make_folder(pictures)
    start = time.perf_counter()
    with ended_by_clusters() as ending:
        imported = import_network(model, data, conversion, progress=steps)
        ending.trains = False
        seconds = time.perf_counter() - start
        save_network(imported.network, output)
        ending.saved(imported.interrupted)
    if pictures is not None:
        from allspin.host.draw.picture_files import save_picture  # Matplotlib

        save_picture(imported.plot(), pictures, "imported", look)
    if imported.interrupted:
        warn(f"interrupted; the network so far is in {output}")
    record = {"network": os.fspath(output), **imported.to_dict(), "seconds": seconds}
    table = figures("Imported network", _rows(imported, seconds))
    notes = [*imported.network.notes, f"the network is in {output}", *_remarks(imported)]
    answer(steps, record, table, notes, json_wanted=json)
    return INTERRUPTED if imported.interrupted else 0


def _rows(imported: Imported, seconds: float) -> list[Figure]:
    """Return the rows of the table: sizes, accuracies and errors of each stage."""
    rows: list[Figure] = [
        ("model", "-".join(map(str, imported.model_topology))),
        ("topology", "-".join(map(str, imported.network.topology))),
        ("white pixel in the model's input", f"{imported.choice.scaling.white:g}"),
    ]
    for name, share in imported.accuracies.items():
        stage_name = "in floating point" if name == "model" else f"as {name}"
        rows.append((f"accuracy {stage_name}", Number(100 * share, ".2f"), "%"))
    for name, stage in imported.stages.items():
        for layer, error in enumerate(stage.errors):
            rows.append((f"error of layer {layer} as {name}", Number(100 * error, ".1f"), "%"))
    rows.append(("time", seconds, "s"))
    return rows


def _remarks(imported: Imported) -> list[str]:
    """Return remarks on the conversion."""
    notes = []
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
    return notes
