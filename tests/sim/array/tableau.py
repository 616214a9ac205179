"""An array written down element by element, as a circuit simulator does, and solved densely.

Every cross has a centre, four resistors and their Hall voltages as sources that currents control;
lines, switches, supplies and amplifiers are elements of their own. Nothing is folded into arms,
nothing turned round, and nothing of the code under test is used.
"""

import math

import numpy as np


class Tableau:
    """Kirchhoff's laws for branches ``v(a) - v(b) = r i + sum(k i') + e``; node "0" is ground."""

    def __init__(self):
        self.nodes, self.branches = {"0": -1}, []

    def node(self, name):
        return self.nodes.setdefault(name, len(self.nodes) - 1)

    def branch(self, a, b, resistance, controlled=()):
        self.branches.append((self.node(a), self.node(b), resistance, list(controlled)))
        return len(self.branches) - 1

    def solve(self, sources):
        """Potentials by name; one solution for each of some sources (from, to) of an ampere."""
        nodes, branches = len(self.nodes) - 1, len(self.branches)
        matrix = np.zeros((nodes + branches, nodes + branches))
        right = np.zeros((nodes + branches, len(sources)))
        for number, (a, b, resistance, controlled) in enumerate(self.branches):
            line = nodes + number
            for node, sign in ((a, 1), (b, -1)):
                if node >= 0:
                    matrix[node, line] += sign
                    matrix[line, node] += sign
            matrix[line, line] -= resistance
            for other, factor in controlled:
                matrix[line, nodes + other] -= factor
        for case, (out, into) in enumerate(sources):
            for name, sign in ((into, 1), (out, -1)):
                if self.nodes[name] >= 0:
                    right[self.nodes[name], case] += sign
        answer = np.linalg.solve(matrix, right)
        return {name: answer[n] if n >= 0 else answer[0] * 0 for name, n in self.nodes.items()}


def dense_transfer(hall, *, reading, supply, longitudinal, arms, **more):
    """What `allspin.sim.array.transfer.transfer` should give."""
    if reading != "selected":
        return _solved(hall, None, reading, supply, longitudinal, arms, **more)
    columns = [
        _solved(hall, column, reading, supply, longitudinal, arms, **more)[:, column]
        for column in range(hall.shape[1])
    ]
    return np.stack(columns, axis=1)


def _solved(
    hall,
    selected,
    reading,
    supply,
    longitudinal,
    arms,
    row_line=0.0,
    column_line=0.0,
    supply_impedance=math.inf,
    input_impedance=math.inf,
    common_mode_rejection=math.inf,
    switch_on=0.0,
    switch_off=1e12,
):
    m, n = hall.shape
    net = Tableau()
    joined = reading != "buffered"

    def series(a, b, *resistances):
        for number, resistance in enumerate(resistances):
            end = b if number == len(resistances) - 1 else f"{a}>{b}.{number}"
            net.branch(a, end, resistance)
            a = end

    for i in range(m):
        for j in range(n):
            cell = f"{i},{j}"
            # Branches come in the order left, top, right, bottom, currents into the centre.
            first = len(net.branches)
            quarter = hall[i, j] / 4
            for k, name in enumerate("LTRB"):
                before, after = first + (k - 1) % 4, first + (k + 1) % 4
                resistance = (arms if k % 2 else longitudinal) / 2
                net.branch(
                    f"{name}{cell}", f"C{cell}", resistance, [(before, quarter), (after, -quarter)]
                )
            switch = 0.0
            if reading == "selected":
                switch = switch_on if j == selected else switch_off
            series(f"row{i},{j}", f"L{cell}", row_line / 2)
            series(f"R{cell}", f"row{i},{j + 1}", row_line / 2)
            if joined:
                series(f"column{i},{j}", f"T{cell}", column_line / 2, switch)
                series(f"B{cell}", f"column{i + 1},{j}", switch, column_line / 2)
            else:
                series(f"in+{cell}", f"T{cell}", column_line / 2)
                series(f"B{cell}", f"in-{cell}", column_line / 2)
                if math.isfinite(input_impedance):
                    series(f"in+{cell}", f"in-{cell}", input_impedance)
        if supply == "grounded":
            series(f"row{i},{n}", "0", 0.0)
        elif not joined:
            series(f"row{i},0", "0", 0.0)
        if math.isfinite(supply_impedance):
            series(f"row{i},0", f"row{i},{n}", supply_impedance)
    if joined:
        for j in range(n):
            if math.isfinite(input_impedance) and selected in (None, j):
                series(f"column0,{j}", f"column{m},{j}", input_impedance)
        if supply == "isolated":
            series("row0,0", "0", 0.0)
    v = net.solve([(f"row{i},{n}", f"row{i},0") for i in range(m)])
    if joined:
        return np.stack([v[f"column0,{j}"] - v[f"column{m},{j}"] for j in range(n)], axis=1)
    found = np.zeros((m, n))
    for i in range(m):
        upper, lower = (np.array([v[f"in{s}{i},{j}"] for j in range(n)]) for s in "+-")
        common = (upper + lower) / 2
        if supply == "isolated":
            common -= common.mean(axis=0)
        found += (upper - lower + common / 10 ** (common_mode_rejection / 20)).T
    return found
