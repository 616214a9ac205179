"""Lines with error bars show the numbers that they were given."""

import numpy as np
from matplotlib.container import ErrorbarContainer

from allspin.host.draw.curves import Line, Panel, curves


def test_points_errors_and_levels_are_drawn():
    line = Line("a", [0, 1, 10], [3, 2, 1], [0.1, 0.2, 0.3])
    panel = Panel(
        [line, Line("b", [0, 10], [1, 1], dashed=True)],
        "x",
        "y",
        "title",
        levels={"paper": 1.5},
        x_scale="symlog",
        ticks=[0, 1, 10],
    )
    figure = curves("Whole", [panel, Panel([line], "x", "y"), Panel([line], "x", "y")])
    assert len(figure.axes) == 4
    axes = figure.axes[0]
    container = axes.containers[0]
    assert isinstance(container, ErrorbarContainer)
    drawn = container.lines
    assert np.array_equal(drawn[0].get_xydata(), [[0, 3], [1, 2], [10, 1]])
    segments = drawn[2][0].get_segments()
    assert np.allclose([[s[0][1], s[1][1]] for s in segments], [[2.9, 3.1], [1.8, 2.2], [0.7, 1.3]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "10"]
    assert {text.get_text() for text in axes.texts} == {"paper"}
    assert axes.get_title(loc="left") == "title"
