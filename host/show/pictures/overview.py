"""One picture of it all: the neuron, and what hidden neurons look for."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from allspin.host.show.pictures.maps import add_scale, draw_map, lit_pixels
from allspin.host.show.pictures.neuron import draw_curve
from allspin.host.show.pictures.style import R_AH, new_figure, styled
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.network.network_card import most_heard

ROWS = 3
COLUMNS = 5


@styled
def overview(
    network: Network, images: npt.NDArray[np.uint8], device: Device | None = None
) -> Figure:
    """Draw R_AH maps of some hidden neurons beside the neuron's curve.

    Parameters
    ----------
    network : Network
        A network with a hidden layer.
    images : ndarray of uint8, shape (images, height, width)
        Images that tell which pixels are ever lit.
    device : Device, optional
        What it is made of: units are told where its file has them.
    """
    figure = new_figure(11, 3.9, "")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.25, 1), wspace=0.03)[0]
    left.suptitle(
        f"Synapses: signed {R_AH} of {len(network.layers[0].levels)} states", x=0.01, ha="left"
    )
    right.suptitle(f"Neurons: {R_AH} against current", x=0.01, ha="left")
    grid = left.subplots(ROWS, COLUMNS)
    lit = lit_pixels(images)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, column in zip(grid.flat, most_heard(network, ROWS * COLUMNS), strict=False):
        axes.set_axis_on()
        draw_map(axes, network, column, lit)
    add_scale(left, list(grid.flat), network, device)
    draw_curve(right.subplots(), network, device)
    return figure
