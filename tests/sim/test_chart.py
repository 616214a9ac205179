"""A chart's lines are where its ticks say, for a parser of XML."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from allspin.sim.drawing import HEIGHT, WIDTH, Axis, Line, lines_svg
from tests.sim.parsed import parsed, points


def numbers(svg: str, anchor: str) -> list[tuple[float, float, float]]:
    """Ticks that are held at an end: place and value."""
    found = []
    for text in ElementTree.fromstring(svg).iter("text"):
        try:
            value = float(str(text.text).replace("\N{MINUS SIGN}", "-").replace(",", ""))
        except ValueError:
            continue
        if text.attrib["text-anchor"] == anchor:
            found.append((float(text.attrib["x"]), float(text.attrib["y"]), value))
    return found


@pytest.mark.parametrize("log", [False, True])
def test_points_are_where_the_ticks_say(log):
    x, y = [1.0, 10.0, 100.0], [-2.0, 0.5, 3.0]
    svg = lines_svg("t", [Line("a", x, y)], Axis("x", log=log), Axis("y"))
    (path,) = parsed(svg).of("path")
    drawn = np.array(points(path))
    across, up = numbers(svg, "middle"), numbers(svg, "end")
    assert len(across) > 1
    assert len(up) > 1
    # Two ticks of an axis make its scale; the others and the points must lie on it.
    of_x = np.polyfit([np.log(v) if log else v for *_, v in across], [p for p, _, _ in across], 1)
    of_y = np.polyfit([v for *_, v in up], [p - 4 for _, p, _ in up], 1)
    assert np.polyval(of_x, np.log(x) if log else x) == pytest.approx(drawn[:, 0], abs=0.3)
    assert np.polyval(of_y, y) == pytest.approx(drawn[:, 1], abs=0.3)


def test_all_is_within_the_picture_and_lines_are_told_apart():
    lines = [Line(f"<{n}>", [0, 1], [n, n + 1], n) for n in range(3)]
    lines.append(Line("", [0.5, 0.7], [1, 2], 1, dots=True))
    svg = lines_svg("lines & dots", lines, Axis("x"), Axis("y"))
    found = parsed(svg)
    height = float(found.of("svg")[0]["viewbox"].split()[3])
    assert height > HEIGHT  # the legend's room
    for path in found.of("path"):
        assert all(0 <= x <= WIDTH and 0 <= y <= height for x, y in points(path))
    assert len({(path["stroke"], path["stroke-dasharray"]) for path in found.of("path")}) == 3
    assert len(found.of("circle")) == 2
    assert {"<0>", "<1>", "<2>"} <= set(found.said("text"))
    assert found.of("svg")[0]["aria-label"] == "lines & dots"


def test_a_single_line_needs_no_legend_and_a_single_point_no_range():
    svg = lines_svg("t", [Line("a", [3], [7])], Axis("x"), Axis("y"))
    assert "a" not in parsed(svg).said("text")
    assert parsed(svg).of("svg")[0]["viewbox"] == f"0 0 {WIDTH:.0f} {HEIGHT:.0f}"
