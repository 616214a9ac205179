"""Past the paper: its devices, trained offline and programmed with and without verify."""

from host.catalogue import shipped_networks
from host.paper.chapter import Chapter, Effort, Results, Table
from host.paper.experiments import Experiment, chips, clean
from host.paper.verdict import Spread

NETWORKS = {("paper-10", "mnist-10"): 8, ("paper-100", "mnist-100"): 32}
"""Networks trained for these devices, or else the plain ones; and the tries of write-verify."""
COLUMNS = {
    "open loop": (("c2c",), "open-loop", False),
    "pulse width": (("c2c",), "pulse-width", False),
    "write-verify": (("c2c",), "write-verify", False),
    "write-verify, with D2D": (("c2c", "d2d"), "write-verify", False),
    "write-verify, with D2D and neurons": (("c2c", "d2d", "neuron"), "write-verify", False),
    "the same, calibrated": (("c2c", "d2d", "neuron"), "write-verify", True),
}
"""Variation that is on, how chips are programmed, and whether thresholds are calibrated."""


def _networks() -> dict[str, int]:
    """Networks to show, with the tries of write-verify."""
    there = shipped_networks()
    return {
        next(name for name in names if name in there): tries for names, tries in NETWORKS.items()
    }


def _run(network: str, tries: int, column: str, effort: Effort) -> Experiment:
    variations, scheme, calibrated = COLUMNS[column]
    return chips(network, variations, scheme, tries, calibrated, effort.chips)


def experiments(effort: Effort) -> list[Experiment]:
    """See `host.paper.chapter.Part`."""
    return [
        one
        for network, tries in _networks().items()
        for one in (
            clean(network),
            *(_run(network, tries, column, effort) for column in COLUMNS),
        )
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `host.paper.chapter.Part`."""
    rows: list[tuple[str | int | float, ...]] = []
    costs: list[tuple[str | int | float, ...]] = []
    for network, tries in _networks().items():
        best = results[clean(network)]["accuracy"]
        rows.append((network, "no variation", round(100 * best, 2), 0.0, 1))
        for column in COLUMNS:
            result = results[_run(network, tries, column, effort)]
            spread = Spread.of(result["accuracies"])
            rows.append(
                (
                    network,
                    column,
                    round(100 * spread.mean, 2),
                    round(100 * spread.deviation, 2),
                    spread.count,
                )
            )
            costs.append(
                (
                    network,
                    column,
                    round(result["pulses_a_cell"], 2),
                    round(result["reads_a_cell"], 2),
                    round(100 * result["unconverged"], 3),
                )
            )
    tried = " and ".join(f"{tries} tries for {name}" for name, tries in _networks().items())
    return Chapter(
        "Past the paper: trained offline, then programmed",
        (
            "Networks trained offline for these devices and written into chips of them: C2C of "
            "0.065 and 0.029 of the range on each write, D2D of 0.13 and 0.48 as a factor on the "
            "weight, the neurons' D2D of 0.18 in gain and threshold and their C2C of 0.014. "
            f"Write-verify has at most {tried}. Deviation is between chips.",
        ),
        (),
        (
            Table(
                "chips",
                "The paper's devices, trained offline, 10,000 images",
                ("network", "programmed", "mean (%)", "standard deviation", "chips"),
                rows,
            ),
            Table(
                "chips-cost",
                "What programming takes",
                ("network", "programmed", "pulses a cell", "reads a cell", "not converged (%)"),
                costs,
            ),
        ),
    )
