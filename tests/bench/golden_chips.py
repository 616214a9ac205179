"""A worker's part of the golden model's target: some chips, and their time and memory."""

import resource
import sys

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from tests.bench.timing import Timed, timed


def peak_memory() -> int:
    """Bytes that this process has had at most."""
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def some_chips(
    name: str, device_name: str, seeds: range, count: int
) -> tuple[list[float], Timed, int]:
    """Measure chips on the golden model, on one thread.

    Parameters
    ----------
    name, device_name : str
        Network and device.
    seeds : range
        The chips.
    count : int
        How many test images.

    Returns
    -------
    list of float, Timed, int
        Accuracies, the time they took here, and this process's peak of memory in bytes.
    """
    images, labels = load_test_set(None)
    network, device = open_network(name), open_device(device_name)

    def work() -> npt.NDArray[np.float64]:
        return accuracy_over_chips(network, Lot(device, seeds), (images[:count], labels[:count]))

    with threadpool_limits(1):
        took, accuracies = timed(work)
    return accuracies.tolist(), took, peak_memory()
