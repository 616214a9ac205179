"""Every chapter comes out of the experiments that it names, on a small data set."""

import io

import matplotlib.image
import pytest

from allspin.host.data.datasets import load_dataset
from allspin.host.draw.style import new_figure
from allspin.host.paper.chapter import Effort, Picture, Table
from allspin.host.paper.chapters import beyond, types
from allspin.host.paper.experiments import ResultCache, parameters_of
from allspin.host.paper.reproduce import PARTS, run_experiments

TINY = Effort("tiny", seeds=2, sweep_seeds=1, chips=2, fine=False)


def test_chapters_from_their_experiments(tmp_path, idx_folder):
    folder = idx_folder(shape=(6, 6), classes=4, train=64, test=40)
    parts = [part for part in PARTS if part is not beyond]
    wanted = [one for part in parts for one in part.experiments(TINY)]
    cache = ResultCache(tmp_path, load_dataset(folder).digest)
    results = run_experiments(wanted, cache, folder)
    chapters = [part.chapter(results, TINY) for part in parts]
    names = [table.name for chapter in chapters for table in chapter.tables]
    names += [picture.name for chapter in chapters for picture in chapter.pictures]
    assert len(set(names)) == len(names)
    assert {"learning-curves", "confusion", "synapse-tolerance", "collapse", "energy"} <= set(names)
    for chapter in chapters:
        tables: list[Table] = [*chapter.tables, *(picture.numbers for picture in chapter.pictures)]
        for table in tables:
            assert table.rows
            assert all(len(row) == len(table.header) for row in table.rows)
    claims = [claim for chapter in chapters for claim in chapter.claims]
    assert len({claim.claim for claim in claims}) == len(claims) >= 25
    rows = {row[0]: row for row in chapters[parts.index(types)].tables[0].rows}
    for number, name in types.TYPE_NAMES.items():
        runs = [results[types.paper_type(number, seed)]["accuracy"] for seed in range(2)]
        assert rows[f"{number}: {name}"][2] == pytest.approx(50 * sum(runs), abs=0.006)


@pytest.mark.parametrize("part", [part for part in PARTS if part is not beyond])
def test_all_parameters_are_legal(part):
    for effort in (TINY, Effort("all", 2, 2, 2, True)):
        for experiment in part.experiments(effort):
            parameters_of(experiment.values)


def test_the_last_chapter_shows_each_network_and_column():
    results = {}
    for number, one in enumerate(beyond.experiments(TINY)):
        results[one] = {
            "accuracy": 0.99,
            "accuracies": [0.9 + number / 1000, 0.92 + number / 1000],
            "pulses_per_cell": 1.5,
            "reads_per_cell": 2.0,
            "unconverged": 0.001,
        }
    shares, costs = beyond.chapter(results, TINY).tables
    columns = len(beyond.COLUMNS) + len(beyond.MORE)
    assert len(shares.rows) == len(beyond.NETWORKS) * (columns + 1)
    assert len(costs.rows) == len(beyond.NETWORKS) * columns
    assert shares.rows[1][2:] == (91.1, 1.41, 2)
    assert {row[0] for row in shares.rows} == set(beyond.shown_networks())


def test_a_picture_shows_itself_in_a_notebook():
    picture = Picture(
        Table("x", "x", ("x",), [(1,)]), "x", lambda: new_figure(4.0, 3.0, "of what it shows")
    )
    shown = matplotlib.image.imread(io.BytesIO(picture._repr_png_()))
    height, width, _ = shown.shape
    # In inches at a hundred dots, but for what is cut off around it.
    assert (width, height) == pytest.approx((400, 300), rel=0.2)
    assert shown[..., :3].min() < 0.5 < shown[..., :3].max()
