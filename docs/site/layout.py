"""Places of a flow chart's boxes and arrows: layers of boxes, few crossings, short arrows.

Charts are written in Mermaid's language, which GitHub draws. The documents use its boxes with
labels and its arrows; the site draws those without a script.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

NODE = r'(\w+)(?:\["([^"]*)"\])?'
SWEEPS = 12
GLYPH = 7.2
"""Width of a letter of a label, in pixels."""
HEIGHT, APART, BETWEEN = 30.0, 18.0, 44.0
"""Height of a box, and the space between boxes of a layer and between layers."""


@dataclass(frozen=True)
class Chart:
    """A flow chart.

    Parameters
    ----------
    direction : str
        ``TD``, ``LR`` or ``RL``: where arrows lead.
    labels : dict of str to str
        Boxes by name.
    arrows : list of (str, str)
        From box to box, without a circle.
    """

    direction: str
    labels: dict[str, str]
    arrows: list[tuple[str, str]]


def parse(text: str) -> Chart:
    """Read a flow chart.

    Raises
    ------
    ValueError
        If a line is neither a box nor an arrow.
    """
    first, *lines = [line.strip() for line in text.strip().splitlines()]
    head = re.fullmatch(r"flowchart (TD|LR|RL)", first)
    if head is None:
        raise ValueError(f"a flow chart begins with its direction, not with {first!r}")
    chart = Chart(head[1], {}, [])
    for line in filter(None, lines):
        found = re.fullmatch(rf"{NODE}(?: --> {NODE})?", line)
        if found is None:
            raise ValueError(f"no box and no arrow of a flow chart: {line!r}")
        one, label, other, label_too = found.groups()
        for name, its in ((one, label), (other, label_too)):
            if name is not None and (its is not None or name not in chart.labels):
                chart.labels[name] = its or name
        if other is not None:
            chart.arrows.append((one, other))
    return chart


@dataclass
class Place:
    """A box, or where a long arrow passes a layer.

    Attributes
    ----------
    name : str
        Name of the box; empty where a long arrow passes.
    width : float
        Along its layer.
    above, below : list of Place
        Places that arrows come from, and places that they lead to.
    at : float
        Its middle along the layer.
    """

    name: str
    width: float
    above: list["Place"] = field(default_factory=list)
    below: list["Place"] = field(default_factory=list)
    at: float = 0.0


def _depths(chart: Chart) -> dict[str, int]:
    """Layer of each box: one more than the last of those that lead to it."""
    depth = dict.fromkeys(chart.labels, 0)
    for _ in chart.labels:
        for one, other in chart.arrows:
            depth[other] = max(depth[other], depth[one] + 1)
    return depth


def layers_of(chart: Chart, upright: bool) -> tuple[list[list[Place]], list[list[Place]]]:
    """Layers of places, ordered and placed, and for each arrow the places along it."""
    depth = _depths(chart)
    boxes = {
        name: Place(name, GLYPH * len(label) + 24 if upright else HEIGHT)
        for name, label in chart.labels.items()
    }
    layers: list[list[Place]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, box in boxes.items():
        layers[depth[name]].append(box)
    ways = []
    for one, other in chart.arrows:
        way = [boxes[one], *(Place("", 6.0) for _ in range(depth[one] + 1, depth[other]))]
        for place, layer in zip(way[1:], layers[depth[one] + 1 :], strict=False):
            layer.append(place)
        way.append(boxes[other])
        for first, second in itertools.pairwise(way):
            first.below.append(second)
            second.above.append(first)
        ways.append(way)
    _place(layers)
    return layers, ways


def _mean(places: Sequence[Place], other: float) -> float:
    return sum(place.at for place in places) / len(places) if places else other


def _place(layers: list[list[Place]]) -> None:
    for layer in layers:
        _spread(layer, [0.0] * len(layer))
    for sweep in range(2 * SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else layers[::-1]:
            wanted = {
                id(place): _mean(place.above if down else place.below, place.at) for place in layer
            }
            # At the end the order stays, and arrows are straightened from both sides.
            if sweep < SWEEPS:
                layer.sort(key=lambda place: wanted[id(place)])
            else:
                wanted = {id(p): _mean([*p.above, *p.below], p.at) for p in layer}
            _spread(layer, [wanted[id(place)] for place in layer])
    left = min(place.at - place.width / 2 for layer in layers for place in layer)
    for layer in layers:
        for place in layer:
            place.at -= left


def _spread(layer: list[Place], wanted: list[float]) -> None:
    """Put places as near to where they are wanted as their widths and their order let them."""
    offsets = [0.0]
    for one, other in itertools.pairwise(layer):
        offsets.append(offsets[-1] + (one.width + other.width) / 2 + APART)
    # Least squares under an order: neighbours that would overlap are moved as one block.
    blocks: list[list[float]] = []
    for place, offset in zip(wanted, offsets, strict=True):
        blocks.append([place - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            total, count = blocks.pop()
            mean, before = blocks[-1]
            blocks[-1] = [(mean * before + total * count) / (before + count), before + count]
    values = [mean for mean, count in blocks for _ in range(int(count))]
    for place, value, offset in zip(layer, values, offsets, strict=True):
        place.at = value + offset
