"""The bench from Python: what was measured before is kept, and builds' engines are made anew."""

import pytest

from tests.bench import bench as module
from tests.bench.bench import Effort, bench


def test_of_a_former_bench_only_the_engines_are_made_anew(board_record, monkeypatch, seen):
    monkeypatch.setattr(module, "_measured", lambda *_: pytest.fail("it measures"))
    former = {"commit": "then", "engine": ["old"], "resident": ["old"]}
    built = board_record(board="b", part="LFE5U-25F", resident_images=300)
    record = bench(builds=[built], former=former, display=seen)
    assert record["commit"] == "then"
    assert [row["board"] for row in record["engine"]] == ["b"]
    (resident,) = record["resident"]
    assert resident["images"] == 300
    assert former["engine"] == ["old"]
    assert seen.lines == ["the engines of the builds", ""]


def test_without_a_former_one_as_much_is_measured_as_the_effort_says(monkeypatch):
    effort = Effort(chips=3)
    monkeypatch.setattr(module, "_measured", lambda asked, display: {"chips": asked.chips})
    assert bench(effort) == {"chips": 3, "engine": [], "resident": []}
