"""``allspin report``: its output, its refusals, and a page that is whole or absent."""

import re

from allspin.host.cli.main import main

FINDINGS = "allspin.host.report.findings"


def test_json_tells_path_and_sizes(tmp_path, cli, monkeypatch):
    monkeypatch.setattr(f"{FINDINGS}.why_no_engine", lambda subject: "no compiler here")
    monkeypatch.setattr("allspin.host.bitstreams.kept.kept_manifests", list)
    monkeypatch.setattr(f"{FINDINGS}.compared", lambda *_: "no cells here")
    page = tmp_path / "page.html"
    record = cli.json(f"report paper-10 -o {page} --chips 1 --images 30")
    sections, size = record["sections"], page.stat().st_size
    told = [record[key] for key in ("path", "bytes", "chips", "images")]
    assert told == [str(page), size, 1, 30]
    assert set(sections) >= {"trained", "devices", "chips", "maps", "confusion"}
    assert size - 20_000 < sum(sections.values()) < size
    # The page names parts that could not be run, with the command that runs each.
    text = re.sub("<[^>]*>", "", page.read_text())
    for words in (
        "No board was built for this network",
        "allspin build ulx3s-85f --network paper-10",
        "could not be compared with CMOS neurons: no cells here",
        "The gateware was not run for this page: no compiler here",
    ):
        assert words in text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_an_interrupt_leaves_the_old_page_and_quick_asks_fewer(tmp_path, capsys, monkeypatch):
    subjects = []

    def interrupted(subject, _):
        subjects.append(subject)
        raise KeyboardInterrupt

    monkeypatch.setattr("allspin.host.report.page.find", interrupted)
    page = tmp_path / "page.html"
    page.write_text("the old one")
    for words in ("--quick", "", "--quick --chips 7 --images 9"):
        assert main(["report", "mnist-10", "-o", str(page), *words.split()]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert page.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    found = [(subject.chips, len(subject.images), not subject.some) for subject in subjects]
    assert found == [(5, 2000, False), (20, 10000, True), (7, 9, False)]
    assert subjects[2].command("run") == "allspin run mnist-10 --images 9"
