"""What a notebook shows of a network: maps of its strongest neurons, and what it is."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from allspin.sim.drawing import card, data_address, shown_text

if TYPE_CHECKING:
    from allspin.sim.network.network import Network

MAPS, ACROSS = 10, 5
"""How many maps at most, and how many of them side by side."""
EDGE = 64
"""Images with a longer side than this are no pictures that a card could hold."""
WIDTH = 320
"""Width of all maps together, in pixels."""
PURPLE_TO_ORANGE = (
    *((45, 0, 75), (84, 39, 136), (128, 115, 172), (178, 171, 210), (216, 218, 235)),
    (247, 247, 247),
    *((254, 224, 182), (253, 184, 99), (224, 130, 20), (179, 88, 6), (127, 59, 8)),
)
"""Colours from the lowest word to the highest: ColorBrewer's PuOr, as in all pictures of R_AH."""


def most_heard(network: "Network", count: int) -> list[int]:
    """Hidden neurons whose rows in the next crossbar hold the strongest words, in order."""
    strength = np.abs(network.layers[1].words.astype(np.int64)).sum(axis=1)
    chosen = np.argsort(-strength, kind="stable")[:count]
    return sorted(int(number) for number in chosen)


def top_word(network: "Network") -> int:
    """The largest magnitude of the first layer's levels, at least 1."""
    return max(1, int(np.abs(network.layers[0].levels.astype(np.int64)).max()))


def coloured(words: npt.NDArray[np.integer], top: int) -> npt.NDArray[np.uint8]:
    """RGB of R_AH words from `-top` to `top`, shape of `words` and 3."""
    places = np.linspace(-top, top, len(PURPLE_TO_ORANGE))
    colours = np.array(PURPLE_TO_ORANGE, np.float64)
    return np.stack(
        [np.interp(words, places, colours[:, channel]).round() for channel in range(3)], axis=-1
    ).astype(np.uint8)


def _maps(network: "Network") -> str:
    """Maps of R_AH as one picture; empty where an image is too large for it."""
    height, width = network.image_shape
    if max(height, width) > EDGE:
        return ""
    hidden = len(network.layers) > 1
    columns = most_heard(network, MAPS) if hidden else list(range(min(MAPS, network.classes)))
    lines = -(-len(columns) // ACROSS)
    sheet = np.full(
        (lines * (height + 1) - 1, min(ACROSS, len(columns)) * (width + 1) - 1, 4), 0, np.uint8
    )
    words, top = network.layers[0].words, top_word(network)
    for number, column in enumerate(columns):
        y, x = number // ACROSS * (height + 1), number % ACROSS * (width + 1)
        place = sheet[y : y + height, x : x + width]
        place[..., :3] = coloured(words[:, column].reshape(height, width), top)
        place[..., 3] = 255
    what = "neurons" if hidden else "classes"
    words_of = f"R_AH of {what} {', '.join(map(str, columns))}"
    style = f"width:{WIDTH}px;max-width:100%;image-rendering:pixelated;background:none"
    return (
        f'<img src="{data_address(sheet)}" alt="{shown_text(words_of)}" style="{style}">'
        f"<div><small>R_AH by pixel: purple is {-top}, white 0, orange {top}</small></div>"
    )


def network_card(network: "Network") -> str:
    """The card of a network, as HTML."""
    states = sorted({layer.levels.size for layer in network.layers})
    given = network.provenance
    options = given.get("options")
    options = options if isinstance(options, dict) else {}
    reached = given.get("validation_accuracy")
    facts = [
        ("topology", "-".join(map(str, network.topology))),
        ("states", " or ".join(map(str, states))),
        ("neuron", network.neuron.name if len(network.layers) > 1 else None),
        ("synapses", f"{sum(layer.states.size for layer in network.layers):,}"),
        ("pixels", f"{' x '.join(map(str, network.image_shape))}, {network.pixel_bits} bits"),
        ("activations", f"{network.hidden_bits} bits" if len(network.layers) > 1 else None),
        ("R_AH words", f"{network.rah_bits} bits"),
        ("tiles", _tiles(network)),
        ("trained on", _named(given.get("data"))),
        ("trained for", _named(options.get("device"))),
        ("seed", _plain(options.get("seed"))),
        ("validation accuracy", f"{reached:.2%}" if isinstance(reached, float) else None),
    ]
    return card("Network", facts, _maps(network))


def _tiles(network: "Network") -> str | None:
    """What columns are cut into, as far as they are."""
    texts = [
        "none" if layer.adc is None else f"{layer.adc.rows} rows to {layer.adc.bits} bits"
        for layer in network.layers
    ]
    return None if set(texts) == {"none"} else " or ".join(dict.fromkeys(texts))


def _plain(value: Any) -> str | int | None:
    """What a file says of itself, where it is a text or a number."""
    return value if isinstance(value, str | int) else None


def _named(value: Any) -> str | int | None:
    """The same, or the name that it has."""
    return _plain(value.get("name") if isinstance(value, dict) else value)
