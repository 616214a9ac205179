"""``python -m tests.bench``: everything runs, and only what is between marks is rewritten."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allspin.host.data.catalogue import open_network
from allspin.sim.errors import UserError
from tests.bench import __main__ as bench
from tests.bench.__main__ import main
from tests.bench.bench import engine_figures, read_builds, resident_figures
from tests.bench.document import MARKS, printed, read_measured

START, END = MARKS.begin, MARKS.end
ROOT = Path(__file__).resolve().parents[2]


def test_all_of_it_runs_and_fills_the_document(board_record, tmp_path):
    build = board_record(board="b", part="LFE5U-25F", resident_images=300)
    builds, document, out = tmp_path / "b.json", tmp_path / "p.md", tmp_path / "p.json"
    builds.write_text(json.dumps({"boards": [build]}))
    document.write_text(f"before\n{START}\nformer figures\n{END}\nafter\n")
    words = ["--quick", "--json", "--builds", str(builds)]
    # In a process of its own: memory is the peak of a process's whole life. One more between, since
    # Linux counts what a process had at its start, which is what its parent had.
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
    assert asked["CrossSim", True] == 1000
    assert asked["CrossSim", False] is asked["golden model", True] is None
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
    assert "| b, 300 images on board | 79,400 |" in text
    # In a terminal there is no head without rows, which is all that --quick has of some.
    tables, _ = printed(record)
    assert len(tables) > 5
    assert all(table.rows for table in tables)
    assert record["shapes"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no marks", "has not both marks"),
        (b"\xff", "it is not text in UTF-8"),
        (None, "cannot read"),
    ],
)
def test_a_document_that_cannot_be_filled_is_refused_before_the_work(
    tmp_path, capsys, monkeypatch, content, message
):
    path = tmp_path / "d.md"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(bench, "bench", lambda *_, **__: pytest.fail("it measures"))
    assert main(["--document", str(path)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_the_document_has_its_marks():
    text = (ROOT / "docs" / "performance.md").read_text()
    assert text.count(START) == text.count(END) == 1


def test_figures_of_an_earlier_run_stay(board_record, tmp_path, capsys):
    former = json.loads((ROOT / "docs" / "performance.json").read_text())
    measured, builds, out = (tmp_path / name for name in ("m.json", "b.json", "o.json"))
    measured.write_text(json.dumps(former))
    builds.write_text(json.dumps(board_record(worst_fmax_mhz=25.0, cycles_per_image=1000.0)))
    words = ["--measured", str(measured), "--builds", str(builds), "-o", str(out)]
    assert main(words) == 0
    found = json.loads(out.read_text())
    (engine,) = found["engine"]
    assert (engine["board"], engine["images_per_second"]) == ("tang-nano-9k", 25_000)
    assert found["resident"] == []
    capsys.readouterr()
    others = former.keys() - {"engine", "resident"}
    assert {name: found[name] for name in others} == {name: former[name] for name in others}
    for content in ("{", "[]", "{}", '{"machine": 3}', "[" * 100_000):
        measured.write_text(content)
        assert main(words) == 2
        err = capsys.readouterr().err
        assert "is not what `python -m tests.bench -o` has written" in err
        assert err.count("\n") == 1


WRONG = (10**400, -1, [], "a", "\x1b[2J", float("nan"), True)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *((name, WRONG[:1]) for name in ("cycles_per_image", "worst_fmax_mhz")),
        *((name, WRONG) for name in ("resident_images", "baud", "ffs", "cells", "dsps", "seed")),
        *((name, WRONG) for name in ("link_images_per_second", "lanes")),
        ("cycles_per_image", (1e-300, 0)),
        ("worst_fmax_mhz", (1e308,)),
        ("resident_images", (10**12,)),
        ("commit", (3, "\x1b[2J", "x" * 5000)),
        ("identity", ([], 5, "zz")),
    ],
)
def test_a_field_of_a_build_that_cannot_be_is_one_line(
    board_record, tmp_path, capsys, field, wrong
):
    path = tmp_path / "b.json"
    for value in wrong:
        path.write_text(json.dumps(board_record(**{field: value})))
        assert main(["--builds", str(path)]) == 2
        err = capsys.readouterr().err
        assert str(path) in err
        assert err.count("\n") == 1
        assert len(err) < 300


@pytest.mark.parametrize("commit", [3, [], {"a": 1}, "\x1b[2J", 10**400])
def test_a_wrong_commit_in_earlier_figures_is_one_line(tmp_path, commit):
    path = tmp_path / "m.json"
    record = json.loads((ROOT / "docs" / "performance.json").read_text())
    path.write_text(json.dumps({**record, "commit": commit}))
    with pytest.raises(UserError, match=r"is not what `python -m tests\.bench -o` has written"):
        read_measured(path)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
only_a_folder = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def known_gateware(monkeypatch):
    """Nothing is elaborated to find out whether a build is older."""
    monkeypatch.setattr("tests.bench.bench.is_older", lambda build, network: False)


@given(data=st.data())
@only_a_folder
def test_any_value_in_a_build_makes_figures_or_one_line(
    tmp_path, board_record, known_gateware, data
):
    path = tmp_path / "b.json"
    whole = board_record(resident_images=None, redraw_clocks=7)
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(whole)), values, max_size=2))
    build = {**whole, **changes} if changes else data.draw(values)
    shapes = (build, [build], {"boards": [build]}, {"boards": build}, [{"built": build}])
    path.write_text(json.dumps(data.draw(st.sampled_from(shapes))))
    network = open_network("mnist-10")
    try:
        builds = read_builds([path])
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        figures = engine_figures(builds, network) + resident_figures(builds, network, 5)
        assert all(each.to_dict()["images_per_second"] >= 0 for each in figures)


@given(data=st.data())
@only_a_folder
def test_any_value_in_figures_of_an_earlier_run_is_written_or_one_line(tmp_path, data):
    path = tmp_path / "m.json"
    record = json.loads((ROOT / "docs" / "performance.json").read_text())
    name = data.draw(st.sampled_from(sorted(record)))
    inner, key = record, name
    while isinstance(inner[key], dict | list) and inner[key] and data.draw(st.booleans()):
        inner = inner[key]
        key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else [0]))
    inner[key] = data.draw(values)
    path.write_text(json.dumps(record))
    try:
        read_measured(path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
