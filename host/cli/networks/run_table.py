"""The tables that ``allspin run`` prints."""

from rich.table import Table

from allspin.host.show.figures import figures_table
from allspin.host.show.terminal import Terminal
from allspin.host.study.running.classify import Classified
from allspin.host.study.running.made_chip import MadeChip, ProbedChip, ProgrammedChip
from allspin.host.study.running.score import Score


def _where(on: str, chip: MadeChip | None) -> str:
    return on if chip is None else f"{chip.title}, {on}"


def print_classes(found: Classified) -> None:
    """Print the class and the logits of each image file as a table."""
    table = Table(title=f"{found.network} on {_where(found.on, found.chip)}")
    for name in ("image", "class", "logits of the classes, from 0 on"):
        table.add_column(name, overflow="fold")
    answers = found.answers
    for file, number, logits in zip(found.files, answers.classes, answers.logits, strict=True):
        table.add_row(file, str(number), " ".join(map(str, logits.tolist())))
    console = Terminal()
    console.print(table)
    if found.logits is not None:
        compared, mismatches = found.logits.compared, found.logits.mismatches
        console.print(f"{mismatches:,} of {compared:,} logits differ from the golden model")


def print_score(score: Score) -> None:
    """Print a score as a table, and below it what the paper leaves open of its chip."""
    chip = score.chip
    where = _where(score.on, chip)
    rows = (*_shown(score), *_compared(score), *([] if chip is None else _made(chip)))
    console = Terminal()
    console.print(figures_table(f"{score.network} on {where}", rows))
    if chip is not None:
        for line in chip.readings():
            console.print(line, soft_wrap=True)


def _shown(score: Score) -> list[tuple[str, str]]:
    shown = score.shown
    rows = [
        ("accuracy", f"{score.accuracy:.2%}"),
        ("images", f"{score.images:,}"),
        ("seconds", f"{shown.seconds:.2f}"),
        ("images/s", f"{score.images_per_second:,.0f}"),
    ]
    if shown.at_once is not None:
        rows.append(("images on the board at a time", f"{shown.at_once:,}"))
    if shown.simulated_seconds is not None:
        rows.append(("simulated seconds", f"{shown.simulated_seconds:.4f}"))
        rows.append(("simulated images/s", f"{score.simulated_images_per_second:,.0f}"))
    if shown.cycles_per_image is not None:
        rows.append(("cycles per image", f"{shown.cycles_per_image:.1f}"))
    if score.cycles_bound is not None:
        rows.append(("  the slowest stage's bound", f"{score.cycles_bound:.1f}"))
    return rows


def _compared(score: Score) -> list[tuple[str, str]]:
    rows = []
    if score.logits is not None:
        rows.append(("logits compared", f"{score.logits.compared:,}"))
        rows.append(("mismatches", f"{score.logits.mismatches:,}"))
    if score.words is not None:
        rows.append(("R_AH words read back", f"{score.words.compared:,}"))
        rows.append(("  not the golden chip's", f"{score.words.mismatches:,}"))
        rows.append(("  not the ideal network's", f"{score.words.changed:.2%}"))
    if score.resent or score.damaged:
        rows.append(("frames that came damaged", f"{score.damaged:,}"))
        rows.append(("requests sent again", f"{score.resent:,}"))
    return rows


def _made(chip: MadeChip) -> list[tuple[str, str]]:
    rows = []
    if isinstance(chip, ProgrammedChip):
        rows += _programmed(chip)
    if isinstance(chip, ProbedChip):
        rows += _probed(chip)
    if chip.array.layers:
        how = "words and gains" if chip.array.folded else "the matrix itself"
        rows.append((f"array, {chip.device.array.reading}", how))
        rows.append(("  its error, of a cell's range", f"{chip.array.error:.2%}"))
        rows.append(("  of that not in the words", f"{chip.array.residual:.2%}"))
        rows.append(("  words too large", f"{chip.array.saturated:.2%}"))
    if chip.calibrated is not None:
        rows.append(("calibration, uses of neurons", f"{chip.calibrated.uses:,}"))
    return rows


def _probed(chip: ProbedChip) -> list[tuple[str, str]]:
    cells = chip.cells
    return [
        ("cells measured", f"{cells.cells - cells.missing:,}"),
        ("  missing", f"{cells.missing:,}"),
        ("  saturated", f"{cells.saturated:,}"),
    ]


def _programmed(chip: ProgrammedChip) -> list[tuple[str, str]]:
    counts = chip.counts
    rows = [
        ("programmed", chip.how.scheme),
        ("  pulses a cell", f"{counts.pulses / counts.cells:.1f}"),
        ("  saturations a cell", f"{counts.saturations / counts.cells:.2f}"),
    ]
    if counts.reads:
        rows.append(("  reads a cell", f"{counts.reads / counts.cells:.2f}"))
        rows.append(("  cells outside the band", f"{counts.unconverged / counts.cells:.2%}"))
    energy = counts.energy(chip.device.electrical)
    if energy is not None:
        rows.append(("  energy of the pulses", f"{energy:.3g} J"))
    seconds = counts.time(chip.device.electrical)
    if seconds is not None:
        rows.append(("  time, cell after cell", f"{seconds:,.0f} s"))
    return rows
