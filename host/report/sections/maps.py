"""R_AH maps: what the first crossbar's columns look for."""

import htpy as h
import numpy as np
import numpy.typing as npt

from allspin.host.report.charts.svg import (
    NARROW,
    WIDE,
    box,
    edge_anchor,
    label,
    line,
    shortened,
    text_width,
)
from allspin.host.report.findings import Findings
from allspin.host.report.section import Section, paragraph
from allspin.host.report.table import Table, numbers
from allspin.host.show.pictures.maps import (
    FEW_STATES,
    SHARE,
    lit_pixels,
    resistances,
    word_colours,
)
from allspin.sim.drawing.raster import data_address
from allspin.sim.network.network_card import most_heard, top_word

MAPS = 24
"""Maps at most."""
STEPS = 64
"""Steps of the colour bar, where each state has none of its own."""


def shown_columns(findings: Findings) -> list[int]:
    """Columns of the first crossbar that are drawn."""
    network = findings.subject.network
    if len(network.layers) == 1:
        return list(range(min(MAPS, network.classes)))
    return most_heard(network, MAPS)


def colours(words: npt.NDArray[np.integer], top: int) -> npt.NDArray[np.uint8]:
    """RGBA of R_AH words from `-top` to `top`, shape of `words` and 4."""
    return (255 * word_colours(words, top)).round().astype(np.uint8)


def _map(findings: Findings, column: int, lit: npt.NDArray[np.bool_], top: int) -> h.Element:
    network = findings.subject.network
    words = network.layers[0].words[:, column].reshape(network.image_shape)
    pixels = colours(words, top)
    pixels[~lit] = 0
    kind = "neuron" if len(network.layers) > 1 else "class"
    shown = words[lit]
    about = f", R_AH from {shown.min()} to {shown.max()}" if shown.size else ""
    height, width = network.image_shape
    alt = f"Map of {kind} {column}{about}"
    return h.figure(class_="tile")[
        h.img(src=data_address(pixels), alt=alt, width=width, height=height),
        h.figcaption[column],
    ]


def _scale(levels: list[int], top: int, words: str, width: int, kind: str) -> h.Element:
    """The colour bar: the states where they are few, else their range; what it is in words."""
    values = levels if len(levels) <= FEW_STATES else np.linspace(-top, top, STEPS).tolist()
    cell = width / len(values)
    drawn: list[h.Node] = []
    for place, value in enumerate(values):
        red, green, blue, _ = colours(np.array(value), top).tolist()
        drawn.append(
            box(place * cell, 20, cell + 0.5, 16, "swatch", fill=f"rgb({red},{green},{blue})")
        )
    marked = levels if len(levels) <= FEW_STATES else [-top, -(top // 2), 0, top // 2, top]
    every = 1
    while every * (cell if marked is levels else width / 4) < text_width("-127 "):
        every += 1
    for place, value in list(enumerate(marked))[::every]:
        share = (place + 0.5) / len(marked) if marked is levels else (value + top) / (2 * top)
        x = share * width
        anchor = edge_anchor(x, f"{value}", width)
        drawn.append(line(x, 36, x, 40, "axis-line"))
        drawn.append(label(x, 53, f"{value}".replace("-", "\N{MINUS SIGN}"), "tick", anchor))
    drawn.append(label(0, 12, shortened(words, width), "axis"))
    name = f"maps-scale-{kind}"
    return h.svg(
        class_=f"chart {kind}",
        viewBox=f"0 0 {width} 60",
        width=width,
        height=60,
        role="img",
        aria_labelledby=name,
    )[h.title(id=name)["Colours of the maps"], drawn]


def _tables(findings: Findings, columns: list[int]) -> list[Table]:
    network = findings.subject.network
    words = network.layers[0].words.astype(int)
    rows = []
    for column in columns:
        own = words[:, column]
        heard = (
            int(np.abs(network.layers[1].words[column].astype(int)).sum())
            if len(network.layers) > 1
            else None
        )
        rows.append(
            (
                f"{column}",
                int(own.min()),
                float(own.mean()),
                int(own.max()),
                100 * float(np.mean(own > 0)),
                heard,
            )
        )
    lines = [
        (f"{column}", line_, " ".join(map(str, pixels.tolist())))
        for column in columns
        for line_, pixels in enumerate(words[:, column].reshape(network.image_shape))
    ]
    return [
        Table(
            "the maps in short",
            (
                "column",
                "lowest",
                "mean",
                "highest",
                "above zero (%)",
                "strength in the next crossbar",
            ),
            rows,
        ),
        Table(
            "every word of the maps, line by line of the image",
            ("column", "line", "R_AH words, left to right"),
            lines,
        ),
    ]


def maps(findings: Findings) -> Section:
    """What hidden neurons look for."""
    network = findings.subject.network
    columns = shown_columns(findings)
    levels, top = network.layers[0].levels.astype(int), top_word(network)
    lit = lit_pixels(findings.subject.images)
    in_ohm = resistances(network, findings.subject.device)
    words = f"R_AH (word of {network.rah_bits} bits)" + (f"; {in_ohm}" if in_ohm else "")
    hidden = len(network.layers) > 1
    chosen = (
        f"the {len(columns)} of {network.layers[0].columns} hidden neurons that the next crossbar "
        "hears most"
        if hidden and len(columns) < network.layers[0].columns
        else "all of them"
    )
    return Section(
        "maps",
        "R_AH maps",
        [
            paragraph(
                "What the columns of the first crossbar look for, each drawn as the image that "
                f"drives it: {chosen}. Purple words are negative, orange ones positive, white is "
                f"zero. Hatched are pixels that fewer than {100 * SHARE:g} % of the images light, "
                "which nothing taught."
            ),
            _scale(levels.tolist(), top, words, WIDE, "wide"),
            _scale(levels.tolist(), top, words, NARROW, "narrow"),
            h.div(class_="tiles maps")[[_map(findings, column, lit, top) for column in columns]],
            h.p(class_="note")[
                f"Below each map: {'the number of its neuron' if hidden else 'its class'}."
            ],
            numbers(*_tables(findings, columns)),
        ],
        [findings.subject.command("report")],
    )
