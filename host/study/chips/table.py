"""The table of what networks reach over many chips, as the terminal shows it."""

from allspin.host.show.table import Column, Number, Table
from allspin.host.study.chips.accuracy import OverChips
from allspin.host.study.chips.measured import MeasuredChips
from allspin.sim.programming.schemes import POLARITIES


def chips_table(measured: MeasuredChips) -> Table:
    """Networks across, columns down: their titles are long."""
    results, chips = measured.results, len(measured.seeds)
    names = list(dict.fromkeys(result.network for result in results))
    rows = []
    for title in dict.fromkeys(result.column.title for result in results):
        row = {result.network: result for result in results if result.column.title == title}
        rows.append((title, *(_accuracy(row[name]) for name in names)))
    rows += [(result.title, _accuracy(result)) for result in measured.probed]
    return Table(
        f"Accuracy, {chips} chip{'s' if chips > 1 else ''} of {measured.device.name}, "
        f"{measured.images:,} images",
        (Column("chips with"), *(Column(name, "%") for name in names)),
        rows,
    )


def _accuracy(measured: OverChips) -> Number:
    """An accuracy and its deviation, in percent."""
    deviation = None if measured.deviation is None else 100 * measured.deviation
    return Number(100 * measured.mean, ".2f", deviation)


def remarks(measured: MeasuredChips) -> list[str]:
    """How the chips were programmed and what their device is read as, line by line."""
    lines = []
    said: set[str] = set()
    for result in measured.results:
        if result.column.scheme == "write-verify" and result.network not in said:
            said.add(result.network)
            how = result.programming
            cells = result.counts.cells
            lines.append(
                f"{result.network}, {result.column.title}: band {how.band:g} of the range, at most "
                f"{how.tries} tries; {result.counts.reads / cells:.2f} writes and reads a cell, "
                f"{result.counts.unconverged / cells:.2%} of the cells end outside the band"
            )
    for result in measured.results:
        column = result.column
        if column.scheme == "open-loop" and {"c2c", "d2d", "neuron"} <= set(column.variations):
            worst = int(result.accuracies.argmin())
            lines.append(
                f"{result.network}, {column.title}: the worst is chip {measured.seeds[worst]} with "
                f"{100 * result.accuracies[worst]:.2f} %"
            )
    for cells in measured.probed[0].cells if measured.probed else ():
        lines += cells.readings()
    polarity = measured.results[0].programming.polarity
    return [*lines, f"polarity {polarity}: {POLARITIES[polarity]}", *measured.device.readings()]
