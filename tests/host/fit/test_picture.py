"""Pictures of fits: outliers beyond the data do not shrink these."""

import numpy as np
import pytest

from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.fit.picture import fit_picture


def test_outliers_are_marked_and_do_not_shrink_the_data() -> None:
    x = np.arange(20.0)
    curve = PanelCurve("d", x, x[np.newaxis], x)
    aside = [(x[3:4], np.array([8.0])), (x[5:7], np.array([900.0, -900.0]))]
    upper = fit_picture("d", "ohm", [Panel("up", "pulses", curves=[curve], aside=aside)]).axes[0]
    drawn = [tuple(place) for line in upper.lines for place in np.asarray(line.get_xydata())]
    assert {(3, 8), (5, 900), (6, -900)} <= set(drawn)
    assert upper.get_ylim() == pytest.approx((-1.9, 20.9))
