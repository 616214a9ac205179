"""Print the tables of docs/decisions/learning-in-gateware.md: ``python -m tests.learning``.

``core`` prints only the figures of synthesis and placement, ``clocks`` the clock cycles of an
image's pulses, ``films`` the bits that films need: two minutes, one minute and a quarter of an
hour on an idle machine.
"""

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from amaranth.back import rtlil
from amaranth_boards.ulx3s import ULX3S_85F_Platform
from threadpoolctl import threadpool_limits

from allspin.boards.build.families import ECP5
from allspin.boards.build.tools import find_tool
from allspin.boards.shell import MACHINE
from allspin.host.data.datasets import load_dataset
from allspin.host.learn.array_network import ArrayNetwork, row_values
from allspin.host.learn.parameters import ArrayParameters
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation
from tests.learning.core import LearningCore, WordSynapse

A22_9 = PulseResponse(22.0, 100), PulseResponse(9.0, 100), 100
DEVICES = {
    "straight, 1,000 pulses": (*[PulseResponse(math.inf, 1000)] * 2, 100),
    "A 22/9, 100 pulses": A22_9,
    "A 22/9, 100 pulses, C2C 2 %": (*A22_9, CycleVariation(0.02, 0.02, occasion="pulse")),
}
FILMS = [("float, a chance for each cell", SotSynapse, False), ("float", SotSynapse, True)] + [
    (f"{bits} bits, {kind}", partial(WordSynapse, film_bits=bits, stochastic=stochastic), True)
    for bits in (8, 10, 12, 16)
    for kind, stochastic in (("nearest", False), ("stochastic", True))
]
"""Devices: name, constructor, and True if the draws are shared by lines."""
BATCH, LANES, SEEDS, MHZ = 32, (1, 2, 4, 100), (4, 16), 100
"""Seeds of the straight device, and of others, which scatter more."""
FIXED = 326 + 50 + 112 + 45
"""Clocks of an image beside its update: forward alone (docs/boards.json, ulx3s-25f, chips),
softmax, deltas of 100 hidden neurons, and the core's pipeline."""


def placed(lanes: int, walkers: int) -> list[str]:
    """LUTs, registers, block RAMs, multipliers and MHz of a core."""
    make = partial(rtlil.convert, name=MACHINE, platform=ULX3S_85F_Platform(), emit_src=False)
    place = (
        "--85k --package CABGA381 --speed 6 --freq 100 --seed 1 --out-of-context --quiet "
        "--timing-allow-fail --json core.json --report report.json"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "machine.il").write_text(make(LearningCore(lanes, walkers)))
        (Path(folder) / "core.ys").write_text(f"{ECP5.machine_script()}write_json core.json\n")
        for tool, words in (("yosys", "-q -s core.ys"), ("nextpnr-ecp5", place)):
            subprocess.run([*find_tool(tool).command, *words.split()], cwd=folder, check=True)
        report = json.loads((Path(folder) / "report.json").read_text())
    return [
        *(
            f"{report['utilization'][kind]['used']:,}"
            for kind in ["TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D"]
        ),
        f"{report['fmax']['clk']['achieved']:.0f}",
    ]


def watch(update, clocks, change, rows):
    """Update a crossbar, and count the clocks of it: by lanes, then with one lane that walks."""
    live = change.any(axis=0)
    update(change, rows)
    steps = np.abs(change[:, live])
    lines = (
        np.maximum.reduceat(steps, np.arange(0, steps.shape[1], lanes), axis=1) for lanes in LANES
    )
    clocks.append([line.clip(1).sum() for line in (*lines, steps.sum(axis=1))])


def learn(dataset, images, batch, lines=True, **given):
    """Mean test accuracy over the second half of training, in %, and an image's clock cycles.

    A batch of `BATCH` has a rate of 0.1, and clock cycles are counted in batches of one image.
    `given` has the synapse and the seed.
    """
    network, clocks, rng = (
        ArrayNetwork(ArrayParameters(rate=0.1 * batch / BATCH, **given), 784, 10),
        [],
        np.random.default_rng(given["seed"]),
    )
    for crossbar in cast(list[Any], network.weights):
        if batch == 1:
            crossbar.update = partial(watch, crossbar.update, clocks)
        # Chances of cells are sums of their row's and their column's own.
        if lines:
            crossbar._rng = SimpleNamespace(
                random=lambda dtype, out: np.copyto(
                    out, (rng.random((len(out), 1)) + rng.random(out.shape[1])) % 1
                )
            )
    values, tests, shares = row_values(dataset.train_images), row_values(dataset.test_images), []
    for part in rng.permutation(images).reshape(10, -1, batch):
        for chosen in part:
            network.learn(values[chosen], dataset.train_labels[chosen], rng)
        shares.append(100 * np.mean(network.classify(tests) == dataset.test_labels))
    return np.mean(shares[5:]), np.sum(clocks, axis=0) / images


def rows(some: list[str]) -> Iterator[list[str]]:
    """Rows of the tables."""
    dataset, bases = load_dataset(), {}
    for lanes, walkers in ((1, 1), (2, 2), (4, 4), (100, 1)) if "core" in some else ():
        yield [f"{lanes} asked, {walkers} walking", *placed(lanes, walkers)]
    for name, device in DEVICES.items() if "clocks" in some else ():
        clocks = learn(dataset, 6_000, 1, synapse=SotSynapse(*device), seed=0)[1]
        yield [
            *(name, *(f"{count:,.0f}" for count in clocks)),
            *(f"{3 * 60_000 * (FIXED + count) / MHZ / 1e6:.1f}" for count in clocks),
        ]
    for name, (kind, make, lines) in product(DEVICES, FILMS) if "films" in some else ():
        found = [
            learn(dataset, 16_000, BATCH, lines, synapse=make(*DEVICES[name]), seed=seed)[0]
            for seed in range(SEEDS[name[0] == "A"])
        ]
        # The same images in the same order; only the learning differs.
        more = np.subtract(found, bases.setdefault(name, found))
        yield [
            *(name, kind, f"{np.mean(found):.2f}", f"{np.mean(more):+.2f}"),
            f"{np.std(more, ddof=1) / len(more) ** 0.5:.2f}",
        ]


if __name__ == "__main__":
    with threadpool_limits(1):
        for cells in rows(sys.argv[1:] or ["core", "clocks", "films"]):
            print("|", " | ".join(cells), "|", flush=True)
