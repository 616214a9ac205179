"""Charts: what is drawn is where the numbers say, and looks apart without colour."""

import re

import numpy as np
import pytest

from allspin.host.draw.timeline import Span
from allspin.host.report.charts import (
    NARROW,
    WIDE,
    Bar,
    Chart,
    Range,
    Stage,
    Strip,
    bars_chart,
    figure,
    mark,
    ranges_chart,
    stages_chart,
    strips_chart,
    wrapped,
)
from allspin.host.report.lines import Guides, Series, lines_chart
from allspin.host.report.tables import Table, render
from allspin.sim.drawing import Axis

WIDTHS = pytest.mark.parametrize("width", [NARROW, WIDE])
HOSTILE = "<b>&\"'" + "long" * 40


def drawn(draw, width):
    height, content = draw(width)
    return height, render(content)


def numbers_of(path: str) -> list[tuple[float, float]]:
    values = [float(value) for value in re.findall(r"-?[\d.]+", path)]
    return list(zip(values[::2], values[1::2], strict=True))


def fit(values, places):
    """Check that places are a straight line of values; return what is lost, in pixels."""
    slope, intercept = np.polyfit(values, places, 1)
    return float(np.abs(np.polyval([slope, intercept], values) - places).max()), slope


@WIDTHS
def test_lines_go_through_their_points(width):
    x, y = [0.0, 1.0, 4.0, 10.0], [3.0, -1.0, 8.0, 2.0]
    _, svg = drawn(lines_chart([Series("a", x, y)], Axis("x"), Axis("y")), width)
    [path] = re.findall(r'<path d="([^"]*)" class="line s0">', svg)
    points = np.array(numbers_of(path))
    lost, slope = fit(x, points[:, 0])
    assert lost < 0.11
    assert slope > 0
    lost, slope = fit(y, points[:, 1])
    assert lost < 0.11
    assert slope < 0  # up is less in an SVG
    assert points.min() >= 0
    assert points[:, 0].max() <= width


def test_logarithmic_axes_and_steps():
    y = [1.0, 10.0, 100.0]
    series = [Series("a", [0, 1, 2], y, step=True, marked=False)]
    _, svg = drawn(lines_chart(series, Axis("x"), Axis("y", log=True)), WIDE)
    [path] = re.findall(r'<path d="([^"]*)" class="line s0">', svg)
    points = np.array(numbers_of(path))
    assert len(points) == 5  # each step has a corner
    assert points[1, 1] == points[0, 1]
    assert points[2, 0] == points[1, 0]
    lost, _ = fit(np.log(y), points[::2, 1])
    assert lost < 0.11


@WIDTHS
def test_a_band_lies_around_its_line(width):
    series = [Series("a", [0, 1], [1, 2], [0, 1.5], [2, 2.5])]
    _, svg = drawn(lines_chart(series, Axis("x"), Axis("y")), width)
    [band] = re.findall(r'<path d="([^"]*)" class="band s0">', svg)
    [line] = re.findall(r'<path d="([^"]*)" class="line s0">', svg)
    upper, lower = numbers_of(band)[:2], numbers_of(band)[:1:-1]
    for (_, high), (_, middle), (_, low) in zip(upper, numbers_of(line), lower, strict=True):
        assert high < middle < low


def test_styles_are_of_other_shapes_not_only_colours():
    shapes = [re.sub(r'class="[^"]*"', "", render(mark(style, 10, 10))) for style in range(6)]
    assert len(set(shapes)) == 6


@WIDTHS
def test_strips_have_their_dots_where_the_values_are(width):
    values = [90.0, 95.0, 99.0]
    strips = [Strip("one", values, "94.7 %", 94.7), Strip("two", [97.0], "97 %")]
    height, svg = drawn(strips_chart(strips, Axis("right (%)"), guides=[(98.0, "ideal")]), width)
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    lost, slope = fit(values, places)
    assert lost < 0.11
    assert slope > 0
    [mean] = re.findall(r'<line x1="([\d.]+)" [^>]*class="mean">', svg)
    assert float(mean) == pytest.approx(places[0] + slope * 4.7, abs=0.2)
    assert '<rect x="' in svg  # the second strip's mark is a square
    assert height < 250


@WIDTHS
def test_bars_are_as_long_as_their_values(width):
    bars = [Bar("a", [2.0, 1.0], "3"), Bar("b", [0.5, 0.0], "0.5")]
    _, svg = drawn(bars_chart(bars, "energy (fJ)", parts=["first", "second"]), width)
    rects = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="bar (s\d)"', svg)
    lengths = [float(length) for _, length, _ in rects[2:]]  # after the legend's samples
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=0.2)
    assert lengths[2] == pytest.approx(lengths[0] / 4, abs=0.2)
    assert lengths[3] == 0
    assert [kind for *_, kind in rects[2:]] == ["s0", "s1"] * 2


@WIDTHS
def test_stages_show_busy_clocks(width):
    spans = [Span(0, 5, 14, np.arange(5, 15)), Span(1, 20, 39, np.array([20, 39]))]
    _, svg = drawn(stages_chart([Stage("rows <driven>", spans)]), width)
    assert "rows &lt;driven&gt;" in svg
    unit = (width - 4) / 35
    held = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="held', svg)
    busy = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="busy', svg)
    as_clocks = [tuple(round(float(v) / unit, 1) for v in rect) for rect in held]
    assert as_clocks == [(0, 10), (15, 20)]
    assert [tuple(round(float(v) / unit, 1) for v in rect) for rect in busy] == [
        (0, 10),
        (15, 1),
        (34, 1),
    ]


@WIDTHS
def test_long_and_hostile_names_stay_within_and_are_escaped(width, read_html):
    charts = [
        lines_chart(
            [Series(HOSTILE, [0, 1], [0, 1]), Series("b", [0, 1], [1, 0])],
            Axis(HOSTILE),
            Axis(HOSTILE),
            Guides(spans=[(0, 1, HOSTILE)]),
        ),
        strips_chart([Strip(HOSTILE, [1, 2], "1.5 %")], Axis(HOSTILE)),
        bars_chart([Bar(HOSTILE, [1], "1 %")], HOSTILE),
    ]
    for draw in charts:
        _, svg = drawn(draw, width)
        read = read_html(svg)
        assert read.faults == []
        assert read.all("b") == []
        for holder, text in read.texts:
            if holder == "text":
                assert len(text) * 6.6 <= width + 6.6


def test_the_same_values_make_a_chart_too():
    for draw in (
        lines_chart([Series("a", [0, 1], [2, 2])], Axis("x"), Axis("y")),
        lines_chart([Series("a", [1], [0])], Axis("x"), Axis("y")),
        strips_chart([Strip("a", [5.0, 5.0], "5")], Axis("x")),
        bars_chart([Bar("a", [0.0], "0")], "x"),
    ):
        for width in (NARROW, WIDE):
            _, svg = drawn(draw, width)
            assert "nan" not in svg
            assert "inf" not in svg


def test_a_figure_has_both_widths_text_and_numbers(read_html):
    chart = Chart("c", "R_AH <x>", "in words", bars_chart([Bar("a", [1], "1")], "x"))
    read = read_html(figure(chart, [Table("t", ("a", "b"), [("x", 1)])], "a note"))
    assert read.faults == []
    assert [svg["width"] for svg in read.all("svg")] == [str(WIDE), str(NARROW)]
    assert read.text_of("desc") == "in words" * 2
    assert read.text_of("title") == "R_AH <x>" * 2
    assert len(read.all("details")) == len(read.all("table")) == 1


def test_wrapping_keeps_every_word():
    text = "one two three " + "x" * 30
    lines = wrapped(text, 66)
    assert all(len(line) <= 10 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@WIDTHS
def test_ranges_reach_as_far_as_their_ends(width):
    ranges = [
        Range("a (um)", (0.01, 1.0), ("1", "100")),
        Range("falls", (10.0, 0.1), ("5", "6")),
    ]
    guides = [(1.0, "equal", "guide"), (0.1, "here", "mean")]
    _, svg = drawn(ranges_chart(ranges, "ratio", guides), width)
    boxes = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="bar', svg)
    ends = [(float(x), float(x) + float(length)) for x, length in boxes]
    lost, slope = fit(np.log10([0.01, 1.0, 0.1, 10.0]), [*ends[0], *ends[1]])
    assert lost < 0.2
    # Beside each bar, and not through the labels between them.
    places = re.findall(r'<line x1="([\d.]+)" [^>]*class="mean">', svg)
    assert len(places) == len(ranges)
    [here] = set(places)
    assert float(here) == pytest.approx(ends[1][0], abs=0.2)
    # The value that makes the larger figure stands at the right.
    places = {
        text: float(x) for x, text in re.findall(r'<text x="([\d.]+)"[^>]*>([156]|100)<', svg)
    }
    assert places["1"] < places["100"]
    assert places["6"] < places["5"]
    assert slope > 0


@WIDTHS
def test_marked_values_share_a_strip(width):
    strips = [Strip("a", [1.0, 100.0], "1 to 100"), Strip("b", [10.0, 100.0], "10 to 100")]
    _, svg = drawn(strips_chart(strips, Axis("fJ", log=True), marks=("alone", "whole")), width)
    circles = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    assert len(circles) == 3  # one is the legend's
    between = re.findall(r'<line x1="([\d.]+)" [^>]*x2="([\d.]+)"[^>]*class="between">', svg)
    assert [float(start) for start, _ in between] == circles[1:]
    assert len({end for _, end in between}) == 1
    assert "alone" in svg
