"""``allspin report``: what it prints, what it refuses, and that a page is whole or not there."""

import json
import re
from pathlib import Path

import pytest

from allspin.host.cli.main import main

QUICK = ["--chips", "1", "--images", "30"]

FINDINGS = "allspin.host.report.subject"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a refused command leaves."""
    assert main(["report", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("allspin")
    return lines[0]


def test_json_tells_path_and_sizes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(f"{FINDINGS}.why_no_engine", lambda subject: "no compiler here")
    monkeypatch.setattr(f"{FINDINGS}.recall", list)
    monkeypatch.setattr(f"{FINDINGS}.compared", lambda *_: "no cells here")
    page = tmp_path / "page.html"
    assert main(["report", "paper-10", "-o", str(page), *QUICK, "--json"]) == 0
    out, err = capsys.readouterr()
    [line] = out.splitlines()
    record = json.loads(line)
    assert record["path"] == str(page)
    assert record["bytes"] == page.stat().st_size
    assert record["chips"] == 1
    assert record["images"] == 30
    assert set(record["sections"]) >= {"trained", "devices", "chips", "maps", "confusion"}
    assert sum(record["sections"].values()) < record["bytes"]
    assert "golden model" in err
    text = page.read_text()
    assert "No board was built for this network" in text
    assert "allspin build icebreaker --network paper-10" in re.sub("<[^>]*>", "", text)
    assert "could not be compared with CMOS neurons: no cells here" in text
    # What could not be run is said, with the command that runs it.
    assert "The gateware was not run for this page: no compiler here" in text
    assert "--on" in text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_without_json_the_page_is_named_and_has_the_comparison(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(f"{FINDINGS}.why_no_engine", lambda subject: "no compiler here")
    monkeypatch.chdir(tmp_path)
    assert main(["report", "mnist-10", *QUICK]) == 0
    assert capsys.readouterr().out == "report.html\n"
    text = Path("report.html").read_text()
    # The bare gate: four AND2_X1 and one INV_X1, 4 * 1.064 + 0.532 um^2.
    assert ">cmos-bare<" in text
    assert ">4.79<" in text
    assert "What the verdict hangs on: spin over cmos-bare" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "there is no network 'nowhere'"),
        (["mnist-10", "--device", "nothing"], "there is no device 'nothing'"),
        (["mnist-10", "--chips", "0"], "--chips must be from 1 to 1000, not 0"),
        (["mnist-10", "--images", "10001"], "--images must be from 1 to 10000, not 10001"),
        (["mnist-10", "-o", "no/such/folder/page.html"], "cannot write no/such/folder/page.html"),
        (["mnist-10", "--data", "no-folder"], "no-folder"),
    ],
)
def test_bad_input_is_one_line_before_any_work(words, said, capsys):
    assert said in refused(capsys, *words)


def test_a_page_that_cannot_be_made_leaves_the_old_one(tmp_path, capsys, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("the old one")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("allspin.host.report.page.find", interrupted)
    assert main(["report", "mnist-10", "-o", str(page)]) == 130
    assert page.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert "interrupted" in capsys.readouterr().err


def test_quick_asks_fewer_chips_and_images(tmp_path, capsys, monkeypatch):
    subjects = []

    def stop(subject: object, steps: object) -> None:
        subjects.append(subject)
        raise KeyboardInterrupt

    monkeypatch.setattr("allspin.host.report.page.find", stop)
    for words in (["--quick"], [], ["--quick", "--chips", "7", "--images", "9"]):
        main(["report", "mnist-10", "-o", str(tmp_path / "page.html"), *words])
    capsys.readouterr()
    found = [(subject.chips, len(subject.images), subject.all_images) for subject in subjects]
    assert found == [(5, 2000, False), (20, 10000, True), (7, 9, False)]
    assert subjects[2].command("run") == "allspin run mnist-10 --images 9"
