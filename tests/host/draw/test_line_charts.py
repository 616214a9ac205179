"""Charts of lines with error bars, and of arrays."""

from typing import Any

import numpy as np

from allspin.host.charts.array_charts import array_accuracy, array_error
from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.charts.row_charts import Strip, strips
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import PictureStyle


def test_points_errors_and_levels_are_drawn():
    line = ChartLine("a", [0, 1, 10], [3, 2, 1], [0.1, 0.2, 0.3])
    panel = ChartPanel(
        [line, ChartLine("b", [0, 10], [1, 1], dashed=True)],
        "x",
        "y",
        "title",
        levels={"paper": 1.5},
        x_scale="symlog",
        ticks=[0, 1, 10],
    )
    figure = curves("Whole", [panel, ChartPanel([line], "x", "y"), ChartPanel([line], "x", "y")])
    assert len(figure.axes) == 3  # no place is empty
    axes = figure.axes[0]
    drawn: Any = axes.containers[0].lines  # type: ignore[attr-defined]
    assert np.array_equal(drawn[0].get_xydata(), [[0, 3], [1, 2], [10, 1]])
    segments = drawn[2][0].get_segments()
    assert np.allclose([[s[0][1], s[1][1]] for s in segments], [[2.9, 3.1], [1.8, 2.2], [0.7, 1.3]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "10"]
    assert {text.get_text() for text in axes.texts} == {"paper"}
    assert axes.get_title(loc="left") == "title"


PANELS = {
    "arms (ohm)": {"series": [(1.0, 0.1), (10.0, 0.2)], "selected, near": [(1.0, 0.9)]},
    "line (ohm)": {"selected, near": [(1.0, 0.5)], "selected, 1e12 ohm": [(1.0, 0.6)]},
    "switch (ohm)": {"selected, near": [(1e5, 0.7), (1e9, 0.8)], "selected, grounded": [(1e5, 1)]},
    "rejection (dB)": {"buffered": [(60.0, 0.3), (120.0, 0.9)], "buffered, grounded": [(60, 0.2)]},
}


def test_each_curve_is_drawn_in_percent_over_its_values():
    figure = array_accuracy(PANELS, 0.98)
    seen: dict[str, tuple[str, ...]] = {}
    for axes, (label, lines) in zip(figure.axes, PANELS.items(), strict=True):
        assert axes.get_xlabel() == label
        assert axes.get_xscale() == ("linear" if "dB" in label else "log")
        drawn = axes.lines[: len(axes.containers)]  # bars of errors have lines of their own
        assert np.allclose(axes.lines[-1].get_ydata(), 98)  # the ideal array
        assert [container.get_label() for container in axes.containers] == list(lines)
        for line, points in zip(drawn, lines.values(), strict=True):
            assert np.allclose(line.get_xydata(), np.array(points) * [1, 100])
        # A curve has one look in all panels, and a look is of one curve.
        looks = [
            tuple(map(str, (line.get_color(), line.get_marker(), line.get_linestyle())))
            for line in drawn
        ]
        for title, look in zip(lines, looks, strict=True):
            assert seen.setdefault(title, look) == look
    assert len(set(seen.values())) == len(seen)


def test_a_strips_mean_and_grid_spare_its_label(tmp_path):
    rows = [Strip(f"a label of many words, {n}", [93 + n, 95 + n], "1 %", 94) for n in range(4)]
    figure = strips("title", rows, "accuracy (%)")
    save_picture(figure, tmp_path, "strips", PictureStyle(("png",), journal=True, width=88.9))
    figure.draw_without_rendering()  # saving used another resolution
    (axes,) = figure.axes
    places = [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
    means = [line for line, xs in zip(axes.lines, places, strict=True) if xs == [94, 94]]
    labels = [text for text in axes.texts if "label" in text.get_text()]
    assert (len(means), len(labels)) == (4, 4)
    for text in labels:
        box = text.get_window_extent()
        assert not any(box.overlaps(line.get_window_extent()) for line in means)
        patch = text.get_bbox_patch()
        assert patch is not None
        assert np.ravel(patch.get_facecolor())[-1] == 1


def test_a_map_has_a_cell_for_each_cell():
    errors = {"a": np.full((3, 2), 0.5), "b": np.zeros((3, 2))}
    figure = array_error(errors)
    axes = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [one.get_title(loc="left") for one in axes] == ["a", "b"]
    for one, error in zip(axes, errors.values(), strict=True):
        shown = one.images[0].get_array()
        assert shown is not None
        assert np.allclose(shown, np.maximum(error, 1e-6))
