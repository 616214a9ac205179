"""``python -m tests.bench``: everything runs, and only text between marks is rewritten."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.document import MARKS, printed

START, END = MARKS.begin, MARKS.end
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
def test_all_of_it_runs_and_fills_the_document(board_record, tmp_path):
    about = {"board": "ulx3s-85f", "part": "LFE5U-85F", "profile": "chips"}
    build = board_record(**about, resident_images=300)
    builds, document, out = tmp_path / "b.json", tmp_path / "p.md", tmp_path / "p.json"
    builds.write_text(json.dumps({"boards": [build]}))
    document.write_text(f"before\n{START}\nformer figures\n{END}\nafter\n")
    words = ["--quick", "--json", "--builds", str(builds)]
    # In a process of its own: memory is the peak of a process's whole life. One more between, since
    # Linux counts the memory of a process at its start, which is that of its parent.
    words += ["--document", str(document), "-o", str(out)]
    command = [sys.executable, "-m", "tests.bench", *words]
    between = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    command = [sys.executable, "-c", between, *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    record = json.loads(done.stdout)
    assert record == json.loads(out.read_text())
    assert [each["network"] for each in record["golden_chips"]] == ["mnist-10", "mnist-100"]
    assert all(each["memory_bytes"] < 2**30 for each in record["golden_chips"])
    assert [each["chips_that_differ"] for each in record["virtual_chips"]] == [0]
    (training,) = record["training"]
    assert training["epochs"] == 1
    assert training["accuracy"] > 0.9
    assert training["seconds"] > 0
    assert {row["what"] for row in record["ratios"]} >= {"golden model", "plain NumPy, float32"}
    asked = {(row["what"], row["noisy"]): row["target"] for row in record["ratios"]}
    assert asked["aihwkit-lightning", True] == 3
    assert asked["CrossSim", True] is asked["golden model", True] is None
    assert all(row["accuracy"] > 0.9 for row in record["ratios"] if "accuracy" in row)
    text = document.read_text()
    assert text.startswith(f"before\n{START}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "former figures" not in text
    for heading in (
        "Targets",
        "Against others",
        "How the cost grows",
        "Engine",
        "Resident",
        "Link",
    ):
        assert f"### {heading}" in text
    assert "| ulx3s-85f:chips, 300 images on board | 79,400 |" in text
    # A terminal shows no table without rows; with --quick some tables have no rows.
    tables, _ = printed(record)
    assert len(tables) > 5
    assert all(table.rows for table in tables)
    assert record["shapes"] == []


def test_figures_of_an_earlier_run_stay(board_record, tmp_path, capsys):
    former = json.loads((ROOT / "docs" / "performance.json").read_text())
    measured, builds, out = (tmp_path / name for name in ("m.json", "b.json", "o.json"))
    measured.write_text(json.dumps(former))
    builds.write_text(json.dumps(board_record(cycles_per_image=1000.0, images_per_second=27_000)))
    words = ["--former", str(measured), "--builds", str(builds), "-o", str(out)]
    assert main(words) == 0
    found = json.loads(out.read_text())
    (engine,) = found["engine"]
    assert (engine["board"], engine["images_per_second"]) == ("tang-nano-9k", 27_000)
    assert found["resident"] == []
    capsys.readouterr()
    others = former.keys() - {"engine", "resident"}
    assert {name: found[name] for name in others} == {name: former[name] for name in others}
