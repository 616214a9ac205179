"""Every chapter comes out of the experiments that it names; the report has their files."""

import csv
import io
import re

import matplotlib.image
import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.data.datasets import load_dataset
from allspin.host.draw.style import new_figure
from allspin.host.learn.paper_types import TYPE_NAMES
from allspin.host.paper import network_claims, neuron_claims, pulses, synapse_claims
from allspin.host.paper.chapter import (
    QUICK,
    ChapterPicture,
    Effort,
    chapter_table,
)
from allspin.host.paper.claims import Verdict
from allspin.host.paper.experiments import ResultCache, paper_type, parameters_of
from allspin.host.paper.reproduce import RECIPES, reproduce, run_experiments
from allspin.host.show.table_files import csv_bytes
from allspin.sim.synapse.response import Polarity

TINY = Effort("tiny", seeds=2, sweep_seeds=1, chips=2, fine=False)


def test_chapters_from_their_experiments(tmp_path, idx_folder):
    folder = idx_folder(shape=(6, 6), classes=4, train=64, test=40)
    parts = [part for part in RECIPES if part is not network_claims.BEYOND]
    wanted = [one for part in parts for one in part.experiments(TINY)]
    cache = ResultCache(tmp_path, load_dataset(folder).digest)
    results = run_experiments(wanted, cache, folder)
    chapters = [part.make(results, TINY) for part in parts]
    tables = [table for chapter in chapters for table in chapter.tables]
    tables += [picture.numbers for chapter in chapters for picture in chapter.pictures]
    names = {table.name for table in tables}
    assert len(names) == len(tables)
    assert {"learning-curves", "confusion", "synapse-tolerance", "collapse", "energy"} <= names
    for table in tables:
        assert table.table.rows
        assert all(len(row) == len(table.table.columns) for row in table.table.rows)
    claims = [claim for chapter in chapters for claim in chapter.claims]
    assert len({claim.claim for claim in claims}) == len(claims) >= 25
    rows = {row[0]: row for row in chapters[parts.index(network_claims.TYPES)].tables[0].table.rows}
    for number, name in TYPE_NAMES.items():
        runs = [results[paper_type(number, seed)]["accuracy"] for seed in range(2)]
        assert rows[f"{number}: {name}"][2] == pytest.approx(50 * sum(runs), abs=0.006)


@pytest.mark.parametrize("part", [part for part in RECIPES if part is not network_claims.BEYOND])
def test_all_parameters_are_legal(part):
    for effort in (TINY, Effort("all", 2, 2, 2, True)):
        for experiment in part.experiments(effort):
            parameters_of(experiment.values)


def test_the_last_chapter_shows_each_network_and_column():
    results = {
        one: {
            "accuracy": 0.99,
            "accuracies": [0.9 + number / 1000, 0.92 + number / 1000],
            "pulses_per_cell": 1.5,
            "reads_per_cell": 2.0,
            "unconverged": 0.001,
        }
        for number, one in enumerate(network_claims.BEYOND.experiments(TINY))
    }
    shares, costs = network_claims.BEYOND.make(results, TINY).tables
    columns = len(network_claims.COLUMNS) + len(network_claims.MORE)
    assert len(shares.table.rows) == len(network_claims.NETWORKS) * (columns + 1)
    assert len(costs.table.rows) == len(network_claims.NETWORKS) * columns
    assert shares.table.rows[1][2:] == (91.2, 1.41, 2)
    assert {row[0] for row in shares.table.rows} == set(network_claims.shown_networks())


def test_a_picture_shows_itself_in_a_notebook():
    picture = ChapterPicture(
        chapter_table("x", "x", ("x",), [(1,)]),
        "x",
        lambda: new_figure(4.0, 3.0, "of what it shows"),
    )
    shown = matplotlib.image.imread(io.BytesIO(picture._repr_png_()))
    height, width, _ = shown.shape
    # Inches at a hundred dots, without the margin that is cut off.
    assert (width, height) == pytest.approx((400, 300), rel=0.2)
    assert shown[..., :3].min() < 0.5 < shown[..., :3].max()


def test_uniform_levels_that_whole_pulses_meet():
    """55 and 32 of 100, counted independently of this program."""
    assert synapse_claims.levels_met(Polarity.POTENTIATION) == 55
    assert synapse_claims.levels_met(Polarity.DEPRESSION) == 32


def test_the_printed_formula_is_contradicted_but_for_its_signs():
    # 2 (1 - exp(100 / 9)) / (1 - exp(-100 / 9)) + 1
    assert synapse_claims.printed_depression(np.zeros(1))[0] == pytest.approx(-133_877, rel=1e-3)
    claim = synapse_claims.RESPONSE.make({}, QUICK).claims[0]
    assert claim.claim == "R_D(P) as printed describes depression"
    assert claim.verdict is Verdict.ASSUMED


def test_energy_against_arithmetic_by_hand():
    chapter = neuron_claims.ENERGY.make({}, QUICK)
    rows = {row[0]: row[2] for row in chapter.tables[0].table.rows}
    expected = {
        "SOT neuron, energy of a use": "0.0004 fJ",
        "what 0.1 fJ would take": "3.16 uA, or 2.5 us",
        "SOT neuron at the sheet current that switches the synapse": "1.8 to 3.4 fJ",
        "CMOS neuron, area": "4.788 um^2",
        "input activity at which that gate takes the 2.622 fJ": "0.06",
        "positions of the domain wall": "40",
        "synapse, a pulse as built": "20 to 38 uJ",
    }
    assert rows | expected == rows
    verdicts = {claim.claim: claim.verdict for claim in chapter.claims}
    assert verdicts["The scaled SOT neuron takes around 0.1 fJ"] is Verdict.CONTRADICTED
    assert verdicts["At 80 m/s, input and reset take 10 ns each"] is Verdict.REPRODUCED


@pytest.mark.parametrize("polarity", Polarity)
def test_computed_widths_rise_along_the_train_and_take_the_whole_range(polarity):
    widths = pulses.widths(polarity)
    assert np.all(np.diff(widths) > 0)
    assert sum(widths) == pytest.approx(100)


def test_all_files_are_there_and_the_tables_agree(tmp_path, idx_folder, seen):
    folder = idx_folder(shape=(8, 8), classes=4, train=96, test=40)
    parts = (
        synapse_claims.RESPONSE,
        neuron_claims.CURVE,
        neuron_claims.ENERGY,
    )
    out = tmp_path / "new" / "folder"
    report = reproduce(QUICK, out, seen, folder, parts)
    names = {path.name for path in out.iterdir()}
    for name in ("rah-states", "response", "sot-relu", "neuron-variation"):
        assert {f"{name}.png", f"{name}.svg", f"{name}.csv"} <= names
    rows = list(csv.reader((out / "verdicts.csv").open(newline="")))
    assert rows[0] == ["claim", "paper", "ours", "verdict", "reason"]
    assert [row[3] for row in rows[1:]] == [claim.verdict.value for claim in report.claims]
    page, text = (out / "paper.html").read_text(), (out / "paper.md").read_text()
    assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) <= names
    assert set(re.findall(r"\]\(([^)]*)\)", text)) <= names
    assert all("Fig. 1b, R_AH against H_z" in each for each in (page, text))
    assert seen.lines[0].startswith("0 experiments")


def test_csv_keeps_numbers_and_quotes_text():
    table = chapter_table("t", "T", ("a, b", "c"), [('x"y', 1 / 3), ("z", 7)])
    assert csv_bytes(table.table).decode() == '"a, b",c\n"x""y",0.333333333\nz,7\n'


def test_a_folder_that_is_a_file_is_one_line(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert main(["paper", "-o", str(file)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("allspin: cannot write into the folder")
