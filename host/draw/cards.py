"""What a notebook shows of an object: pictures, and a small table beside them."""

import base64
import io
import re
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import htpy as h
import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from allspin.host.draw.array_charts import map_pixels, rah_maps, strongest, top_word
from allspin.host.draw.curve_charts import ChartLine, ChartPanel, curves
from allspin.host.draw.device_charts import DRAWN, response_curve, synapse_curve
from allspin.host.draw.style import R_AH, Look, svg_of
from allspin.host.show.say import shortened
from allspin.host.show.table import Table, TableColumn, shown
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown
from allspin.sim.programming.programming import Programmed

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
LOWERED = Markup("R<sub>AH</sub>")


def render(content: h.Node) -> str:
    """The HTML of some content, without a character that no page may hold, wherever it was."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(h.fragment[content]))


def spelled(content: h.Node) -> h.Node:
    """Content for people to read: in a string R_AH has its index lowered, as in print."""
    return escape(content).replace("R_AH", LOWERED) if isinstance(content, str) else content


def html_table(table: Table, style: str | None = None) -> h.Node:
    """A table, with its notes below it.

    Parameters
    ----------
    table : Table
        The table; numbers have the class ``number``.
    style : str, optional
        Of the cells that hold no numbers.
    """
    numeric = [table.is_number(place) for place in range(len(table.columns))]
    looks: list[dict[str, Any]] = [
        {"class_": "number"} if is_number else {"style": style} for is_number in numeric
    ]

    def line(row: Any) -> h.Element:
        cells = []
        for place, (cell, column, look) in enumerate(zip(row, table.columns, looks, strict=True)):
            made = h.th(scope="row", **look) if place < table.keys else h.td(**look)
            cells.append(made[spelled(shown(cell, column))])
        return h.tr[cells]

    heads = [
        h.th(scope="col", **look)[spelled(column.head)]
        for column, look in zip(table.columns, looks, strict=True)
    ]
    return h.fragment[
        h.table[
            h.caption(style=style)[h.b[spelled(table.title)]],
            h.thead[h.tr[heads]] if table.headed else None,
            h.tbody[[line(row) for row in table.rows]],
        ],
        [h.p(class_="note")[note] for note in table.notes],
    ]


def image(pixels: npt.NDArray[np.uint8], alt: str, **attributes: Any) -> h.VoidElement:
    """A small image that the page holds itself: grey levels or RGBA, a pixel each."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    height, width = pixels.shape[:2]
    return h.img(src=source, alt=alt, **{"width": width, "height": height, **attributes})


def caption_of(figure: Figure) -> str:
    """A figure's title as plain text; it is taken from the figure, for the page to say it."""
    title = figure.get_suptitle().replace(R_AH, "R_AH").replace(r"\$", "$")
    figure.suptitle("")
    return title


def chart(figure: Figure, title: str, look: Look | None = None) -> h.Node:
    """A figure as an element of the page; see `allspin.host.draw.style.svg_of`."""
    return Markup(svg_of(figure, title, look))


LONGEST = 200
"""Characters of a value that are shown."""
WIDTH = 380
"""Of a picture, in pixels."""
BOX = "display:flex;flex-wrap:wrap;gap:1em 1.5em;align-items:flex-start;margin:0.5em 0"
MAPS, ACROSS = 10, 5
"""How many maps of a network at most, and how many of them side by side."""
EDGE = 64
"""Images with a longer side than this are no pictures that a card could hold."""


def beside(table: Table, *pictures: h.Node | Figure) -> str:
    """Pictures and a table beside one another, or below where there is no room."""
    parts: list[h.Node] = []
    for each in pictures:
        shown = chart(each, caption_of(each)) if isinstance(each, Figure) else each
        parts.append(h.div(style=f"width:{WIDTH}px;max-width:100%")[shown])
    return render(h.div(style=BOX)[parts, h.div[html_table(table, style="text-align:left")]])


def facts(title: str, values: Sequence[tuple[str, object]]) -> Table:
    """A card's table: names and values, but for those that are None."""
    rows = [(name, shortened(str(value), LONGEST)) for name, value in values if value is not None]
    return Table(
        shortened(title, LONGEST), (TableColumn("what"), TableColumn("value")), rows, headed=False
    )


@singledispatch
def card(shown: Any) -> Any:
    """The card of a model, as HTML; None where it has none."""


@singledispatch
def drawn(shown: Any) -> Figure:
    """The figure of a model."""
    raise TypeError(f"there is no figure of {type(shown).__name__}")


def _varies(device: Device) -> list[tuple[str, object]]:
    return [("varies" if not place else "", line) for place, line in enumerate(device.readings())]


@card.register
def _device(device: Device) -> str:
    synapse = device.synapse
    about = [
        ("states", synapse.states),
        ("R_AH", f"{synapse.low:.4g} to {synapse.high:.4g} ({device.unit})"),
        ("neuron", device.neuron.name),
        *_varies(device),
    ]
    table = facts(f"Device {device.name}", about)
    return beside(table, synapse_curve(device), response_curve(device))


@card.register
def _chip(chip: Chip) -> str:
    device = chip.device
    about = [
        ("seed", chip.seed),
        ("device", device.name),
        ("drawn", f"the first {DRAWN} cells and neurons of the first layer, without C2C"),
        *_varies(device),
    ]
    table = facts(f"Chip {chip.seed} of {device.name}", about)
    return beside(table, synapse_curve(device, chip), response_curve(device, chip))


@card.register
def _network(network: Network) -> str:
    hidden = len(network.layers) > 1
    given = network.provenance
    options = given.get("options")
    options = options if isinstance(options, dict) else {}
    reached = given.get("validation_accuracy")
    states = sorted({layer.levels.size for layer in network.layers})
    tiles = [
        "none" if layer.adc is None else f"{layer.adc.rows} rows to {layer.adc.bits} bits"
        for layer in network.layers
    ]
    about = [
        ("topology", "-".join(map(str, network.topology))),
        ("crossbars", network.crossbars),
        ("states", " or ".join(map(str, states))),
        ("neuron", network.neuron.name if hidden else None),
        ("synapses", f"{sum(layer.states.size for layer in network.layers):,}"),
        ("pixels", f"{' x '.join(map(str, network.image_shape))}, {network.pixel_bits} bits"),
        ("activations", f"{network.hidden_bits} bits" if hidden else None),
        ("R_AH words", f"{network.rah_bits} bits"),
        ("tiles", None if set(tiles) == {"none"} else " or ".join(dict.fromkeys(tiles))),
        ("trained on", _named(given.get("data"))),
        ("trained for", _named(options.get("device"))),
        ("seed", _named(options.get("seed"))),
        ("validation accuracy", f"{reached:.2%}" if isinstance(reached, float) else None),
    ]
    maps = _maps(network) if max(network.image_shape) <= EDGE else ()
    return beside(facts("Network", about), *maps)


def _maps(network: Network) -> tuple[h.Node]:
    """Maps of R_AH as one picture, a pixel apart."""
    columns = strongest(network, MAPS)
    maps = [map_pixels(network, column) for column in columns]
    height, width = (side + 1 for side in maps[0].shape[:2])
    down = -(-len(columns) // ACROSS)
    sheet = np.zeros((down * height, min(ACROSS, len(columns)) * width, 4), np.uint8)
    for number, pixels in enumerate(maps):
        y, x = number // ACROSS * height, number % ACROSS * width
        sheet[y : y + height - 1, x : x + width - 1] = pixels
    what = "neurons" if len(network.layers) > 1 else "classes"
    alt = f"R_AH of {what} {', '.join(map(str, columns))}"
    style = "width:100%;height:auto;image-rendering:pixelated;background:none"
    top = top_word(network)
    said = f"R_AH by pixel: purple is {-top}, white 0, orange {top}"
    return (h.fragment[image(sheet, alt, style=style), h.small[said]],)


def _named(value: Any) -> str | int | None:
    """What a file says of itself, where it is a text or a number, or the name that it has."""
    value = value.get("name") if isinstance(value, dict) else value
    return value if isinstance(value, str | int) else None


drawn.register(Device, synapse_curve)
drawn.register(Chip, lambda chip: synapse_curve(chip.device, chip))
drawn.register(
    Programmed,
    lambda made: curves(
        "R_AH words of the cells",
        [
            ChartPanel(
                [
                    ChartLine(
                        "",
                        *(each.tolist() for each in np.unique(words, return_counts=True)),
                        marked=False,
                    )
                ],
                *("R_AH word", "cells", f"layer {number}"),
            )
            for number, words in enumerate(made.words)
        ],
    ),
)
# Every pixel is shown as one that some image lights.
drawn.register(Network, lambda net: rah_maps(net, np.full((1, *net.image_shape), 255, np.uint8)))
Shown.card = staticmethod(card)
