"""Makes the whole report: experiments, pictures, numbers, verdicts."""

import time
from pathlib import Path

from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import make_folder
from allspin.host.show.display import Display
from allspin.host.show.pictures.style import SCREEN, Look, save_pictures
from allspin.host.show.revision import commit
from allspin.host.study.paper.cache import ResultCache
from allspin.host.study.paper.chapter import Effort, Part
from allspin.host.study.paper.chapters import (
    beyond,
    collapse,
    energy,
    neuron_curve,
    nonlinearity,
    pulse_width,
    response,
    states,
    synapse_variation,
    tolerances,
    types,
)
from allspin.host.study.paper.report import Report, markdown, page, readings_table, verdict_table
from allspin.host.study.paper.runner import run_experiments
from allspin.sim.network.netfile import write_atomically

PARTS: tuple[Part, ...] = (
    response,
    synapse_variation,
    neuron_curve,
    types,
    tolerances.SYNAPSE,
    tolerances.NEURON,
    states,
    nonlinearity,
    pulse_width,
    collapse,
    energy,
    beyond,
)
"""The chapters, in order."""
RESULTS = "results"
"""Folder, within the report's, of what is computed."""


def reproduce(
    effort: Effort,
    out: Path,
    display: Display,
    directory: Path | None = None,
    parts: tuple[Part, ...] = PARTS,
    look: Look = SCREEN,
) -> Report:
    """Compute what is missing, and write the report.

    Parameters
    ----------
    effort : Effort
        How much.
    out : Path
        Folder; it is made. What an earlier run computed there is used.
    display : Display
        Told of the progress.
    directory : Path, optional
        Of the data set; MNIST, which ships.
    parts : tuple of Part
        Chapters.
    look : Look
        What files pictures become, besides those that the report shows.

    Returns
    -------
    Report

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
    display.start(f"{len(needed)} experiments{already}")
    begun = time.monotonic()
    results = run_experiments(needed, cache, directory, report=display.advance)
    seconds = time.monotonic() - begun
    display.finish()

    report = Report(
        [part.chapter(results, effort) for part in parts],
        (
            f"Effort: {effort.name}; the four types over {effort.seeds} seeds, sweeps over "
            f"{effort.sweep_seeds}, {effort.chips} chips. Figures after ± are standard deviations.",
            f"Data: {dataset.name}, {len(dataset.train_images):,} training images and "
            f"{len(dataset.test_images):,} test images.",
            f"{len(needed)} experiments, {there} of them from an earlier run; this run took "
            f"{seconds / 60:.1f} minutes for the others.",
            f"Commit {commit() or 'unknown'}.",
        ),
    )
    pictures = [picture for chapter in report.chapters for picture in chapter.pictures]
    drawn = {picture.name: picture.draw for picture in pictures}
    save_pictures(drawn, out, display, look.with_formats("png", "svg"))
    tables = [
        *(picture.numbers for picture in pictures),
        *(table for chapter in report.chapters for table in chapter.tables),
        verdict_table(report.claims),
        readings_table(report.claims),
    ]
    for table in tables:
        write_atomically(out / f"{table.name}.csv", table.csv())
    write_atomically(out / "paper.md", markdown(report).encode())
    write_atomically(out / "paper.html", page(report).encode())
    return report
