"""Pictures of arrays show the numbers that they are given."""

import numpy as np

from allspin.host.draw.array import array_accuracy, array_error

PANELS = {
    "arms (ohm)": {"series": [(1.0, 0.1), (10.0, 0.2)], "selected, near": [(1.0, 0.9)]},
    "line (ohm)": {"selected, near": [(1.0, 0.5)], "selected, far": [(1.0, 0.6)]},
    "switch (ohm)": {"selected": [(1e5, 0.7), (1e9, 0.8)]},
    "rejection (dB)": {"buffered": [(60.0, 0.3), (120.0, 0.9)]},
}


def test_each_curve_is_drawn_in_percent_over_its_values():
    figure = array_accuracy(PANELS, 0.98)
    for axes, (label, lines) in zip(figure.axes, PANELS.items(), strict=True):
        assert axes.get_xlabel() == label
        assert axes.get_xscale() == ("linear" if "dB" in label else "log")
        ideal, *drawn = axes.lines
        assert np.allclose(ideal.get_ydata(), 98)
        assert [line.get_label() for line in drawn] == list(lines)
        for line, points in zip(drawn, lines.values(), strict=True):
            assert np.allclose(line.get_xydata(), np.array(points) * [1, 100])
        # Two curves of one reading are told apart.
        assert len({line.get_color() for line in drawn}) == len(drawn)


def test_a_map_has_a_cell_for_each_cell():
    errors = {"a": np.full((3, 2), 0.5), "b": np.zeros((3, 2))}
    figure = array_error(errors)
    axes = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [one.get_title(loc="left") for one in axes] == ["a", "b"]
    for one, error in zip(axes, errors.values(), strict=True):
        shown = one.images[0].get_array()
        assert shown is not None
        assert np.allclose(shown, np.maximum(error, 1e-6))
