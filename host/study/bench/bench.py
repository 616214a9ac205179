"""All figures of the bench: those that are measured here, and those worked out of builds."""

from collections.abc import Mapping, Sequence
from typing import Any

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.show.display import Display, Silent
from allspin.host.show.revision import commit
from allspin.host.study.bench.engine import engine_figures, resident_figures
from allspin.host.study.bench.peers.program import GOLDEN, Program
from allspin.host.study.bench.peers.ratios import ratios
from allspin.host.study.bench.suite import (
    DEVICE,
    NETWORKS,
    VARIED,
    Effort,
    chips_on_golden,
    chips_on_virtual,
    growth,
    link,
    machine_description,
    shapes_on_virtual,
)
from allspin.host.study.bench.training import STATES, training


def bench(
    effort: Effort | None = None,
    builds: Sequence[dict[str, Any]] = (),
    *,
    resident_images: int | None = None,
    former: Mapping[str, Any] | None = None,
    display: Display | None = None,
) -> dict[str, Any]:
    """Measure golden model and virtual board, and work out the engines of builds.

    Parameters
    ----------
    effort : Effort, optional
        How much is measured.
    builds : sequence of dict
        What `allspin.host.study.bench.builds.read_builds` returned.
    resident_images : int, optional
        Images that the builds keep on the board, if they do not say so themselves.
    former : mapping, optional
        What an earlier bench has returned: only the figures of builds are made anew.
    display : Display, optional
        Shows the steps.

    Returns
    -------
    dict
        Plain values, as ``allspin bench --json`` prints them.
    """
    display = display or Silent()
    record = _measured(effort or Effort(), display) if former is None else dict(former)
    return record | _of_builds(list(builds), resident_images, display)


def _measured(effort: Effort, display: Display) -> dict[str, Any]:
    """All figures that are measured here, as ``--json`` prints them."""
    machine = machine_description()
    network = open_network(NETWORKS[0])
    images, _ = load_test_set(None)
    golden = []
    for name in NETWORKS:
        display.start(f"{effort.chips} chips on golden, {name}")
        golden.append(chips_on_golden(name, effort))
        display.finish()
    virtual = []
    for name in effort.virtual_networks:
        display.start(f"{effort.virtual_chips} chips on virtual, {name}")
        virtual.append(chips_on_virtual(name, effort))
        display.finish()
    display.start(f"training, {STATES} states")
    trained = training(effort.epochs)
    display.finish()
    display.start("side by side")
    program = Program(GOLDEN, VARIED, DEVICE, effort.images)
    compared = ratios(program, effort.repeats, lambda text: display.advance(0, None, text))
    display.finish()
    display.start("how the cost grows")
    grown = growth(effort)
    shapes = shapes_on_virtual(effort)
    display.finish()
    return {
        "commit": commit(),
        "machine": machine,
        "golden_chips": golden,
        "virtual_chips": virtual,
        "training": [trained],
        "ratios": compared,
        "growth": grown,
        "shapes": shapes,
        "link": link(network, images),
    }


def _of_builds(builds: list[dict[str, Any]], kept: int | None, display: Display) -> dict[str, Any]:
    """The engine's figures, and those of resident sweeps."""
    network = open_network(NETWORKS[0])
    display.start("the engines of the builds")
    found = {
        "engine": [each.to_dict() for each in engine_figures(builds, network)],
        "resident": [each.to_dict() for each in resident_figures(builds, network, kept)],
    }
    display.finish()
    return found
