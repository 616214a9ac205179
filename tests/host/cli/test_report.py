"""``allspin report``: what it prints, what it refuses, and that a page is whole or not there."""

import json
import re

from allspin.host.cli.main import main

QUICK = ["--chips", "1", "--images", "30"]

FINDINGS = "allspin.host.report.subject"


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
    assert record["bytes"] - 20_000 < sum(record["sections"].values()) < record["bytes"]
    assert "golden model" in err
    text = page.read_text()
    assert "No board was built for this network" in text
    assert "allspin build icebreaker --network paper-10" in re.sub("<[^>]*>", "", text)
    assert "could not be compared with CMOS neurons: no cells here" in text
    # What could not be run is said, with the command that runs it.
    assert "The gateware was not run for this page: no compiler here" in text
    assert "--on" in text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


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
