"""A flow chart as SVG, in the colours of the page that it stands in."""

from html import escape
from itertools import pairwise

from layout import BETWEEN, GLYPH, HEIGHT, Chart, Place, layers_of

MARGIN = 4.0
WIDEST = 700.0
"""Width of a page's text, in pixels."""
Point = tuple[float, float]


class Picture:
    """Positions of a chart's boxes and arrows in a picture.

    Parameters
    ----------
    chart : Chart
        The chart. One that would be wider than a page leads down instead of sideways.
    """

    def __init__(self, chart: Chart) -> None:
        across = sum(GLYPH * len(label) + BETWEEN for label in chart.labels.values())
        self.labels = chart.labels
        self.upright = chart.direction == "TD" or across > WIDEST
        self.layers, self.ways = layers_of(chart, self.upright)
        self._turned = chart.direction == "RL" and not self.upright
        self._thick = [self._thickness(layer) for layer in self.layers]
        self._starts = [
            sum(self._thick[:depth]) + BETWEEN * depth for depth in range(len(self.layers))
        ]
        self._deep = self._starts[-1] + self._thick[-1]
        self._depth = {id(p): depth for depth, layer in enumerate(self.layers) for p in layer}

    def _thickness(self, layer: list[Place]) -> float:
        if self.upright:
            return HEIGHT
        return max(GLYPH * len(self.labels[place.name]) + 24 for place in layer if place.name)

    @property
    def size(self) -> Point:
        """Width and height."""
        along = max(place.at + place.width / 2 for layer in self.layers for place in layer)
        return (along, self._deep) if self.upright else (self._deep, along)

    def point(self, place: Place, end: float) -> Point:
        """A place's middle: 0 where arrows reach it, 1 where they leave, 0.5 between."""
        depth = self._depth[id(place)]
        deep = self._starts[depth] + end * self._thick[depth]
        deep = self._deep - deep if self._turned else deep
        return (place.at, deep) if self.upright else (deep, place.at)

    def box(self, place: Place) -> str:
        """A box with its label."""
        x, y = self.point(place, 0.5)
        width = place.width if self.upright else self._thick[self._depth[id(place)]]
        return (
            f'<rect x="{x - width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{width:.1f}" '
            f'height="{HEIGHT:.0f}" rx="4"/><text x="{x:.1f}" y="{y + 4.5:.1f}">'
            f"{escape(self.labels[place.name])}</text>"
        )

    def curve(self, way: list[Place]) -> str:
        """The path of an arrow, which leaves and reaches every place straight."""
        points = [self.point(way[0], 1)]
        for place in way[1:-1]:
            points += [self.point(place, 0), self.point(place, 1)]
        points.append(self.point(way[-1], 0))
        drawn = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
        for (x, y), (u, v) in pairwise(points):
            middle = (y + v) / 2 if self.upright else (x + u) / 2
            first, second = (
                ((x, middle), (u, middle)) if self.upright else ((middle, y), (middle, v))
            )
            corners = " ".join(f"{a:.1f} {b:.1f}" for a, b in (first, second, (u, v)))
            drawn.append(f"C{corners}")
        return "".join(drawn)


def svg(chart: Chart, number: int) -> str:
    """The chart as an SVG element, with its number within the page."""
    picture = Picture(chart)
    arrows = "".join(
        f'<path class="arrow" marker-end="url(#head{number})" d="{picture.curve(way)}"/>'
        for way in picture.ways
    )
    boxes = "".join(picture.box(place) for layer in picture.layers for place in layer if place.name)
    said = "; ".join(f"{chart.labels[one]} to {chart.labels[other]}" for one, other in chart.arrows)
    width, height = (side + 2 * MARGIN for side in picture.size)
    head = (
        f'<defs><marker id="head{number}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    return (
        f'<svg class="flowchart" viewBox="{-MARGIN} {-MARGIN} {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" role="img" aria-label="Arrows: {escape(said)}">'
        f"{head}{arrows}{boxes}</svg>"
    )
