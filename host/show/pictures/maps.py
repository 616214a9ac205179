"""R_AH maps: what each hidden neuron looks for, seen as the image that drives it."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, Normalize
from matplotlib.figure import Figure, SubFigure

from allspin.host.show.pictures.style import R_AH, new_figure, styled
from allspin.sim.network.network import Network

COLOURS = "PuOr_r"
"""Orange above zero, purple below, white at zero; apart under colour blindness too."""
SHARE = 0.002
"""A pixel that is lit in fewer of the images than this is drawn white: nothing taught it."""
FEW_STATES = 16
"""Up to so many states each has a colour and a tick of its own."""


def colour_scale(network: Network) -> tuple[Colormap, Normalize]:
    """Colours of R_AH words; those of the first layer's levels where they are few."""
    levels = network.layers[0].levels.astype(np.float64)
    top = float(np.abs(levels).max())
    colours = mpl.colormaps[COLOURS]
    if len(levels) > FEW_STATES:
        return colours, Normalize(-top, top)
    edges = [levels[0] - 1, *(levels[1:] + levels[:-1]) / 2, levels[-1] + 1]
    return colours, BoundaryNorm(edges, colours.N)


def most_heard(network: Network, count: int) -> list[int]:
    """Hidden neurons whose rows in the next crossbar hold the strongest words, in order."""
    strength = np.abs(network.layers[1].words.astype(np.int64)).sum(axis=1)
    chosen = np.argsort(-strength, kind="stable")[:count]
    return sorted(int(number) for number in chosen)


def draw_map(axes: Axes, network: Network, column: int, lit: npt.NDArray[np.bool_]) -> None:
    """Draw one column of the first crossbar as an image.

    Parameters
    ----------
    axes : Axes
        Where to.
    network : Network
        The network.
    column : int
        Which hidden neuron.
    lit : ndarray of bool, shape (height, width)
        Pixels worth showing.
    """
    colours, scale = colour_scale(network)
    words = network.layers[0].words[:, column].reshape(network.image_shape)
    axes.imshow(np.ma.array(words, mask=~lit), cmap=colours, norm=scale, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_title(f"{column}", fontsize=7, fontweight="normal", pad=2)


def lit_pixels(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Pixels that are not black in more than `SHARE` of the images, shape (height, width)."""
    return np.mean(images > 0, axis=0) > SHARE


def add_scale(figure: Figure | SubFigure, axes: Sequence[Axes], network: Network) -> None:
    """Draw the colour bar of the maps."""
    colours, scale = colour_scale(network)
    levels = network.layers[0].levels
    bar = figure.colorbar(
        ScalarMappable(scale, colours),
        ax=list(axes),
        label=f"{R_AH} (word of {network.rah_bits} bits), {len(levels)} states",
        ticks=levels if len(levels) <= FEW_STATES else None,
        shrink=0.8,
    )
    bar.ax.tick_params(length=2, labelsize=7)


@styled
def rah_maps(
    network: Network, images: npt.NDArray[np.uint8], rows: int = 4, columns: int = 6
) -> Figure:
    """Draw the R_AH words of some hidden neurons as images.

    Parameters
    ----------
    network : Network
        A network with a hidden layer.
    images : ndarray of uint8, shape (images, height, width)
        Images that tell which pixels are ever lit.
    rows, columns : int
        How many maps at most, down and across.
    """
    chosen = most_heard(network, rows * columns)
    figure = new_figure(
        7.5, 1.05 * rows + 0.9, f"What hidden neurons look for: {R_AH} of their synapses"
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    lit = lit_pixels(images)
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    for axes, column in zip(grid.flat, chosen, strict=False):
        draw_map(axes, network, column, lit)
    add_scale(figure, list(grid.flat), network)
    figure.supxlabel(
        "above each map: number of the neuron; white: pixels that hardly any image lights",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    return figure
