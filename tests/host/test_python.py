"""Public functions: arguments that they take in place of a name or a file, and their results."""

import dataclasses
import io
import json
import os
import pty
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import PIL.Image
import pytest

import allspin
from allspin.host.show.display import Display

NETWORK = allspin.load_network("mnist-10")
IMAGES, LABELS = (part[:60] for part in allspin.load_test_set())
SET = IMAGES, LABELS, IMAGES, LABELS
DEVICE = allspin.load_device("paper")
PAPER: Any = DEVICE.synapse
CURVES = "pulse,R_AH (ohm),polarity\n" + "".join(
    f"{n},{sign * (2 * (1 - np.exp(-n / 12)) / (1 - np.exp(-5)) - 1)},{name}\n"
    for sign, name in ((1, "potentiation"), (-1, "depression"))
    for n in range(61)
)
FRAME: Any = SimpleNamespace(columns=["pulse"], to_csv=lambda path, index: path.write_text(CURVES))
"""Stand-in for a data frame of the curves."""


def told(result: Any) -> dict[str, Any]:
    """A result's figures, without those that differ from run to run."""
    return {k: v for k, v in result.to_dict().items() if "second" not in k and k != "network"}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    PIL.Image.fromarray(255 - IMAGES[0]).save("digit.png")
    Path("curves.csv").write_text(CURVES)


def test_arrays_stand_where_test_images_do():
    chip = allspin.program(NETWORK, seed=7, scheme="write-verify", polarity="halves")
    options = allspin.RunOptions(check=True)
    expected = told(allspin.run("mnist-10", "golden", options, chip=chip, images=60))
    data = (IMAGES / 255, LABELS)
    assert told(allspin.run(NETWORK, data=data, options=options, chip=chip)) == expected


@pytest.mark.usefixtures("files")
def test_one_file_or_name_stands_for_several_and_for_an_object():
    one, several = (allspin.classify(NETWORK, each) for each in ("digit.png", ["digit.png"]))
    assert told(one) == told(several)
    fitted, framed = (
        allspin.fit(each, allspin.FitOptions(states=20, name="curves"))
        for each in ("curves.csv", FRAME)
    )
    assert fitted.to_dict() == framed.to_dict()
    fitted.save("fitted.toml")
    assert (fitted.options.name, allspin.load_device("fitted.toml").synapse.states) == (
        "curves",
        20,
    )
    verified = allspin.program("mnist-10", "paper", 3, "write-verify")
    again = allspin.program(NETWORK, DEVICE, 3, "write-verify")
    assert all(map(np.array_equal, verified.words, again.words))
    incremental = allspin.program(NETWORK, seed=3, scheme="incremental")
    assert incremental.counts.saturations < verified.counts.saturations
    assert np.array_equal(allspin.GoldenModel("mnist-10").classify(IMAGES), NETWORK.predict(IMAGES))
    assert NETWORK.accuracy(IMAGES, LABELS) == (NETWORK.predict(IMAGES) == LABELS).mean()
    assert np.array_equal(NETWORK.weights[1], NETWORK.layers[1].words)
    assert {"mnist-10", "paper-10"} <= set(allspin.networks())
    assert "paper" in allspin.devices()


def test_a_sweep_without_a_table_has_its_rows(tmp_path):
    grid = {"network": ["paper-10"], "c2c": [0, 1], "chips": 2, "images": 50}
    swept = allspin.sweep(grid, workers=1)
    assert swept.rows == allspin.sweep(grid, tmp_path / "table.csv", workers=1).rows
    path = tmp_path / "grid.toml"
    path.write_text('network = "paper-10"\nc2c = [0, 1]\nchips = 2\nimages = 50\n')
    assert allspin.sweep(path, workers=1).rows == swept.rows


@pytest.mark.usefixtures("files")
def test_a_model_stands_where_a_name_does():
    fitted: Any = allspin.fit("curves.csv", allspin.FitOptions(states=10))
    fitted.save("fitted.toml")
    few = {"chips": 1, "images": 20}
    first, last = NETWORK.layers
    other = dataclasses.replace(first, states=first.states[::-1])
    both: Any = [NETWORK, dataclasses.replace(NETWORK, layers=(other, last))]
    named = allspin.sweep(
        {"network": "mnist-10", "device": ["paper", "fitted.toml"], **few}, workers=1
    )
    grid = {"network": both, "device": ["paper", fitted], **few}
    held = allspin.sweep(grid, "table.csv", workers=1)
    shares = [row.accuracy for row in held.rows]
    assert shares[:2] == [row.accuracy for row in named.rows] != shares[2:]
    assert allspin.sweep(grid, "table.csv", workers=1).resumed == 4
    trained: Any = SimpleNamespace(network=NETWORK)
    scores = (
        allspin.run(network, chip=allspin.program(network, device, 1), images=60)
        for network, device in ((trained, fitted), ("mnist-10", "fitted.toml"))
    )
    assert told(next(scores)) == told(next(scores))


def test_arrays_are_a_data_set():
    quick = allspin.TrainingParameters(hidden=(2,), epochs=1)
    first, second = (
        allspin.train(data, quick).network.weights[0] for data in (SET, allspin.load_dataset(SET))
    )
    assert np.array_equal(first, second)
    with pytest.warns(UserWarning, match="held out"):
        held = allspin.load_dataset((IMAGES, LABELS))
    parts = (held.test_images, held.test_labels), (held.train_images, held.train_labels)
    tested = np.arange(60) % 6 == 5
    for half, which in zip(parts, (tested, ~tested), strict=True):
        assert all(map(np.array_equal, half, (IMAGES[which], LABELS[which])))
    one = allspin.MeasureOptions(chips=1)
    measured = allspin.measure_chips(NETWORK, options=one, data=(IMAGES, LABELS))
    assert (measured.images, len(measured.results)) == (60, 5)


def test_chips_and_sweeps_are_tables_of_a_chip_a_row(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=list))
    measured = allspin.measure_chips(
        "paper-10", options=allspin.MeasureOptions(chips=2, first=5), images=50
    )
    rows = measured.to_pandas()
    assert [row["chip"] for row in rows] == [5, 6] * len(measured.results)
    shares = [share for each in measured.results for share in each.accuracies]
    assert [row["accuracy"] for row in rows] == shares
    assert list(measured.mean.values()) == [each.mean for each in measured.results]
    assert list(measured.std.values()) == [each.deviation for each in measured.results]
    monkeypatch.chdir(tmp_path)
    grid = {"network": "paper-10", "c2c": [0, 1], "chips": 2, "images": 50}
    swept = allspin.sweep(grid, "a.csv", workers=1)
    swept.to_csv("b.csv")
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert [row["accuracy"] for row in swept.to_pandas()] == [row.accuracy for row in swept.rows]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(allspin.UserError, match="pip install pandas"):
        swept.to_pandas()


@pytest.mark.usefixtures("files")
def test_a_function_s_result_is_drawn_and_short_in_a_line():
    fitted = allspin.fit("curves.csv")
    shown: list[Any] = [NETWORK, DEVICE, allspin.Chip(DEVICE, 7), fitted]
    shown.append(allspin.run(NETWORK, images=50))
    one = allspin.MeasureOptions(chips=1)
    shown.append(allspin.measure_chips(NETWORK, options=one, images=20))
    shown.append(allspin.sweep({"network": "paper-10", "chips": 1, "images": 20}, workers=1))
    shown.append(allspin.program(NETWORK, seed=3))
    shown.append(allspin.train(SET, allspin.TrainingParameters(hidden=(2,), epochs=2)))
    for number, each in enumerate((shown[-1], NETWORK, DEVICE)):
        each.save(f"saved-{number}")
    trained = allspin.load_network("saved-0")
    assert np.array_equal(trained.weights[0], shown[-1].network.weights[0])
    assert shown[-1].accuracy == trained.accuracy(IMAGES, LABELS)
    assert allspin.load_network("saved-1").topology == NETWORK.topology
    assert allspin.load_device("saved-2").synapse == DEVICE.synapse
    for each in shown:
        drawn = io.BytesIO()
        each.plot().savefig(drawn, format="png")
        assert drawn.getvalue()
    trains: Any = DEVICE.synapse.trains
    shown += [fitted.measurement, *fitted.measurement.curves, fitted.explained(), trains[0]]
    shown += [
        trains[0].law,
        *(part for one in fitted.polarities.values() for part in (one, one.fit)),
    ]
    many = [allspin.MeasureOptions(), allspin.load_dataset(), allspin.TrainingParameters()]
    for each in [*shown, *many, allspin.classify(NETWORK, "digit.png")]:
        assert 0 < len(repr(each)) <= 300
        assert "\n" not in repr(each)


@pytest.mark.usefixtures("files")
def test_an_import_has_the_record_of_its_command(tmp_path):
    rng = np.random.default_rng(1)
    # Without biases both scales are the same to it.
    weights = [rng.normal(size=(784, 6)), rng.normal(size=(6, 10))]
    np.savez("model.npz", W0=weights[0], W1=weights[1])
    with pytest.warns(UserWarning, match="give `white`"):
        allspin.import_network("model.npz", data=SET)
    options = allspin.ImportOptions(
        white=1, tune=1, augmentation=allspin.Augmentation.parse("none,shift=2"), states=8
    )
    first = allspin.import_network("model.npz", SET, options)
    assert first.network.provenance["options"]["augment"] == "none,shift=2.0"
    biases = [np.zeros(6), np.zeros(10)]
    mlp = SimpleNamespace(activation="relu", coefs_=weights, intercepts_=biases)
    held = allspin.import_network(mlp, SET, options).network.weights
    assert all(map(np.array_equal, first.network.weights, held))
    record = json.loads(json.dumps(first.to_dict()))
    assert record["tuned_accuracy"] == first.network.accuracy(IMAGES, LABELS)
    assert record["quantised_errors"] == list(first.quantised.errors)
    assert [len(axes.patches) for axes in first.plot().axes] == [3, 2 * 2]


@pytest.mark.usefixtures("files")
def test_a_fit_explains_how_it_reads_its_files(capsys):
    fitted = allspin.fit("curves.csv", explain=True)
    out = capsys.readouterr().out
    assert re.search(r"^curves\.csv\tR_AH\tohm\t", out, re.MULTILINE)
    assert out.count("\tfitted") == len(fitted.explained().rows) == 2
    Path("half.csv").write_text(CURVES[: CURVES.index("depression")])
    with pytest.raises(allspin.UserError):
        allspin.fit("half.csv", explain=True)
    assert "half.csv\tR_AH" in capsys.readouterr().out


def test_a_score_has_logits_predictions_and_a_confusion_matrix():
    score = allspin.run(NETWORK, data=(IMAGES, LABELS))
    assert np.array_equal(score.logits, allspin.GoldenModel(NETWORK).logits(IMAGES))
    assert np.array_equal(score.predictions, score.logits.argmax(axis=1))
    assert [*score.confusion_matrix.sum(axis=1)] == [*np.bincount(LABELS, minlength=10)]
    assert np.trace(score.confusion_matrix) / 60 == score.accuracy
    unread = dataclasses.replace(score, shown=dataclasses.replace(score.shown, answers=None))
    with pytest.raises(allspin.UserError, match="`logits`"):
        _ = unread.logits


def test_values_of_a_device_are_changed_wherever_they_stand():
    changed: Any = DEVICE.replace(c2c=0.05, read_noise=0.1, unit="ohm")
    assert (changed.synapse.c2c.potentiation, changed.synapse.c2c.depression) == (0.05, 0.05)
    assert (changed.imperfections.read_noise, changed.unit) == (0.1, "ohm")
    assert dataclasses.replace(changed.synapse, c2c=PAPER.c2c) == PAPER
    assert changed.neuron_variation == DEVICE.neuron_variation
    for wrong in ({"c3c": 1}, {"width": 1.0}, {"c2c": 2.0}):
        with pytest.raises(ValueError, match=r"c3c|width|C2C"):
            DEVICE.replace(**wrong)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: allspin.program("mnist-10", missing=0.5), "`missing` needs `measured`"),
        (lambda: allspin.program("mnist-10", tries=3), "`tries`"),
        (lambda: allspin.ReadOptions(where=("field",)), "`where`"),
        (
            lambda: allspin.fit("curves.csv", reading=allspin.ReadOptions(where=("field=8",))),
            "field=8",
        ),
        (lambda: allspin.FitOptions(currents=cast(Any, (1,))), "currents"),
        (lambda: allspin.fit("curves.csv", at="current=9mA"), "`at` needs `base`"),
        (lambda: allspin.fit([]), "give files by name"),
        (lambda: allspin.classify(NETWORK, []), "give files by name"),
        (lambda: allspin.classify(NETWORK, IMAGES[0]), "net.predict(images)"),
        (lambda: allspin.fit([FRAME]), "not list"),
        (lambda: allspin.fit_decay(FRAME, "paper"), "not SimpleNamespace"),
        (lambda: allspin.run("paper-10", chip=allspin.program(NETWORK)), "another network"),
        (lambda: allspin.train((IMAGES,)), "as (x, y) or"),
        (lambda: cast(Any, allspin.train)(data=IMAGES), "as (x, y) or"),
        (lambda: allspin.MeasureOptions(chips=0), "chips must be from 1"),
        (lambda: allspin.MeasureOptions(first=-1), "must be from 0"),
        (lambda: allspin.ImportOptions(augmentation=allspin.Augmentation.parse("none")), "`tune`"),
        (
            lambda: allspin.import_network(SimpleNamespace(activation="tanh", coefs_=[])),
            "torch.onnx.export(",
        ),
        (lambda: allspin.MeasureOptions(missing=0.1), "`missing` needs `measured`"),
        (lambda: allspin.CompareOptions(frequency=-1), "frequency"),
        (lambda: allspin.program(NETWORK, seed=1, scheme="incremental", band=2), "band must be"),
    ],
)
def test_errors_name_parameters(call, said):
    with pytest.raises((allspin.UserError, ValueError, TypeError), match=re.escape(said)) as raised:
        call()
    assert "--" not in str(raised.value)


def test_a_keyword_that_there_is_not_is_refused():
    with pytest.raises(TypeError, match="'chek'"):
        cast(Any, allspin.run)("mnist-10", chek=True)
    assert set(allspin.__all__) == {each for each in dir(allspin) if not each.startswith("__")}


@pytest.mark.usefixtures("files")
def test_an_oddity_of_a_file_is_a_warning_and_progress_does_not_hide_it():
    lines = CURVES.splitlines()
    lines[30] = lines[30].replace(",", ",9", 1)  # an outlier
    Path("odd.csv").write_text("\n".join(lines))
    for progress in (None, False):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted = allspin.fit("odd.csv", progress=progress)
        assert [str(each.message) for each in caught] == [
            note.replace("--keep-outliers", "`keep_outliers`") for note in fitted.measurement.notes
        ]
        assert caught


RUN = "import allspin; allspin.run('mnist-10', images=2000, {})"


def test_a_bar_is_shown_on_a_terminal_and_leaves_no_mark(capfd, monkeypatch):
    allspin.run("mnist-10", images=20)
    assert capfd.readouterr() == ("", "")
    here, there = pty.openpty()
    for words, shown in (("", True), ("progress=False", False)):
        code = RUN.format(words)
        subprocess.run([sys.executable, "-c", code], stderr=there, check=True)
        os.write(there, b"end")
        said = b""
        while not said.endswith(b"end"):
            said += os.read(here, 4096)
        assert (b"streaming 2,000 images" in said) == shown
        assert b"\xe2\x9c\x93" not in said
    os.close(here)
    os.close(there)


def test_a_notebook_has_a_line_that_is_written_over(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("allspin.host.show.beat.OFTEN", 0.001)

    class Slow(allspin.Machine):
        name = "slow"

        def close(self) -> None: ...

        def load_network(self, network: Any, progress: Any = None) -> None: ...

        def stream(self, images: Any, progress: Any = None, first: int = 0) -> Any:
            while "50%" not in stream.getvalue():
                progress(len(images) // 2)
            with allspin.open_machine("golden", NETWORK, progress=False) as golden:
                golden.load(NETWORK)
                return golden.stream(images)

    allspin.run(NETWORK, Slow(), images=20)
    *_, last, _ = re.split("[\r\n]", stream.getvalue())
    assert re.search(r"\rstreaming 20 images \u2588{5}\u2591{5} 50%", stream.getvalue())
    assert last.strip() == ""


def test_steps_are_told_to_the_caller_s_display():
    class Said(Display):
        def __init__(self) -> None:
            self.steps: list[str] = []

        def start(self, description: str) -> None:
            self.steps.append(description)

    said = Said()
    allspin.train(SET, allspin.TrainingParameters(hidden=(2,), epochs=1), progress=said)
    allspin.run("mnist-10", images=20, progress=said)
    assert len(said.steps) == 4
