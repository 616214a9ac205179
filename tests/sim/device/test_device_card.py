"""What a notebook shows of a device is its curves, and every variation."""

import dataclasses

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.sim.synapse.response import Polarity
from tests.sim.parsed import parsed, points


def test_curves_and_lines_are_the_device_s():
    device = open_device("paper")
    found = parsed(device._repr_html_())
    up, down, neuron = found.of("path")
    assert len(points(up)) == len(points(down)) == 61
    # From one end to the other: up is down in pixels.
    assert points(up)[0][1] == max(y for _, y in points(up)) == max(y for _, y in points(down))
    assert points(up)[-1][1] == points(down)[0][1] == min(y for _, y in points(up))
    # Halfway in pulses, both are where the law says.
    middle = [device.synapse.curve(polarity, [50])[0] for polarity in Polarity]
    low, high = points(up)[0][1], points(up)[-1][1]
    at = points(up)[30][0]
    shares = []
    for path in (up, down):
        across, height = np.array(points(path)).T
        shares.append((low - np.interp(at, across, height)) / (low - high))
    assert shares == pytest.approx([(value + 1) / 2 for value in middle], abs=0.02)
    assert points(neuron)[0][1] > points(neuron)[-1][1]
    said = found.said("td")
    assert all(line in said for line in device.readings())


def test_a_name_is_only_text():
    device = dataclasses.replace(open_device("paper"), name="<script>", unit="<ohm>")
    found = parsed(device._repr_html_())
    assert "Device <script>" in found.said("b")
    assert "R_AH (<ohm>)" in found.said("text")
