"""The tables that ``allspin run`` prints."""

from allspin.host.show.printing import print_tables
from allspin.host.show.table import Column, Figure, Number, Table, figures
from allspin.host.study.running.classify import Classified
from allspin.host.study.running.latency import FREQUENCY, RATES, Latency
from allspin.host.study.running.made_chip import MadeChip, ProbedChip, ProgrammedChip
from allspin.host.study.running.score import Score


def _where(on: str, chip: MadeChip | None) -> str:
    return on if chip is None else f"{chip.title}, {on}"


def print_classes(found: Classified) -> None:
    """Print the class and the logits of each image file as a table."""
    answers = found.answers
    rows = [
        (file, int(number), " ".join(map(str, logits.tolist())))
        for file, number, logits in zip(found.files, answers.classes, answers.logits, strict=True)
    ]
    columns = (Column("image"), Column("class"), Column("logits of the classes, from 0 on"))
    notes = []
    if found.logits is not None:
        compared, mismatches = found.logits.compared, found.logits.mismatches
        notes.append(f"{mismatches:,} of {compared:,} logits differ from the golden model")
    title = f"{found.network} on {_where(found.on, found.chip)}"
    print_tables([Table(title, columns, rows)], notes)


def print_score(score: Score) -> None:
    """Print a score as a table, and below it what the paper leaves open of its chip."""
    chip = score.chip
    where = _where(score.on, chip)
    rows = (*_shown(score), *_compared(score), *([] if chip is None else _made(chip)))
    notes = [] if chip is None else chip.readings()
    print_tables([figures(f"{score.network} on {where}", rows)], notes)


def print_latency(found: Latency) -> None:
    """Print what images take one at a time: cycles, and time over a UART at each rate."""
    spans = [
        ("engine, first event to last logit", found.engine, "cycles"),
        ("turnaround, request in to answer", found.turnaround, "cycles"),
        *(
            (f"UART of {baud:,} baud, there and back", 1e6 * found.over_link(baud, FREQUENCY), "us")
            for baud in RATES
        ),
    ]
    numbers = (Column(name, form=",.1f") for name in ("mean", "least", "most"))
    rows = [
        (span, *(float(value) for value in (values.mean(), values.min(), values.max())), unit)
        for span, values, unit in spans
    ]
    title = f"Latency of {found.network} on virtual, {len(found.engine)} images one at a time"
    shape = f"{found.profile.rows_per_clock} rows per clock"
    notes = [f"{shape}; times over a UART with a machine of {FREQUENCY / 1e6:g} MHz"]
    print_tables([Table(title, (Column("from, to"), *numbers, Column("unit")), rows)], notes)


def _percent(share: float) -> Number:
    """A share of images or words, which are counted, in percent."""
    return Number(100 * share, ".2f")


def _shown(score: Score) -> list[Figure]:
    shown = score.shown
    rows: list[Figure] = [
        ("accuracy", _percent(score.accuracy), "%"),
        ("images", score.images),
        ("time", shown.seconds, "s"),
        ("throughput", score.images_per_second, "images/s"),
    ]
    if shown.at_once is not None:
        rows.append(("images on the board at a time", shown.at_once))
    if shown.simulated_seconds is not None:
        rows.append(("simulated time", shown.simulated_seconds, "s"))
        rows.append(("simulated throughput", score.simulated_images_per_second, "images/s"))
    if shown.cycles_per_image is not None:
        rows.append(("cycles per image", Number(shown.cycles_per_image, ".1f")))
    if score.cycles_bound is not None:
        rows.append(("  the slowest stage's bound", Number(score.cycles_bound, ".1f")))
    return rows


def _compared(score: Score) -> list[Figure]:
    rows: list[Figure] = []
    if score.logits is not None:
        rows.append(("logits compared", score.logits.compared))
        rows.append(("mismatches", score.logits.mismatches))
    if score.words is not None:
        rows.append(("R_AH words read back", score.words.compared))
        rows.append(("  not the golden chip's", score.words.mismatches))
        rows.append(("  not the ideal network's", _percent(score.words.changed), "%"))
    if score.resent or score.damaged:
        rows.append(("frames that came damaged", score.damaged))
        rows.append(("requests sent again", score.resent))
    return rows


def _made(chip: MadeChip) -> list[Figure]:
    rows: list[Figure] = []
    if isinstance(chip, ProgrammedChip):
        rows += _programmed(chip)
    if isinstance(chip, ProbedChip):
        rows += _probed(chip)
    if chip.array.layers:
        how = "words and gains" if chip.array.folded else "the matrix itself"
        rows.append((f"array, {chip.device.array.reading}", how))
        rows.append(("  its error, of a cell's range", 100 * chip.array.error, "%"))
        rows.append(("  of that not in the words", 100 * chip.array.residual, "%"))
        rows.append(("  words too large", 100 * chip.array.saturated, "%"))
    if chip.calibrated is not None:
        rows.append(("calibration, uses of neurons", chip.calibrated.uses))
    return rows


def _probed(chip: ProbedChip) -> list[Figure]:
    cells = chip.cells
    return [
        ("cells measured", cells.cells - cells.missing),
        ("  missing", cells.missing),
        ("  saturated", cells.saturated),
    ]


def _programmed(chip: ProgrammedChip) -> list[Figure]:
    counts = chip.counts
    rows: list[Figure] = [
        ("programmed", chip.how.scheme),
        ("  pulses a cell", counts.pulses / counts.cells),
        ("  saturations a cell", counts.saturations / counts.cells),
    ]
    if counts.reads:
        rows.append(("  reads a cell", counts.reads / counts.cells))
        rows.append(("  cells outside the band", 100 * counts.unconverged / counts.cells, "%"))
    energy = counts.energy(chip.device.electrical)
    if energy is not None:
        rows.append(("  energy of the pulses", energy, "J"))
    seconds = counts.time(chip.device.electrical)
    if seconds is not None:
        rows.append(("  time, cell after cell", seconds, "s"))
    return rows
