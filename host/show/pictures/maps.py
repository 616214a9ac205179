"""R_AH maps: what each hidden neuron looks for, seen as the image that drives it."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure, SubFigure

from allspin.host.show.pictures.style import R_AH, new_figure, styled
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.network.network_card import most_heard, top_word

COLOURS = "PuOr_r"
"""Orange above zero, purple below, white at zero; apart under colour blindness too."""
SHARE = 0.002
"""A pixel that is lit in fewer of the images than this is drawn white: nothing taught it."""
FEW_STATES = 16
"""Up to so many states each has a colour and a tick of its own."""


def word_colours(words: npt.ArrayLike, top: float) -> npt.NDArray[np.float64]:
    """RGBA, each from 0 to 1, of R_AH words from `-top` to `top`; shape of `words` and 4."""
    shares = (np.asarray(words, np.float64) + top) / (2 * top)
    return np.asarray(mpl.colormaps[COLOURS](shares))


def colour_scale(network: Network) -> tuple[Colormap, Normalize]:
    """Colours of R_AH words: one for each of the first layer's levels, where they are few."""
    levels, top = np.unique(network.layers[0].levels.astype(np.float64)), top_word(network)
    if len(levels) > FEW_STATES:
        return mpl.colormaps[COLOURS], Normalize(-top, top)
    return ListedColormap(list(word_colours(levels, top))), BoundaryNorm(
        _edges(levels), len(levels)
    )


def _edges(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where one level's colour ends and the next one's begins."""
    if len(levels) == 1:
        return np.array([levels[0] - 1, levels[0] + 1])
    middles = (levels[1:] + levels[:-1]) / 2
    return np.concatenate([[2 * levels[0] - middles[0]], middles, [2 * levels[-1] - middles[-1]]])


def resistances(network: Network, device: Device | None) -> str:
    """What the outermost words are in ohm, where a device's file has ohm; else empty."""
    if device is None or device.unit != "ohm":
        return ""
    low, top = device.synapse.low, top_word(network)
    high = low + device.synapse.span
    return f"{-top} is {low:.3g} ohm, {top} is {high:.3g} ohm".replace("-", "\N{MINUS SIGN}")


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


def add_scale(
    figure: Figure | SubFigure, axes: Sequence[Axes], network: Network, device: Device | None = None
) -> None:
    """Draw the colour bar of the maps, with a label at the middle of each state's block."""
    colours, scale = colour_scale(network)
    levels = np.unique(network.layers[0].levels.astype(np.float64))
    in_ohm = resistances(network, device)
    label = f"{R_AH} (word of {network.rah_bits} bits), {len(network.layers[0].levels)} states"
    bar = figure.colorbar(
        ScalarMappable(scale, colours),
        ax=list(axes),
        label=f"{label}\n{in_ohm}" if in_ohm else label,
        shrink=0.8,
    )
    if len(levels) <= FEW_STATES:
        edges = _edges(levels)
        bar.set_ticks(
            ((edges[1:] + edges[:-1]) / 2).tolist(), labels=[_signed(level) for level in levels]
        )
        bar.ax.minorticks_off()
    bar.ax.tick_params(length=0 if len(levels) <= FEW_STATES else 2, labelsize=7)


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


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
        Images that tell which pixels are ever lit.
    rows, columns : int
        How many maps at most, down and across.
    device : Device, optional
        What it is made of: words are told in ohm too, where its file has ohm.
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
    add_scale(figure, list(grid.flat), network, device)
    figure.supxlabel(
        "above each map: number of the neuron; white: pixels that hardly any image lights",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    return figure
