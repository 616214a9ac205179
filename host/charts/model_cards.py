"""Cards that a notebook shows of devices, chips, networks and results, and their figures."""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import htpy as h
import numpy as np
from matplotlib.figure import Figure

from allspin.host.charts.device_curves import DRAWN, response_curve, synapse_curve
from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.charts.rah_maps import map_pixels, rah_maps, strongest, top_word
from allspin.host.draw.html import card_of, image
from allspin.host.show.result import Result
from allspin.host.show.table import Table, fact_table
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown
from allspin.sim.programming.program import ProgrammedChip

MAPS = 10
"""Most maps of a network on its card."""
ACROSS = 5
"""Maps side by side."""
EDGE = 64
"""Longest side of images, in pixels, of which a card has maps."""


@singledispatch
def card(shown: Any) -> Any:
    """Return the card of a model or a result as HTML; None where it has none."""


@singledispatch
def drawn(shown: Any) -> Figure:
    """Return the figure of a model."""
    raise TypeError(f"there is no figure of {type(shown).__name__}")


@card.register
def _card_of_result(result: Result) -> str:
    pictures = [result.plot()] if result.has_picture() else []
    return card_of(result.card_tables(), *pictures)


def _variations(device: Device) -> list[tuple[str, object]]:
    return [("" if place else "varies", line) for place, line in enumerate(device.readings())]


@card.register
def _card_of_device(device: Device) -> str:
    synapse = device.synapse
    facts = [
        ("states", synapse.states),
        ("R_AH", f"{synapse.low:.4g} to {synapse.high:.4g} ({device.unit})"),
        ("neuron", device.neuron.name),
        *_variations(device),
    ]
    table = fact_table(f"Device {device.name}", facts)
    return card_of([table], synapse_curve(device), response_curve(device))


@drawn.register
def _figure_of_device(device: Device) -> Figure:
    return synapse_curve(device)


@card.register
def _card_of_chip(chip: Chip) -> str:
    device = chip.device
    facts = [
        ("seed", chip.seed),
        ("device", device.name),
        ("drawn", f"the first {DRAWN} cells and neurons of the first layer, without C2C"),
        *_variations(device),
    ]
    table = fact_table(f"Chip {chip.seed} of {device.name}", facts)
    return card_of([table], synapse_curve(device, chip), response_curve(device, chip))


@drawn.register
def _figure_of_chip(chip: Chip) -> Figure:
    return synapse_curve(chip.device, chip)


@card.register
def _card_of_network(network: Network) -> str:
    pictures = [_map_sheet(network)] if max(network.image_shape) <= EDGE else []
    return card_of([_network_facts(network)], *pictures)


def _network_facts(network: Network) -> Table:
    hidden = len(network.layers) > 1
    provenance = network.provenance
    options = provenance.get("options")
    if not isinstance(options, Mapping):
        options = {}
    accuracy = provenance.get("validation_accuracy")
    states = sorted({layer.levels.size for layer in network.layers})
    facts = [
        ("topology", "-".join(map(str, network.topology))),
        ("crossbars", network.crossbars),
        ("states", " or ".join(map(str, states))),
        ("neuron", network.neuron.name if hidden else None),
        ("synapses", f"{sum(layer.states.size for layer in network.layers):,}"),
        ("pixels", f"{' x '.join(map(str, network.image_shape))}, {network.pixel_bits} bits"),
        ("activations", f"{network.hidden_bits} bits" if hidden else None),
        ("R_AH words", f"{network.rah_bits} bits"),
        ("tiles", _tiles_text(network)),
        ("trained on", _name_in(provenance.get("data"))),
        ("trained for", _name_in(options.get("device"))),
        ("seed", _name_in(options.get("seed"))),
        ("validation accuracy", f"{accuracy:.2%}" if isinstance(accuracy, float) else None),
    ]
    return fact_table("Network", facts)


def _tiles_text(network: Network) -> str | None:
    """Describe the tiles of the layers; None where no layer has tiles."""
    if all(layer.adc is None for layer in network.layers):
        return None
    texts = []
    for layer in network.layers:
        adc = layer.adc
        texts.append("none" if adc is None else f"{adc.rows} rows to {adc.bits} bits")
    return " or ".join(dict.fromkeys(texts))


def _name_in(value: Any) -> str | int | None:
    """Return a text or a number of a network's provenance, or the name that a table has."""
    if isinstance(value, dict):
        value = value.get("name")
    return value if isinstance(value, str | int) else None


def _map_sheet(network: Network) -> h.Node:
    """Return maps of R_AH as one image, a pixel apart, with its scale below."""
    columns = strongest(network, MAPS)
    maps = [map_pixels(network, column) for column in columns]
    height, width = (side + 1 for side in maps[0].shape[:2])
    down = -(-len(columns) // ACROSS)
    sheet = np.zeros((down * height, min(ACROSS, len(columns)) * width, 4), np.uint8)
    for number, pixels in enumerate(maps):
        y = number // ACROSS * height
        x = number % ACROSS * width
        sheet[y : y + height - 1, x : x + width - 1] = pixels
    units = "neurons" if len(network.layers) > 1 else "classes"
    alt = f"R_AH of {units} {', '.join(map(str, columns))}"
    style = "width:100%;height:auto;image-rendering:pixelated;background:none"
    top = top_word(network)
    scale = f"R_AH by pixel: purple is {-top}, white 0, orange {top}"
    return h.fragment[image(sheet, alt, style=style), h.small[scale]]


@drawn.register
def _figure_of_network(network: Network) -> Figure:
    # An image that lights every pixel, so that no map has blank pixels.
    return rah_maps(network, np.full((1, *network.image_shape), 255, np.uint8))


@drawn.register
def _figure_of_words(programmed: ProgrammedChip) -> Figure:
    panels = []
    for number, words in enumerate(programmed.words):
        values, counts = np.unique(words, return_counts=True)
        line = ChartLine("", values.tolist(), counts.tolist(), marked=False)
        panels.append(ChartPanel([line], "R_AH word", "cells", f"layer {number}"))
    return curves("R_AH words of the cells", panels)


# `allspin/__init__.py` sets this hook too, without loading this module before a card is needed.
Shown.card = staticmethod(card)
