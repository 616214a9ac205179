"""Demonstration of the whole machine, from training to pictures."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

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
from allspin.host.run.traced import (
    TRACED_IMAGES,
    TracedRun,
    run_traced,
)
from allspin.host.show.display import Display
from allspin.host.show.table import Number, Table, figures
from allspin.host.show.terminal import table_text
from allspin.host.show.version import commit
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.trained import Trained
from allspin.host.train.trainer import train
from allspin.sim.device.device import Device
from allspin.sim.files import write_atomically
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network

NETWORK = "network.safetensors"
"""File of the trained network, in the folder of the results."""
HEADER = b"\4\1\1"
"""Kind and tag of an image's request, of the usual length, to count the bytes on the link."""


def results_table(results: Mapping[str, Any]) -> Table:
    """Return the results of `run_demo` as a table."""
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
    """Count the bytes of all images' requests."""
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
        Training and test images.
    parameters : TrainingParameters
        Parameters of the training, with at least one hidden layer.
    out : Path
        Folder for the network, the results (text and JSON) and the pictures, which is made.
    progress : Display
        Display of the steps.
    style : PictureStyle
        Style of the pictures.

    Returns
    -------
    dict
        Results by the names of ``results.json``.

    Raises
    ------
    UserError
        If `out` cannot be written, no C++ compiler is installed, or the machine fails.
    KeyboardInterrupt
        On Ctrl-C.
    """
    make_folder(out)
    trained, training_seconds = _timed_training(dataset, parameters, progress)
    write_atomically(out / NETWORK, network_to_bytes(trained.network))
    streamed = run_traced(trained.network, dataset.test_images, progress)
    compared = _compare_logits(trained.network, dataset.test_images, streamed, progress)
    network = trained.network
    images = len(dataset.test_images)
    results: dict[str, Any] = {
        "network": str(out / NETWORK),
        "on": "virtual",
        "states": parameters.states,
        "topology": "-".join(map(str, network.topology)),
        "training_seconds": training_seconds,
        "validation_accuracy": trained.validation_accuracy,
        "accuracy": float(np.mean(streamed.answers.classes == dataset.test_labels)),
        "images": images,
        "seconds": streamed.seconds,
        "images_per_second": images / streamed.seconds,
        "cycles_per_image": streamed.cycles / images,
        "cycles_bound": streamed.bound,
        "bytes_per_image": link_bytes(network, dataset.test_images) / images,
        **compared,
        "commit": commit(),
    }
    write_atomically(out / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    write_atomically(out / "results.txt", table_text(results_table(results)).encode())
    device = None if parameters.target is None else parameters.target.device
    pictures = _pictures(trained, streamed, dataset, device, results["accuracy"])
    save_pictures(pictures, out, progress, style)
    return results


def _timed_training(
    dataset: Dataset, parameters: TrainingParameters, progress: Display
) -> tuple[Trained, float]:
    """Train, and return the network with the seconds that it took."""
    begun = time.perf_counter()
    trained = train(dataset, parameters, progress=progress)
    if trained.interrupted:
        raise KeyboardInterrupt
    return trained, time.perf_counter() - begun


def _compare_logits(
    network: Network, images: npt.NDArray[np.uint8], streamed: TracedRun, progress: Display
) -> dict[str, Any]:
    """Compare every logit of the gateware with the golden model's."""
    progress.start("comparing every logit with the golden model")
    model = GoldenModel(network)
    begun = time.perf_counter()
    expected = model.logits(images)
    seconds = time.perf_counter() - begun
    mismatches = int(np.count_nonzero(streamed.answers.logits != expected))
    progress.finish(f"{expected.size:,} compared, {mismatches:,} differ")
    return {
        "logits_compared": expected.size,
        "mismatches": mismatches,
        "golden_images_per_second": len(images) / seconds,
    }


def _pictures(
    trained: Trained,
    streamed: TracedRun,
    dataset: Dataset,
    device: Device | None,
    accuracy: float,
) -> dict[str, Callable[[], Figure]]:
    """Return the functions that draw the pictures, by name."""
    network = trained.network
    images = dataset.test_images
    labels = dataset.test_labels
    answers = streamed.answers.classes
    curve = network.provenance["curve"]
    return {
        "learning": lambda: learning_curve(curve, trained.validation_accuracy, accuracy),
        "neuron": lambda: neuron_curve(network, device),
        "maps": lambda: rah_maps(network, images, device=device),
        "confusion": lambda: confusion_matrix(labels, answers, network.classes),
        "wrong": lambda: wrong_images(images, labels, answers),
        "timeline": lambda: timeline(streamed.activity, network.positions, TRACED_IMAGES),
        "overview": lambda: overview(network, images, device),
    }
