"""A column without devices, priced on the very rows that real images drive."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.cells import synthesise
from allspin.hdl.neuron.cmos_neuron import DigitalColumn
from allspin.host.study.compare.neurons.cells import check_timing
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.netlist import Energy, Netlist
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

IMAGES = 8
"""Images whose rows are simulated, clock by clock."""


@dataclass(frozen=True, eq=False)
class ColumnPrice:
    """A digital column of the first layer.

    Attributes
    ----------
    netlist : Netlist
        Its cells.
    energy : Energy
        Of one clock, that is of one driven row.
    images : int
        Images that were simulated.
    period : float
        Of a clock, ns.
    """

    netlist: Netlist
    energy: Energy
    images: int
    period: float


def price_column(
    network: Network, images: npt.NDArray[np.uint8], library: Library, period: float
) -> ColumnPrice:
    """Map a column of the first layer, and run every one of its columns on some images.

    Parameters
    ----------
    network : Network
        The network; its first layer has neurons.
    images : ndarray of uint8, shape (images, height, width)
        The first `IMAGES` of them are used.
    library : Library
        The cells.
    period : float
        Of the clock, ns.

    Raises
    ------
    UserError
        If the column does not close timing at this period.
    AssertionError
        If the cells do not compute the sums' activations.
    """
    layer = network.layers[0]
    assert layer.converter is not None
    words = layer.words.astype(np.int64)
    inputs = GoldenModel(network).trace(images[:IMAGES])[0].inputs
    top = 2**network.pixel_bits - 1
    sum_bits = (int(np.abs(words).sum(axis=0).max()) * top).bit_length() + 1
    # A power of two in place of the V-I converters' gains; the threshold stays where it is.
    factor = layer.converter.gains.mean() / 2**layer.converter.shift
    drop = max(round(np.log2(2 ** (network.current_bits - network.hidden_bits) / factor)), 0)
    gains = np.maximum(layer.converter.gains, 1)
    start = -np.rint(layer.converter.offsets * 2.0**layer.converter.shift / gains)
    start = np.clip(start, -(2 ** (sum_bits - 1)), 2 ** (sum_bits - 1) - 1).astype(np.int64)
    sum_bits += 1  # room for the threshold
    column = DigitalColumn(
        network.pixel_bits, network.rah_bits, sum_bits, drop, network.hidden_bits
    )
    netlist = synthesise(column, library, period)
    check_timing(netlist, "a digital column", period)

    values, weights, first, last, wanted = [], [], [], [], []
    for image in inputs:
        rows = np.flatnonzero(image)
        rows = rows if len(rows) else np.array([0])
        values.append(image[rows].astype(np.int64))
        weights.append(words[rows])
        first.append(np.arange(len(rows)) == 0)
        last.append(np.arange(len(rows)) == len(rows) - 1)
        total = image.astype(np.int64) @ words + start
        wanted.append(np.clip(total >> drop, 0, 2**network.hidden_bits - 1))
    shape = (sum(map(len, values)), layer.columns)
    ends = np.flatnonzero(np.concatenate(last))
    activity = netlist.simulate(
        {
            "value": np.broadcast_to(np.concatenate(values)[:, None], shape),
            "weight": np.concatenate(weights),
            "first": np.broadcast_to(np.concatenate(first)[:, None], shape).astype(np.int64),
            "last": np.broadcast_to(np.concatenate(last)[:, None], shape).astype(np.int64),
            "start": np.broadcast_to(start, shape),
        }
    )
    shown = activity.outputs["activation"][ends[:-1] + 1]
    assert np.array_equal(shown, np.array(wanted[:-1])), "the column's cells compute otherwise"
    return ColumnPrice(netlist, netlist.energy(activity, period), len(inputs), period)
