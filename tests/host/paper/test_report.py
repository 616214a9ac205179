"""The report: its figures against outside ones, its files, and what is told on the way."""

import csv
import html.parser
import re

import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.paper.chapter import FULL, QUICK, Part, Table, Verdict
from allspin.host.paper.chapters import energy, neuron_curve, pulse_width, response
from allspin.host.paper.reproduce import PARTS, reproduce
from allspin.sim.synapse.response import Polarity


def claims_of(part):
    return {claim.claim: claim for claim in part.chapter({}, QUICK).claims}


def test_uniform_levels_that_whole_pulses_meet():
    """55 and 32 of 100, counted independently of this program."""
    assert response.levels_met(Polarity.POTENTIATION) == 55
    assert response.levels_met(Polarity.DEPRESSION) == 32


def test_the_printed_formula_is_contradicted_but_for_its_signs():
    # 2 (1 - exp(100 / 9)) / (1 - exp(-100 / 9)) + 1
    assert response.printed_depression(np.zeros(1))[0] == pytest.approx(-133_877, rel=1e-3)
    claim = claims_of(response)["R_D(P) as printed describes depression"]
    assert claim.verdict is Verdict.ASSUMED


def test_energy_against_arithmetic_by_hand():
    chapter = energy.chapter({}, QUICK)
    rows = {row[0]: row[2] for row in chapter.tables[0].rows}
    assert rows["SOT neuron, energy of a use"] == "0.0004 fJ"
    assert rows["what 0.1 fJ would take"] == "3.16 uA, or 2.5 us"
    assert rows["SOT neuron at the sheet current that switches the synapse"] == "1.8 to 3.4 fJ"
    assert rows["CMOS neuron, area"] == "4.788 um^2"
    assert rows["input activity at which that gate takes the 2.622 fJ"] == "0.06"
    assert rows["positions of the domain wall"] == "40"
    assert rows["synapse, a pulse as built"] == "20 to 38 uJ"
    verdicts = {claim.claim: claim.verdict for claim in chapter.claims}
    assert verdicts["The scaled SOT neuron takes around 0.1 fJ"] is Verdict.CONTRADICTED
    assert verdicts["At 80 m/s, input and reset take 10 ns each"] is Verdict.REPRODUCED


@pytest.mark.parametrize("polarity", Polarity)
def test_computed_widths_rise_along_the_train_and_take_the_whole_range(polarity):
    widths = pulse_width.widths(polarity)
    assert np.all(np.diff(widths) > 0)
    assert sum(widths) == pytest.approx(100)


def test_a_quick_run_computes_less():
    costs = []
    for effort in (QUICK, FULL):
        wanted = {one for part in PARTS for one in part.experiments(effort)}
        costs.append(sum(one.cost for one in wanted))
    assert costs[0] < costs[1] / 2


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.targets += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_all_files_are_there_and_the_tables_agree(tmp_path, idx_folder, seen):
    folder = idx_folder(shape=(8, 8), classes=4, train=96, test=40)
    parts: tuple[Part, ...] = (response, neuron_curve, energy)
    out = tmp_path / "new" / "folder"
    report = reproduce(QUICK, out, seen, folder, parts)
    names = {path.name for path in out.iterdir()}
    for name in ("rah-states", "response", "sot-relu", "neuron-variation"):
        assert {f"{name}.png", f"{name}.svg", f"{name}.csv"} <= names
    rows = list(csv.reader((out / "verdicts.csv").open(newline="")))
    assert rows[0] == ["claim", "paper", "ours", "verdict", "reason"]
    assert [row[3] for row in rows[1:]] == [claim.verdict.value for claim in report.claims]
    links = Links()
    page = (out / "paper.html").read_text()
    links.feed(page)
    links.close()
    assert not links.open
    assert set(links.targets) <= names
    text = (out / "paper.md").read_text()
    assert set(re.findall(r"\]\(([^)]*)\)", text)) <= names
    for claim in report.claims:
        assert claim.verdict.value in text
    assert "Fig. 1b, R_AH against H_z" in text
    assert "Fig. 1b, R_AH against H_z" in page
    assert seen.lines[0].startswith("0 experiments")


def test_csv_keeps_numbers_and_quotes_text():
    table = Table("t", "T", ("a, b", "c"), [('x"y', 1 / 3), ("z", 7)])
    assert table.csv().decode() == '"a, b",c\n"x""y",0.333333333\nz,7\n'


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--quikc"], "allspin: unrecognized arguments: --quikc"),
        (["-o", "FILE"], "allspin: cannot write into the folder"),
    ],
)
def test_what_is_wrong_is_one_line(argv, message, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert main(["paper", *(str(file) if word == "FILE" else word for word in argv)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(message)
    assert err.count("\n") == 1
