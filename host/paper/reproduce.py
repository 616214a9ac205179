"""The reproduction of the paper: run all experiments, make the chapters, write the report."""

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from joblib import cpu_count

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_files import save_pictures
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.paper import network_claims, neuron_claims, pulses, synapse_claims, tolerance
from allspin.host.paper.chapter import ChapterRecipe, Effort
from allspin.host.paper.experiments import Experiment, ResultCache, perform
from allspin.host.paper.report import PaperReport
from allspin.host.show.display import Display
from allspin.host.show.version import commit
from allspin.host.sweep.workers import in_processes

WORKERS = 2
"""Most processes."""
RECIPES: tuple[ChapterRecipe, ...] = (
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
"""Chapters in order."""
RESULTS = "results"
"""Folder of the experiments' results, within the report's."""


@functools.cache
def _dataset(directory: Path | None) -> Dataset:
    """Load a worker's data set once."""
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
    """Return the results of experiments, and compute those that the cache lacks.

    Parameters
    ----------
    experiments : iterable of Experiment
        Experiments; equal ones run once.
    cache : ResultCache
        Cache that holds results, and gets each as soon as it is computed.
    directory : Path, optional
        Folder of the data set.
    workers : int, optional
        Processes; by default up to `WORKERS`.
    progress : callable
        Callback with the seconds of work done, and in total.

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
    missing = [one for one in wanted if one not in results]
    if not missing:
        return results
    # The longest first, so that no core is idle at the end.
    missing.sort(key=lambda one: -one.cost)
    total = sum(one.cost for one in wanted)
    done = total - sum(one.cost for one in missing)
    progress(done, total)
    workers = min(workers or WORKERS, cpu_count(), len(missing))
    task = functools.partial(_perform, directory)
    with closing(in_processes(task, missing, workers)) as finished:
        for experiment, result in finished:
            results[experiment] = result
            cache.keep(experiment, result)
            done += experiment.cost
            progress(done, total)
    return results


def reproduce(
    effort: Effort,
    out: Path,
    progress: Display,
    directory: Path | None = None,
    recipes: Sequence[ChapterRecipe] = RECIPES,
    style: PictureStyle = SCREEN,
) -> PaperReport:
    """Compute the experiments without a result, and write the report.

    Parameters
    ----------
    effort : Effort
        Extent of the computation.
    out : Path
        Folder of the report, which is made; results of an earlier run in it are used.
    progress : Display
        Display of the steps.
    directory : Path, optional
        Folder of the data set; by default the MNIST that ships.
    recipes : sequence of ChapterRecipe
        Recipes of the chapters.
    style : PictureStyle
        Style of the pictures; the report needs PNG and SVG besides.

    Returns
    -------
    PaperReport

    Raises
    ------
    UserError
        If a file cannot be read or written.
    """
    make_folder(out / RESULTS)
    dataset = load_dataset(directory)
    cache = ResultCache(out / RESULTS, dataset.digest)
    experiments = [one for recipe in recipes for one in recipe.experiments(effort)]
    needed = list(dict.fromkeys(experiments))
    known = sum(cache.find(one) is not None for one in needed)
    already = f", {known} of them done before" if known else ""
    progress.start(f"{len(needed)} experiments{already}")
    begun = time.monotonic()
    results = run_experiments(needed, cache, directory, progress=progress.advance)
    seconds = time.monotonic() - begun
    progress.finish()

    chapters = [recipe.make(results, effort) for recipe in recipes]
    facts = (
        f"Effort: {effort.name}; the four types over {effort.seeds} seeds, sweeps over "
        f"{effort.sweep_seeds}, {effort.chips} chips. Figures after ± are standard deviations.",
        f"Data: {dataset.name}, {len(dataset.train_images):,} training images and "
        f"{len(dataset.test_images):,} test images.",
        f"{len(needed)} experiments, {known} of them from an earlier run; this run took "
        f"{seconds / 60:.1f} minutes for the others.",
        f"Commit {commit() or 'unknown'}.",
    )
    report = PaperReport(chapters, facts, out)
    drawn = {picture.numbers.name: picture.draw for picture in report.pictures}
    save_pictures(drawn, out, progress, style.with_formats(("png", "svg")))
    report.write()
    return report
