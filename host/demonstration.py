"""The demonstration: the whole machine at work, from training to pictures."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.charts.confusion import confusion_matrix, wrong_images
from allspin.host.charts.learning_curve import learning_curve
from allspin.host.charts.neuron_curve import neuron_curve
from allspin.host.charts.rah_maps import overview, rah_maps
from allspin.host.charts.timeline import timeline
from allspin.host.data.datasets import Dataset
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_files import save_pictures
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.link.frames import encode_frame
from allspin.host.link.image_requests import encode_pixels
from allspin.host.run.inference import TRACED_IMAGES, run_traced
from allspin.host.show.display import Display
from allspin.host.show.table import Number, Table, figures
from allspin.host.show.terminal import table_text
from allspin.host.show.version import commit
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.trainer import train
from allspin.sim.files import write_atomically
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network

NETWORK = "network.safetensors"
"""File of the network that is trained, in the folder of what comes of it."""
HEADER = b"\4\1\1"
"""Kind and tag of an image's request, of the usual length, to count the link's bytes."""


def results_table(results: Mapping[str, Any]) -> Table:
    """The results of `run_demo` as a table."""
    rows = (
        ("test accuracy", Number(100 * results["accuracy"], ".2f"), "%"),
        ("validation accuracy", Number(100 * results["validation_accuracy"], ".2f"), "%"),
        ("training", results["training_seconds"], "s"),
        ("images streamed", results["images"]),
        ("cycles per image", Number(results["cycles_per_image"], ".1f")),
        ("  of which the slowest stage needs", Number(results["cycles_bound"], ".1f")),
        ("on the link, per image", results["bytes_per_image"], "bytes"),
        ("simulated gateware", results["images_per_second"], "images/s"),
        ("golden model", results["golden_images_per_second"], "images/s"),
        ("logits compared", results["logits_compared"]),
        ("mismatches", results["mismatches"]),
    )
    return figures(f"allspin: {results['topology']}, {results['states']} states", rows)


def link_bytes(network: Network, images: npt.NDArray[np.uint8]) -> int:
    """Bytes of all images' requests."""
    bodies = encode_pixels(images, network.pixel_bits)
    return sum(len(encode_frame(HEADER + body)) for body in bodies)


def run_demo(
    dataset: Dataset,
    parameters: TrainingParameters,
    out: Path,
    progress: Display,
    style: PictureStyle = SCREEN,
) -> dict[str, Any]:
    """Train, compile, program, stream, compare and draw.

    Parameters
    ----------
    dataset : Dataset
        What to learn, and to test with.
    parameters : TrainingParameters
        How to train; at least one hidden layer.
    out : Path
        Folder for the network, the results (text and JSON) and the pictures.
        It is made if it is not there.
    progress : Display
        Told of each step.
    style : PictureStyle
        What files pictures become.

    Returns
    -------
    dict
        What was measured, by the names of ``results.json``.

    Raises
    ------
    UserError
        If `out` cannot be written, there is no C++ compiler, or the machine fails.
    KeyboardInterrupt
        On Ctrl-C.
    """
    make_folder(out)
    file = out / NETWORK
    images, labels = dataset.test_images, dataset.test_labels

    begun = time.perf_counter()
    trained = train(dataset, parameters, progress=progress)
    if trained.interrupted:
        raise KeyboardInterrupt
    training_seconds = time.perf_counter() - begun
    network = trained.network
    write_atomically(file, network_to_bytes(network))

    streamed = run_traced(network, images, progress)

    progress.start("comparing every logit with the golden model")
    model = GoldenModel(network)
    begun = time.perf_counter()
    expected = model.logits(images)
    golden_seconds = time.perf_counter() - begun
    answers = streamed.answers
    mismatches = int(np.count_nonzero(answers.logits != expected))
    progress.finish(f"{expected.size:,} compared, {mismatches:,} differ")

    results: dict[str, Any] = {
        "network": str(file),
        "on": "virtual",
        "states": parameters.states,
        "topology": "-".join(map(str, network.topology)),
        "training_seconds": training_seconds,
        "validation_accuracy": trained.validation_accuracy,
        "accuracy": float(np.mean(answers.classes == labels)),
        "images": len(images),
        "seconds": streamed.seconds,
        "images_per_second": len(images) / streamed.seconds,
        "cycles_per_image": streamed.cycles / len(images),
        "cycles_bound": streamed.bound,
        "bytes_per_image": link_bytes(network, images) / len(images),
        "logits_compared": expected.size,
        "mismatches": mismatches,
        "golden_images_per_second": len(images) / golden_seconds,
        "commit": commit(),
    }
    write_atomically(out / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    write_atomically(out / "results.txt", table_text(results_table(results)).encode())

    device = None if parameters.target is None else parameters.target.device
    pictures = {
        "learning": lambda: learning_curve(
            network.provenance["curve"], trained.validation_accuracy, results["accuracy"]
        ),
        "neuron": lambda: neuron_curve(network, device),
        "maps": lambda: rah_maps(network, images, device=device),
        "confusion": lambda: confusion_matrix(labels, answers.classes, network.classes),
        "wrong": lambda: wrong_images(images, labels, answers.classes),
        "timeline": lambda: timeline(streamed.activity, network.positions, TRACED_IMAGES),
        "overview": lambda: overview(network, images, device),
    }
    save_pictures(pictures, out, progress, style)
    return results
