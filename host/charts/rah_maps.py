"""Charts of R_AH words as images: the weights of hidden neurons, pixel by pixel."""

from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure, SubFigure

from allspin.host.charts.neuron_curve import draw_curve
from allspin.host.draw.style import R_AH, new_figure, styled
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network

MAP_COLOURS = "PuOr_r"
"""Colour map: orange above zero, purple below, apart under colour blindness too."""
SHARE = 0.002
"""Share of the images below which a lit pixel is blank: training did not reach it."""
FEW_STATES = 16
"""Most states that have a colour and a tick each."""


def strongest(network: Network, count: int) -> list[int]:
    """Return the columns of the first crossbar with the strongest rows in the next, in order.

    Of a network of one layer they are the first classes.
    """
    if len(network.layers) == 1:
        return list(range(min(count, network.classes)))
    # An output drives a row of the next layer at each position, columns side by side.
    strength = np.abs(network.layers[1].words.astype(np.int64)).sum(axis=1)
    strength = strength.reshape(-1, network.layers[0].columns).sum(axis=0)
    return sorted(np.argsort(-strength, kind="stable")[:count].tolist())


def top_word(network: Network) -> int:
    """Return the largest magnitude of the first layer's levels, at least 1."""
    return max(1, int(np.abs(network.layers[0].levels.astype(np.int64)).max()))


def as_picture(network: Network, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Arrange a value for each row of the first crossbar as the image or kernel of a column.

    Returns
    -------
    ndarray, shape (height, width)
        Of one with channels each channel, side by side.
    """
    field = network.layers[0].kind.receptive_field(network.image_shape)
    height, width, channels = (*field, 1)[:3]
    by_channel = values.reshape(height, width, channels).swapaxes(1, 2)
    return by_channel.reshape(height, -1)


def map_pixels(network: Network, column: int) -> npt.NDArray[np.uint8]:
    """Return one column of the first crossbar as RGBA, shape (height, width, 4)."""
    words = as_picture(network, network.layers[0].words[:, column])
    return (255 * word_colours(words, top_word(network))).round().astype(np.uint8)


def word_colours(words: npt.ArrayLike, top: float) -> npt.NDArray[np.float64]:
    """Return the RGBA, 0 to 1, of R_AH words from `-top` to `top`; shape of `words` and 4."""
    shares = (np.asarray(words, np.float64) + top) / (2 * top)
    return np.asarray(mpl.colormaps[MAP_COLOURS](shares))


def colour_scale(network: Network) -> tuple[Colormap, Normalize]:
    """Return the colours of R_AH words: one for each of the first layer's levels, if few."""
    levels = np.unique(network.layers[0].levels.astype(np.float64))
    top = top_word(network)
    if len(levels) > FEW_STATES:
        return mpl.colormaps[MAP_COLOURS], Normalize(-top, top)
    # One level's colour ends, and the next one's begins, in the middle between them.
    apart = np.diff(levels) / 2
    first, last = (apart[0], apart[-1]) if apart.size else (1.0, 1.0)
    edges = [levels[0] - first, *(levels[:-1] + apart), levels[-1] + last]
    colours = ListedColormap(list(word_colours(levels, top)))
    return colours, BoundaryNorm(edges, len(levels))


def resistances(network: Network, device: Device | None) -> str:
    """Describe the outermost words in ohm, if the device's file has ohm; else return ``""``."""
    if device is None or device.unit != "ohm":
        return ""
    top = top_word(network)
    low = device.synapse.low
    high = low + device.synapse.span
    return _with_minus(f"{-top} is {low:.3g} ohm, {top} is {high:.3g} ohm")


def _with_minus(text: str) -> str:
    """Write minus signs in place of hyphens."""
    return text.replace("-", "\N{MINUS SIGN}")


def lit_pixels(network: Network, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return a mask of the pixels lit in more than `SHARE` of the images.

    Returns
    -------
    ndarray of bool, shape (height, width)
        As of `as_picture`.
    """
    lit = np.mean(images > 0, axis=0) > SHARE
    first = network.layers[0]
    rows = first.kind.im2col(np.reshape(lit, (1, -1)), first.rows)
    return as_picture(network, np.any(rows, axis=0, keepdims=True))


def _draw_maps(
    figure: Figure | SubFigure,
    shape: tuple[int, int],
    network: Network,
    images: npt.NDArray[np.uint8],
    device: Device | None,
) -> None:
    """Draw maps in a grid of this shape, and the colour bar."""
    grid = figure.subplots(*shape, squeeze=False)
    first = network.layers[0]
    colours, scale = colour_scale(network)
    chosen = strongest(network, grid.size)
    dark = ~lit_pixels(network, images)
    for axes in grid.flat[len(chosen) :]:
        axes.set_axis_off()
    for axes, column in zip(grid.flat, chosen, strict=False):
        words = np.ma.array(as_picture(network, first.words[:, column]), mask=dark)
        axes.imshow(words, cmap=colours, norm=scale, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
        axes.set_title(f"{column}", fontsize=7, fontweight="normal", pad=2)
    label = f"{R_AH} (word of {network.rah_bits} bits), {len(first.levels)} states"
    in_ohm = resistances(network, device)
    if in_ohm:
        label += f"\n{in_ohm}"
    mappable = ScalarMappable(scale, colours)
    bar = figure.colorbar(mappable, ax=list(grid.flat), label=label, shrink=0.8)
    bar.ax.tick_params(length=2, labelsize=7)
    if isinstance(scale, BoundaryNorm):
        # A label at the middle of each state's block.
        edges = scale.boundaries
        middles = (edges[1:] + edges[:-1]) / 2
        names = [_with_minus(f"{level:g}") for level in np.unique(first.levels)]
        bar.set_ticks(middles.tolist(), labels=names)
        bar.ax.minorticks_off()
        bar.ax.tick_params(length=0)


@styled
def rah_maps(
    network: Network,
    images: npt.NDArray[np.uint8],
    rows: int = 4,
    columns: int = 6,
    device: Device | None = None,
) -> Figure:
    """Draw the R_AH words of some hidden neurons as images.

    Parameters
    ----------
    network : Network
        A network with a hidden layer.
    images : ndarray of uint8, shape (images, height, width)
        Images that show which pixels are ever lit.
    rows, columns : int
        How many maps at most, down and across.
    device : Device, optional
        Device of the synapses: the scale has ohm too, if its file has ohm.
    """
    rows = min(rows, -(-network.layers[0].columns // columns))
    title = f"What hidden neurons look for: {R_AH} of their synapses"
    figure = new_figure(7.5, 1.05 * max(rows, 2) + 0.9, title)
    _draw_maps(figure, (rows, columns), network, images, device)
    said = "Above each map: number of the neuron"
    if not lit_pixels(network, images).all():
        said += "; white: pixels that hardly any image lights"
    figure.supxlabel(said, fontsize=8, x=0.01, ha="left")
    return figure


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
        Images that show which pixels are ever lit.
    device : Device, optional
        Device of the network: scales have the units that its file has.
    """
    figure = new_figure(11, 3.9, "")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.25, 1), wspace=0.03)[0]
    states = len(network.layers[0].levels)
    left.suptitle(f"Synapses: signed {R_AH} of {states} states", x=0.01, ha="left")
    right.suptitle(f"Neurons: {R_AH} against current", x=0.01, ha="left")
    _draw_maps(left, (ROWS, COLUMNS), network, images, device)
    draw_curve(right.subplots(), network, device)
    return figure
