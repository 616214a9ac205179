"""Pictures of fits: an arrow stands for a point beyond the axis."""

import numpy as np

from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.fit.picture import BEYOND, fit_picture


def test_a_cross_is_where_its_value_is_and_an_arrow_where_that_is_beyond_the_axis() -> None:
    x = np.arange(20.0)
    curve = PanelCurve("d", x, x[np.newaxis], x)
    aside = [(x[3:4], np.array([8.0])), (x[5:7], np.array([900.0, -900.0]))]
    upper = fit_picture("d", "ohm", [Panel("up", "pulses", curves=[curve], aside=aside)]).axes[0]
    drawn = [
        (line.get_label(), line.get_marker(), *place)
        for line in upper.lines
        for place in np.asarray(line.get_xydata()).tolist()
    ]
    assert ("set aside", "x", 3, 8) in drawn
    assert [each[1:3] for each in drawn if each[0] == BEYOND] == [("^", 5), ("v", 6)]
    assert BEYOND in upper.get_title(loc="left")
