"""Devices that ship, and a device that is added as a file."""

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from allspin.host.chips import zoo
from allspin.host.data import catalogue
from allspin.host.data.catalogue import DEVICES, open_device, shipped_devices
from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.show.terminal import layout
from allspin.sim.synapse.response import Polarity

MINE = """
format = 1
name = "mine"
unit = "siemens"

[synapse]
kind = "sot"
states = 10
potentiation = { NL = 0.0, P_max = 9, R_min = 1e-6, R_max = 2e-6 }
depression = { NL = 0.0, P_max = 9, R_min = 1e-6, R_max = 2e-6 }

[source]
title = "a perfect device"

[[source.published]]
what = "accuracy, ideal"
where = "doi 10.1000/none, Table 1"
kind = "ideal"
value = 0.995

[[source.published]]
what = "accuracy in open loop"
where = "doi 10.1000/none, Table 1"
kind = "open loop"
value = 0.5

[[source.published]]
what = "accuracy of learning"
where = "doi 10.1000/none, Table 1"
value = 0.9

[[source.published]]
what = "of a large network"
where = "doi 10.1000/none, Table 1"
kind = "ideal"
value = 0.99
differs = "784-1000-10"
"""


@pytest.fixture
def few() -> Dataset:
    """Return MNIST with few training images, to be quick."""
    whole = load_dataset()
    images, labels = whole.train_images[:4000], whole.train_labels[:4000]
    return replace(whole, train_images=images, train_labels=labels)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: Dataset) -> Path:
    """Return a folder of devices that ship, to which files of devices were added."""
    folder = tmp_path / "devices"
    folder.mkdir()
    shutil.copy(DEVICES / "epiram.toml", folder)
    (folder / "mine.toml").write_text(MINE)
    gate = MINE.replace('"mine"', '"gate"').replace(
        "[source]", "[neuron]\nname = 'cmos-bare'\n[source]"
    )
    (folder / "gate.toml").write_text(gate)
    monkeypatch.setattr(zoo, "load_dataset", lambda: few)
    monkeypatch.setattr(catalogue, "DEVICES", folder)
    return folder


def test_a_device_is_added_by_its_file_alone(
    shelf: Path, cli, few: Dataset, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- allspin info --devices -->\nold\n<!-- end -->\nafter\n")
    said = cli.json(f"info --devices --write {page} --chips 2 --images 200")["devices"]
    first, gate, mine = said
    assert [row["device"] for row in said] == ["epiram", "gate", "mine"] == list(shipped_devices())
    assert (mine["A"], mine["pulses"], mine["c2c"]) == ([None, None], [9, 9], [None, None])
    measured = mine["measured"]
    # Equal steps without variation: every chip is the network of ten states itself.
    assert measured["open loop"]["accuracy"] == measured["ideal"]["accuracy"] >= 0.98
    assert first["measured"]["open loop"]["accuracy"] < first["measured"]["ideal"]["accuracy"]
    text = page.read_text()
    # Learning gives the same chips the accuracy of the command on the page.
    test = {"x_test": few.test_images[:200], "y_test": few.test_labels[:200]}
    data = tmp_path / "few.npz"
    np.savez(data, x_train=few.train_images, y_train=few.train_labels, **test)
    words = f"learn --quick --rate auto --device epiram --data {data}"
    own = [
        cli.json(f"{words} --seed {seed} -o {tmp_path}/net.safetensors")["array_accuracy"]
        for seed in range(2)
    ]
    learnt = first["measured"]["learning"]
    assert sorted(own) == [learnt["worst"], learnt["best"]]
    assert min(own) > 0.6
    assert "learning" not in gate["measured"]
    assert f"| {gate['not_learnt']} |" in text
    assert "must be a spin device" in gate["not_learnt"]
    assert text.startswith("before\n<!--")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    for name, tried in (("mine", "contradicted"), ("gate", "not tried")):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        verdicts = re.findall(r"%[^:|]*: ([a-z ]+?)(?: \((\d)\))?(?=<br>| \|)", row)
        assert [words for words, _ in verdicts] == [
            *("reproduced", "contradicted", tried, "not comparable")
        ]
    assert f"- ({verdicts[-1][1]}) 784-1000-10." in text
    assert "mine" in cli.run("chips mnist-10 --device mine --chips 1 --images 20")[0]


def test_an_interrupted_learning_writes_no_figure(
    shelf: Path, cli, tmp_path: Path, monkeypatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- allspin info --devices -->\nold\n<!-- end -->\n")
    ended = SimpleNamespace(interrupted=True, array_accuracy=0.1)
    monkeypatch.setattr(zoo, "learn", lambda *given, **words: ended)
    cli.run(f"info --devices --write {page} --chips 1 --images 20", status=130)
    assert "old" in page.read_text()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("value = 1.4", r"mine.toml: \[source.published\]: value must be a number from 0 to 1"),
        ("kind = 'guess'", "kind must be"),
        ("page = 3", "has no key page"),
    ],
)
def test_a_wrong_published_figure_is_one_line(shelf: Path, cli, entry: str, said: str) -> None:
    text = MINE.partition('kind = "ideal"\nvalue = 0.995\n')
    wrong = entry if "value" in entry else f"value = 0.5\n{entry}"
    (shelf / "mine.toml").write_text(f"{text[0]}{wrong}\n{text[2]}")
    assert re.search(said, cli.refused("info --devices"))


def test_the_page_s_options_need_the_page(cli) -> None:
    assert "--chips" in cli.refused("info --devices --chips 2")
    assert "--write" in cli.refused("info --write page.md")


def test_the_table_fits_a_terminal_and_has_every_device() -> None:
    parts = layout(zoo.zoo_table(zoo.find_zoo()), 80)
    assert len(parts) == 1
    assert list(map(str, parts[0].columns[0].cells)) == list(shipped_devices())
    assert len(shipped_devices()) >= 11


NEUROSIM = {
    "ag-a-si": (97, 2.4, -4.88, 26e6, 12.5, 0.035),
    "alox-hfo2": (40, 1.94, -0.61, 16.9e3, 4.43, 0.05),
    "epiram": (64, 0.5, -0.5, 81e3, 50.2, 0.02),
    "gst": (100, 0.105, 2.4, 4.71e3, 19.8, 0.015),
    "hzo-fefet": (32, 1.75, 1.46, 559.28e3, 45, 0.005),
    "pcmo": (50, 3.68, -6.76, 23e6, 6.84, 0.01),
    "taox-hfox": (128, 0.04, -0.63, 100e3, 10, 0.037),
    "taox-tio2": (102, 1.85, -1.79, 5e6, 2, 0.01),
}
"""States, NL of both polarities, R_ON, ON/OFF ratio and C2C, read from the tables a second time."""


@pytest.mark.parametrize("name", NEUROSIM)
def test_a_device_of_neurosim_has_the_figures_of_its_table(name: str) -> None:
    states, up, down, on, ratio, c2c = NEUROSIM[name]
    synapse = open_device(name).synapse
    assert (synapse.states, synapse.high) == (states, pytest.approx(1 / on, rel=1e-5))
    assert synapse.high / synapse.low == pytest.approx(ratio, rel=1e-5)
    for polarity, label in zip(Polarity, (up, down), strict=True):
        n = np.linspace(0, states, 100_001)
        share = (synapse.curve(polarity, n) - synapse.low) / synapse.span
        # NL is the largest distance of the curve from the straight line, in units of 0.07.
        x = 1 - n / states if polarity else n / states
        far = (share - x)[np.abs(share - x).argmax()] / math.sqrt(2)
        assert far / 0.07 == pytest.approx(label, abs=1e-3)
        start = synapse.high if polarity else synapse.low
        spread = float(synapse.cycle_deviation(polarity, start, 16))
        assert spread == pytest.approx(4 * c2c * synapse.span)  # of each pulse, times the root


@pytest.mark.parametrize(
    ("name", "least", "most", "step", "gamma"),
    [
        ("ecram-li", -0.8276, 1.1724, 0.002, (0.1153, 0.5085)),
        ("capacitor-14nm", -1.0, 1.0, 0.005, (0.05, 0.05)),
    ],
)
def test_a_device_of_aihwkit_takes_its_steps(
    name: str, least: float, most: float, step: float, gamma: tuple[float, float]
) -> None:
    synapse = open_device(name).synapse
    for polarity, slope in zip(Polarity, gamma, strict=True):
        end, sign = (least, -1) if polarity else (most, 1)
        w = most if polarity else least
        for pulses in range(1, 300):
            w += sign * step * (1 - slope * w / end)
            assert float(synapse.curve(polarity, pulses)) == pytest.approx(w, abs=2e-3)


def test_each_device_names_the_source_of_its_figures() -> None:
    for name in shipped_devices():
        device = open_device(name)
        assert device.name == name
        assert {"title", "figures", "not_given"} <= device.source.keys()
        lines = (DEVICES / f"{name}.toml").read_text().partition("[source]")[0].splitlines()
        bare = [line for line in lines if re.match(r"\w+ = [^\"]+$", line) and "#" not in line]
        assert name == "paper" or bare == ["format = 1"]
