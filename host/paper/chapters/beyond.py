"""Past the paper: its devices, trained offline and programmed with and without verify."""

from allspin.host.chips.accuracy import COLUMNS, Column
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.paper.chapter import Cell, Chapter, Effort, Results, Spread, Table
from allspin.host.paper.experiments import Experiment, chips, clean
from allspin.sim.programming.schemes import default_tries

NETWORKS = (("paper-10", "mnist-10"), ("paper-100", "mnist-100"))
"""Networks trained for these devices, and the plain ones that stand in where they are not."""
MORE = (
    Column("pulse width", ("c2c",), "pulse-width"),
    Column("write-verify, and all D2D, not calibrated", ("c2c", "d2d", "neuron"), "write-verify"),
)
"""Columns besides those of ``allspin chips``."""


def shown_networks() -> list[str]:
    """The networks of the table, by name."""
    there = shipped_networks()
    return [next(name for name in names if name in there) for names in NETWORKS]


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.paper.chapter.Part`."""
    return [
        one
        for network in shown_networks()
        for one in (
            clean(network),
            *(chips(network, column, effort.chips) for column in (*COLUMNS, *MORE)),
        )
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    rows: list[tuple[Cell, ...]] = []
    costs: list[tuple[Cell, ...]] = []
    networks = shown_networks()
    for network in networks:
        best = results[clean(network)]["accuracy"]
        rows.append((network, "no variation", round(100 * best, 2), 0.0, 1))
        for column in (*COLUMNS, *MORE):
            result = results[chips(network, column, effort.chips)]
            rows.append((network, column.title, *Spread.of(result["accuracies"]).cells()))
            costs.append(
                (
                    network,
                    column.title,
                    round(result["pulses_per_cell"], 2),
                    round(result["reads_per_cell"], 2),
                    round(100 * result["unconverged"], 3),
                )
            )
    tried = " and ".join(
        f"{default_tries(open_network(name))} tries for {name}" for name in networks
    )
    return Chapter(
        "Past the paper: trained offline, then programmed",
        (
            "Networks trained offline and written into chips of them: C2C of "
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
