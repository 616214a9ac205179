"""Makes the whole report: experiments, pictures, numbers, verdicts."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cache as cached
from functools import partial
from pathlib import Path
from typing import Any

from joblib import cpu_count

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.data.files import make_folder
from allspin.host.draw.style import SCREEN, Look, save_pictures
from allspin.host.paper import network, neuron, pulses, synapse, tolerance
from allspin.host.paper.chapter import Chapter, Effort, Part
from allspin.host.paper.experiments import Experiment, ResultCache, perform
from allspin.host.paper.report import claims_of, markdown, page, readings_table, verdict_table
from allspin.host.show.say import Display, clock, commit
from allspin.host.sweep.workers import in_processes
from allspin.sim.files import write_atomically

WORKERS = 2
"""Processes, if there are as many cores."""


@cached
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
    report: Callable[[float, float, str], None] = lambda done, total, figures: None,
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
    report : callable
        Told how many seconds of work are done, of how many, and the time left in words.

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
    done, begun = 0.0, time.monotonic()
    workers = min(workers or WORKERS, cpu_count(), len(todo))
    with closing(in_processes(partial(_perform, directory), todo, workers)) as finished:
        for experiment, result in finished:
            results[experiment] = result
            cache.keep(experiment, result)
            done += experiment.cost
            left = (time.monotonic() - begun) / done * (here - done)
            report(total - here + done, total, f"about {clock(left, None)} left")
    return results


PARTS: tuple[Part, ...] = (
    synapse.RESPONSE,
    synapse.VARIATION,
    neuron.CURVE,
    network.TYPES,
    tolerance.SYNAPSE,
    tolerance.NEURON,
    network.STATES,
    pulses.NONLINEARITY,
    pulses.WIDTH,
    pulses.COLLAPSE,
    neuron.ENERGY,
    network.BEYOND,
)
"""The chapters, in order."""
RESULTS = "results"
"""Folder, within the report's, of what is computed."""


def reproduce(
    effort: Effort,
    out: Path,
    display: Display,
    directory: Path | None = None,
    parts: Sequence[Part] = PARTS,
    look: Look = SCREEN,
) -> list[Chapter]:
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
    parts : sequence of Part
        Chapters.
    look : Look
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
    display.start(f"{len(needed)} experiments{already}")
    begun = time.monotonic()
    results = run_experiments(needed, cache, directory, report=display.advance)
    seconds = time.monotonic() - begun
    display.finish()

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
    save_pictures(drawn, out, display, look.with_formats("png", "svg"))
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
