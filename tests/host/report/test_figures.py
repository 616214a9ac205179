"""Pictures of a report for a journal: all of the page's, with captions, for any names."""

import json
import re

import pytest

from allspin.host.cli.main import main

pytestmark = pytest.mark.long


def test_each_chart_of_the_page_is_a_file_with_a_caption(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("allspin.host.bitstreams.kept.kept_manifests", lambda: [])
    few = [*made.arguments, "--chips", "2", "--images", "100", "--json"]
    assert main(["report", *few, "--pictures", str(tmp_path / "figures")]) == 0
    files = json.loads(capsys.readouterr().out)["figures"]
    assert sorted(files) == sorted(map(str, (tmp_path / "figures").iterdir()))
    charts = re.findall(r'<figure id="([\w-]+)">', made.text)
    wanted = [name for name in charts if not name.startswith(("boards", "chips-closer"))]
    for name in wanted:
        assert (tmp_path / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert "<svg" in (tmp_path / "figures" / f"{name}.svg").read_text()
        caption = (tmp_path / "figures" / f"{name}.tex").read_text()
        assert re.fullmatch(r"\\caption\{[^\n]*\}\n", caption)
        assert "<" not in caption
        assert "network net " in caption
        counted = name.startswith(("learning", "chips", "confusion"))
        assert ("first 100 of 150 test images" in caption) is counted
    neuron = (tmp_path / "figures/synapse-curve.tex").read_text()
    assert ". Potentiation rises in 100 pulses" in neuron


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["paper-10"], "a page is about one network; give --pictures for pictures of several"),
        (["paper-10", "--pictures", "f"], "two networks have the same name"),
        (["--pictures", "f", "-o", "page.html"], "--output"),
        (["--style", "paper"], "--pictures"),
        (["--pictures", "f", "--style", "papers"], "--style"),
    ],
)
def test_conflicting_options_are_refused(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "paper-10", *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("allspin: ")
    assert message in error
    assert not list(tmp_path.iterdir())
