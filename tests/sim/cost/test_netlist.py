"""Netlists made by hand: area, leakage, transitions, their energy, and the longest path."""

import json
from typing import Any

import numpy as np
import pytest

from allspin.sim.cost.liberty import load_library
from allspin.sim.cost.netlist import Netlist

LIBRARY = load_library()


def netlist(ports: dict[str, tuple[str, list[Any]]], *cells: tuple[str, dict[str, Any]]) -> Netlist:
    content = {
        "ports": {
            name: {"direction": direction, "bits": bits}
            for name, (direction, bits) in ports.items()
        },
        "cells": {
            f"c{number}": {
                "type": kind,
                "connections": {pin: [net] for pin, net in nets.items()},
            }
            for number, (kind, nets) in enumerate(cells)
        },
    }
    return Netlist(json.dumps({"modules": {"block": content}}), LIBRARY)


def gate() -> Netlist:
    """An inverter and an AND: y = a & ~b."""
    return netlist(
        {"a": ("input", [2]), "b": ("input", [3]), "y": ("output", [4])},
        ("AND2_X1", {"A1": 2, "A2": 5, "ZN": 4}),
        ("INV_X1", {"A": 3, "ZN": 5}),
    )


def toggling_register() -> Netlist:
    """A flip-flop that takes its own opposite, seen through an exclusive or."""
    return netlist(
        {"clk": ("input", [2]), "x": ("input", [3]), "q": ("output", [4, 6])},
        ("INV_X1", {"A": 4, "ZN": 5}),
        ("DFF_X1", {"D": 5, "CK": 2, "Q": 4}),
        ("XOR2_X1", {"A": 4, "B": 3, "Z": 6}),
    )


def test_area_leakage_and_the_longest_path_add_up() -> None:
    block = gate()
    assert block.area == pytest.approx(1.064 + 0.532)
    assert block.leakage == pytest.approx(25.07 + 14.35)
    assert block.longest_path() == 21 + 38
    assert block.cells() == {"AND2_X1": 1, "INV_X1": 1}
    # From register to register over the inverter, or out over the exclusive or.
    assert toggling_register().longest_path() == max(96 + 21 + 55, 96 + 61)
    assert toggling_register().registers == 1


def test_transitions_of_a_gate_and_their_energy() -> None:
    block = gate()
    a = np.array([[0, 1], [1, 1], [1, 1], [0, 1]])
    b = np.array([[0, 0], [0, 1], [1, 0], [1, 0]])
    activity = block.simulate({"a": a, "b": b})
    assert activity.outputs["y"].tolist() == (a & ~b & 1).tolist()
    # Input a: up and down in the first copy. Input b: once, and twice in the second.
    assert activity.toggles[2] == 2
    assert activity.toggles[3] == activity.toggles[5] == 3
    assert activity.toggles[4] == 2 + 2
    energy = block.energy(activity, 10.0)
    uses = 3 * 2
    internal = 4 * 2.55 + 3 * 0.95
    load = 0.605 * (2 * 0.92 + 3 * 1.70 + 3 * 0.97 + 4 * 3.2)
    assert energy.internal == pytest.approx(internal / uses)
    assert energy.load == pytest.approx(load / uses)
    assert energy.leakage == pytest.approx((25.07 + 14.35) * 10 * 1e-3)
    assert energy.total == pytest.approx(energy.dynamic + energy.leakage)
    assert block.energy(activity, 20.0).leakage == pytest.approx(2 * energy.leakage)


def test_a_register_takes_its_next_state_at_each_clock() -> None:
    block = toggling_register()
    x = np.array([[0, 1]] * 5)
    activity = block.simulate({"x": x})
    q = np.array([0, 1, 0, 1, 0])
    assert activity.outputs["q"].tolist() == (q[:, None] + 2 * (q[:, None] ^ x)).tolist()
    assert activity.toggles[4] == activity.toggles[5] == activity.toggles[6] == 4 * 2
    assert activity.toggles[2] == 2 * 4 * 2  # two edges a clock
    energy = block.energy(activity, 0.0)
    # Q, D and clock of the flip-flop, the inverter, the exclusive or.
    assert energy.internal == pytest.approx(4.2 + 1.8 + 2 * 3.6 + 0.95 + 2.97)
    load = 0.605 * (1.70 + 2.23 + 3.2 + 1.14 + 3.2 + 2 * 0.95)
    assert energy.load == pytest.approx(load)


def test_constants_do_not_switch_and_missing_inputs_stay_low() -> None:
    block = netlist(
        {"a": ("input", [2]), "b": ("input", [3]), "y": ("output", [4, "1", 5])},
        ("NAND2_X1", {"A1": 2, "A2": "1", "ZN": 4}),
        ("OR2_X1", {"A1": 3, "A2": "x", "ZN": 5}),
    )
    activity = block.simulate({"a": np.array([[0], [1]])})
    assert activity.outputs["y"].tolist() == [[3], [2]]
    assert activity.toggles[3] == activity.toggles[5] == 0


def test_negative_numbers_are_their_low_bits() -> None:
    block = netlist(
        {"a": ("input", [2, 3]), "y": ("output", [4, 5])},
        ("BUF_X1", {"A": 2, "Z": 4}),
        ("BUF_X1", {"A": 3, "Z": 5}),
    )
    activity = block.simulate({"a": np.array([[-1], [-2], [1]])})
    assert activity.outputs["y"].tolist() == [[3], [2], [1]]


def test_unknown_cells_loops_and_unknown_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="the library has no cell AND9"):
        netlist({"a": ("input", [2])}, ("AND9", {"A1": 2}))
    loop = netlist(
        {"y": ("output", [2])},
        ("INV_X1", {"A": 2, "ZN": 3}),
        ("INV_X1", {"A": 3, "ZN": 2}),
    )
    with pytest.raises(ValueError, match="a loop without a register"):
        loop.longest_path()
    with pytest.raises(ValueError, match="has no input z"):
        gate().simulate({"z": np.zeros((2, 1), int)})
