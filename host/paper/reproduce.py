"""The reproduction of the paper's claims: what is computed, and how it is told."""

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import htpy as h
from joblib import cpu_count
from markupsafe import Markup

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_files import save_pictures
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.paper import network_claims, neuron_claims, pulses, synapse_claims, tolerance
from allspin.host.paper.chapter import Cell, Chapter, ChapterTable, Claim, Effort, Part
from allspin.host.paper.experiments import Experiment, ResultCache, perform
from allspin.host.show import table as show
from allspin.host.show.display import Display
from allspin.host.show.version import commit
from allspin.host.sweep.workers import in_processes
from allspin.sim.files import write_atomically

TITLE = "The paper, figure by figure"
SOURCE = (
    'Z. Cao, S. Zhang, J. Hou, W. Duan, L. You, "All-Spin Artificial Neural Network Based on '
    'Spin-Orbit Torque-Induced Magnetization Switching", IEEE Transactions on Electron Devices, '
    "2023, doi 10.1109/TED.2023.3327031."
)
NOT_DRAWN = (
    "Fig. 1b, R_AH against H_z of the synapse: only the coercive field (37 Oe) is in the text; "
    "there is no model of the hysteresis.",
    "Fig. 4b, R_AH against H_z of the neuron: only the coercive field (about 30 Oe) is in the "
    "text.",
    "Fig. 1c, R_AH against current of the synapse: the text has no model of the loop.",
    "Figs. 1a, 4a, 6a, 6b are drawings of devices and circuit.",
)
STYLE = """\
body { font: 15px/1.5 "DejaVu Sans", sans-serif; color: #222; max-width: 64em; margin: 2em auto;
  padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; }
caption { text-align: left; font-weight: bold; padding: .3em 0; }
th, td { border-bottom: 1px solid #ddd; padding: .3em .7em; text-align: left;
  vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; }
figure { margin: 1.5em 0; } figcaption { color: #555; }
"""


def claims_of(chapters: Sequence[Chapter]) -> list[Claim]:
    """All claims, in order."""
    return [claim for chapter in chapters for claim in chapter.claims]


def cell_text(cell: Cell) -> str:
    """A table's cell as text."""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def verdict_table(claims: Sequence[Claim]) -> ChapterTable:
    """The table of verdicts."""
    return ChapterTable(
        "verdicts",
        "Verdicts",
        ("claim", "paper", "ours", "verdict", "reason"),
        [
            (claim.claim, claim.paper, claim.outcome, claim.verdict.value, claim.reason)
            for claim in claims
        ],
    )


def readings_table(claims: Sequence[Claim]) -> ChapterTable:
    """Every reading of every claim, one a row."""
    return ChapterTable(
        "readings",
        "Readings",
        ("claim", "reading", "outcome", "agrees", "is an assumption"),
        [
            (
                claim.claim,
                reading.name,
                reading.outcome,
                "yes" if reading.agrees else "no",
                "yes" if reading.assumption else "no",
            )
            for claim in claims
            for reading in claim.readings
        ],
    )


def printed_verdicts(claims: Sequence[Claim]) -> show.Table:
    """The table of verdicts for a terminal, with a line between two claims."""
    table = verdict_table(claims)
    columns = [show.TableColumn(name, wide=name in ("ours", "reason")) for name in table.header]
    return show.Table(table.title, columns, table.rows, rules=range(1, len(table.rows)))


def printed_table(table: ChapterTable) -> show.Table:
    """A table for a terminal."""
    return show.Table(table.title, [show.TableColumn(name) for name in table.header], table.rows)


def _markdown_table(table: ChapterTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rows = [line(table.header), line(["---"] * len(table.header))]
    rows += [line([cell_text(cell) for cell in row]) for row in table.rows]
    return "\n".join(rows)


def markdown(chapters: Sequence[Chapter], facts: Sequence[str]) -> str:
    """The report as Markdown; `facts` say how it was made."""
    parts = [f"# {TITLE}", SOURCE, "\n".join(f"- {fact}" for fact in facts)]
    parts += ["## Verdicts", _markdown_table(verdict_table(claims_of(chapters)))]
    for chapter in chapters:
        parts += [f"## {chapter.title}", *chapter.text]
        for table in chapter.tables:
            parts += [f"**{table.title}** ([{table.name}.csv]({table.name}.csv))"]
            parts += [_markdown_table(table)]
        for picture in chapter.pictures:
            name, caption = picture.numbers.name, picture.caption
            parts += [f"![{caption}]({name}.png)"]
            parts += [f"{caption} ([SVG]({name}.svg), [numbers]({name}.csv))"]
    parts += ["## Not drawn", "\n".join(f"- {reason}" for reason in NOT_DRAWN)]
    return "\n\n".join(parts) + "\n"


def _html_table(table: ChapterTable) -> h.Element:
    def cell(value: Cell) -> h.Element:
        return h.td(class_=None if isinstance(value, str) else "number")[cell_text(value)]

    return h.table[
        h.caption[table.title],
        h.tr[[h.th[name] for name in table.header]],
        [h.tr[[cell(value) for value in row]] for row in table.rows],
    ]


def page(chapters: Sequence[Chapter], facts: Sequence[str]) -> str:
    """The report as one HTML page; its pictures are the SVG files beside it."""
    whole = h.html(lang="en")[
        h.head[h.meta(charset="utf-8"), h.title[TITLE], h.style[Markup(STYLE)]],
        h.body[
            h.h1[TITLE],
            h.p[SOURCE],
            h.ul[[h.li[fact] for fact in facts]],
            _html_table(verdict_table(claims_of(chapters))),
            [
                [
                    h.h2[chapter.title],
                    [h.p[text] for text in chapter.text],
                    [
                        [
                            _html_table(table),
                            h.p[h.a(href=f"{table.name}.csv")[f"{table.name}.csv"]],
                        ]
                        for table in chapter.tables
                    ],
                    [
                        h.figure[
                            h.img(src=f"{picture.numbers.name}.svg", alt=picture.caption),
                            h.figcaption[
                                picture.caption,
                                " ",
                                h.a(href=f"{picture.numbers.name}.csv")["numbers"],
                            ],
                        ]
                        for picture in chapter.pictures
                    ],
                ]
                for chapter in chapters
            ],
            h.h2["Not drawn"],
            h.ul[[h.li[reason] for reason in NOT_DRAWN]],
        ],
    ]
    return f"{whole}\n"


WORKERS = 2
"""Processes, if there are as many cores."""


@functools.cache
def _dataset(directory: Path | None) -> Dataset:
    """A worker's data set."""
    return load_dataset(directory)


def _perform(directory: Path | None, experiment: Experiment) -> dict[str, Any]:
    return perform(experiment, _dataset(directory))


def run_experiments(
    experiments: Iterable[Experiment],
    cache: ResultCache,
    directory: Path | None = None,
    workers: int | None = None,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> dict[Experiment, dict[str, Any]]:
    """Results of experiments: those that are there already, and the others computed.

    Parameters
    ----------
    experiments : iterable of Experiment
        What is needed; equal ones count once.
    cache : ResultCache
        Where results are found, and kept as soon as they are there.
    directory : Path, optional
        Of the data set.
    workers : int, optional
        Processes; up to `WORKERS` by default.
    progress : callable
        Told how many seconds of work are done, of how many.

    Returns
    -------
    dict
        Result of each experiment.

    Raises
    ------
    UserError
        If workers are killed again and again, or a result cannot be written.
    """
    wanted = list(dict.fromkeys(experiments))
    results = {one: found for one in wanted if (found := cache.find(one)) is not None}
    # The longest first, so that no core is left over at the end.
    todo = sorted((one for one in wanted if one not in results), key=lambda one: -one.cost)
    if not todo:
        return results
    total = sum(one.cost for one in wanted)
    here = sum(one.cost for one in todo)
    done = 0.0
    progress(total - here, total)
    workers = min(workers or WORKERS, cpu_count(), len(todo))
    with closing(in_processes(functools.partial(_perform, directory), todo, workers)) as finished:
        for experiment, result in finished:
            results[experiment] = result
            cache.keep(experiment, result)
            done += experiment.cost
            progress(total - here + done, total)
    return results


PARTS: tuple[Part, ...] = (
    synapse_claims.RESPONSE,
    synapse_claims.VARIATION,
    neuron_claims.CURVE,
    network_claims.TYPES,
    tolerance.SYNAPSE,
    tolerance.NEURON,
    network_claims.STATES,
    pulses.NONLINEARITY,
    pulses.WIDTH,
    pulses.COLLAPSE,
    neuron_claims.ENERGY,
    network_claims.BEYOND,
)
"""The chapters, in order."""
RESULTS = "results"
"""Folder, within the report's, of what is computed."""


def reproduce(
    effort: Effort,
    out: Path,
    progress: Display,
    directory: Path | None = None,
    parts: Sequence[Part] = PARTS,
    style: PictureStyle = SCREEN,
) -> list[Chapter]:
    """Compute what is missing, and write the report.

    Parameters
    ----------
    effort : Effort
        How much.
    out : Path
        Folder; it is made. What an earlier run computed there is used.
    progress : Display
        Told of the progress.
    directory : Path, optional
        Of the data set; MNIST, which ships.
    parts : sequence of Part
        Chapters.
    style : PictureStyle
        What files pictures become, besides those that the report shows.

    Returns
    -------
    list of Chapter

    Raises
    ------
    UserError
        If something cannot be read or written.
    """
    make_folder(out / RESULTS)
    dataset = load_dataset(directory)
    cache = ResultCache(out / RESULTS, dataset.digest)
    needed = list(dict.fromkeys(one for part in parts for one in part.experiments(effort)))
    there = sum(cache.find(one) is not None for one in needed)
    already = f", {there} of them done before" if there else ""
    progress.start(f"{len(needed)} experiments{already}")
    begun = time.monotonic()
    results = run_experiments(needed, cache, directory, progress=progress.advance)
    seconds = time.monotonic() - begun
    progress.finish()

    chapters = [part.make(results, effort) for part in parts]
    facts = (
        f"Effort: {effort.name}; the four types over {effort.seeds} seeds, sweeps over "
        f"{effort.sweep_seeds}, {effort.chips} chips. Figures after ± are standard deviations.",
        f"Data: {dataset.name}, {len(dataset.train_images):,} training images and "
        f"{len(dataset.test_images):,} test images.",
        f"{len(needed)} experiments, {there} of them from an earlier run; this run took "
        f"{seconds / 60:.1f} minutes for the others.",
        f"Commit {commit() or 'unknown'}.",
    )
    pictures = [picture for chapter in chapters for picture in chapter.pictures]
    drawn = {picture.numbers.name: picture.draw for picture in pictures}
    save_pictures(drawn, out, progress, style.with_formats(("png", "svg")))
    claims = claims_of(chapters)
    tables = [
        *(picture.numbers for picture in pictures),
        *(table for chapter in chapters for table in chapter.tables),
        verdict_table(claims),
        readings_table(claims),
    ]
    for table in tables:
        write_atomically(out / f"{table.name}.csv", table.csv())
    write_atomically(out / "paper.md", markdown(chapters, facts).encode())
    write_atomically(out / "paper.html", page(chapters, facts).encode())
    return chapters
