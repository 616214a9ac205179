"""``allspin run``: every machine, compared; and one line for each failure."""

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import allspin
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.session import NO_PROGRESS
from allspin.host.machines import opening
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.host.run import machine_options
from allspin.host.show.version import CHANGED
from allspin.sim.device.device_file import save_device
from allspin.sim.network.fitted import fitted
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.host.cli.conftest import NETWORK

PAPER = open_device("paper")
KEYS = [
    "network", "on", "chip", "programming", "images", "accuracy", "samples",
    "accuracy_by_samples", "resident", "seconds",
    "images_per_second", "simulated_seconds", "simulated_images_per_second", "cycles_per_image",
    "machine_images_per_second", "cycles_bound", "fitted_into", "cycles_bound_unfitted",
    "logits_compared", "mismatches",
    "words_compared", "word_mismatches", "words_changed", "resent", "damaged", "commit",
]  # fmt: skip


@pytest.fixture
def words(net, data):
    """The command on the small network and its data."""
    return f"run {net} --data {data}"


@pytest.mark.parametrize("name", ["mnist-10", "mnist-100"])
def test_shipped_networks_on_all_test_images(name, cli):
    result = cli.json(f"run {name} --on virtual --check")
    assert list(result) == KEYS
    assert (result["network"], result["on"], result["chip"]) == (name, "virtual", None)
    assert (result["images"], result["logits_compared"], result["mismatches"]) == (10000, 10**5, 0)
    images, labels = load_test_set()
    assert result["accuracy"] == np.mean(GoldenModel(open_network(name)).classify(images) == labels)
    bound = result["cycles_bound"]
    assert bound <= result["cycles_per_image"] <= 1.15 * bound + 10
    # By hand: an image's active pixels, or the hundred neurons.
    active = np.count_nonzero((images.reshape(10000, -1).astype(int) * 15 + 127) // 255, axis=1)
    assert bound == pytest.approx(np.maximum(active, 100).mean())
    assert result["images_per_second"] == pytest.approx(10000 / result["seconds"])
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    assert result["commit"] in (head or None, head + CHANGED)


def test_logits_are_the_same_wherever_they_come_from(cli, words, data, tmp_path):
    images, _ = load_test_set(data)
    file = tmp_path / "logits.npy"
    for on in ("golden", "virtual"):
        result = cli.json(f"{words} --on {on} --images 40 --logits {file}")
        assert np.load(file).dtype == np.int64
        assert np.array_equal(np.load(file), GoldenModel(NETWORK).logits(images[:40]))
        assert (list(result), result["on"], result["images"]) == (KEYS, on, 40)
        clocked = [result[key] for key in KEYS if key.startswith(("cycles", "simulated"))]
        assert on == "virtual" or clocked == [None] * 5
        assert result["mismatches"] is result["chip"] is None


def test_a_flipped_bit_in_a_memory_is_found(cli, words, monkeypatch):
    def open_flipped(*arguments, **options):
        device = opening.open_machine(*arguments, **options)
        assert isinstance(device, LinkedMachine)

        class Flipped(LinkedMachine):
            def load_network(self, network, progress=lambda done: None):
                super().load_network(network, progress)
                row = bytearray(self.read_back(0x00, 10, 1, 12))
                row[3] ^= 0x40
                self.write(0x00, 10, bytes(row))

        device.__class__ = Flipped
        return device

    monkeypatch.setattr(machine_options, "open_machine", open_flipped)
    _, err = cli.run(f"{words} --on virtual --check", 1)
    assert " of 360 logits differ from the golden" in err.splitlines()[-1]
    assert 0 < cli.json(f"{words} --on virtual --check", 1)["mismatches"] < 360


def test_classes_that_differ_are_found(cli, words, monkeypatch):
    class Wrong(GoldenMachine):
        def stream(self, images, progress=NO_PROGRESS, first=0):
            answers = super().stream(images, progress, first)
            answers.classes[7] ^= 1
            return answers

    monkeypatch.setattr(machine_options, "open_machine", lambda *arguments, **options: Wrong())
    _, err = cli.run(f"{words} --check", 1)
    said = "allspin: the logits are right, but 1 classes differ; the first: image 7"
    assert err.splitlines()[-1].startswith(said)


def test_a_board_that_has_other_lanes_is_one_line(cli, words, monkeypatch):
    def open_all_lanes(on, network, profile, uart, progress):
        return opening.open_machine(on, network, uart=uart, progress=progress)

    monkeypatch.setattr(machine_options, "open_machine", open_all_lanes)
    line = cli.refused(f"{words} --on virtual --lanes 5")
    assert line == "allspin: the virtual board has 12 lanes, not 5"


def test_a_network_in_a_larger_machine_has_the_lanes_of_that(cli, words, monkeypatch):
    class Larger(GoldenMachine):
        @property
        def profile(self):
            return HardwareProfile(lanes=20)

        def fitted(self, network):
            return fitted(network, (*network.topology[:-1], 25))

    monkeypatch.setattr(machine_options, "open_machine", lambda *arguments, **options: Larger())
    assert cli.json(f"{words} --on virtual --lanes 20 --check")["mismatches"] == 0
    line = cli.refused(f"{words} --on virtual --lanes 21")
    assert line == "allspin: the golden model has 20 lanes, not 21"


def test_a_board_without_an_sdram_is_not_taken_for_one_that_has_it(cli, words, monkeypatch):
    monkeypatch.setattr(machine_options, "VIRTUAL_SDRAM", VIRTUAL_RESIDENT)
    line = cli.refused(f"{words} --on virtual --resident --sdram")
    assert line == "allspin: the virtual board keeps no images in an SDRAM"


def test_images_in_files_have_a_winner_and_logits(tmp_path, cli):
    """The first two test images of MNIST, the second dark on light."""
    images = load_test_set()[0][:2]
    logits = GoldenModel(open_network("mnist-10")).logits(images)
    command = "run mnist-10 --check"
    for name, digit in (("one", images[0]), ("two", 255 - images[1])):
        Image.fromarray(digit).save(tmp_path / f"{name}.png")
        command += f" --image {tmp_path / name}.png"
    out = tmp_path / "out.npy"
    record = cli.json(f"{command} --logits {out}")
    assert [image["class"] for image in record["images"]] == [7, 2]
    assert [image["logits"] for image in record["images"]] == logits.tolist()
    assert (record["logits_compared"], record["mismatches"]) == (20, 0)
    assert np.array_equal(np.load(out), logits)
    printed = cli.run(command)[0]
    assert {*map(str, logits.ravel()), "7", "2"} <= set(printed.split())
    assert printed.endswith("0 of 20 logits differ from the golden model\n")


def test_resident_images(cli, words, tmp_path, monkeypatch):
    command = f"{words} --on virtual --resident"
    result = cli.json(f"{command} --check --logits {tmp_path}/logits.npy")
    assert (result["resident"], result["images"], result["mismatches"]) == (60, 60, 0)
    assert result["cycles_per_image"] > 12
    assert len(np.load(tmp_path / "logits.npy")) == 60
    # Without --logits only counts come back.
    accuracies = (cli.json(each)["accuracy"] for each in (command, f"{words} --on golden"))
    assert {result["accuracy"]} == set(accuracies)
    assert result["machine_images_per_second"] is None  # simulated without a clock

    def open_at_48_mhz(*arguments, **options):
        machine = opening.open_machine(*arguments, **options)
        machine.frequency = 48_000_000
        return machine

    monkeypatch.setattr(machine_options, "open_machine", open_at_48_mhz)
    rate = 48e6 / result["cycles_per_image"]
    assert cli.json(command)["machine_images_per_second"] == pytest.approx(rate)
    out, err = cli.run(command)
    assert "at 48 MHz" in out
    assert f"{rate:,.0f} by the board's cycles" in err


@pytest.mark.long
@pytest.mark.parametrize("at_once", [25, 60])
def test_resident_images_of_a_chip_with_noise_at_each_use(cli, words, monkeypatch, at_once):
    """The later batches are compared too, whose first image is not image 0."""
    resident = ResidentParameters(beats=1024, images=at_once)
    monkeypatch.setattr(machine_options, "VIRTUAL_RESIDENT", resident)
    result = cli.json(f"{words} --chip 5 --on virtual --resident --check")
    assert (result["resident"], result["images"]) == (at_once, 60)
    assert (result["mismatches"], result["word_mismatches"]) == (0, 0)


def test_a_chip_says_how_it_was_programmed(cli):
    words = "run mnist-10 --chip 7 --program write-verify --calibrate --images 1200 --check"
    record = cli.json(words)
    assert (record["chip"], record["mismatches"], record["on"]) == (7, 0, "golden")
    made = record["programming"]
    counts = program(open_network("mnist-10"), PAPER, 7, Programming("write-verify")).counts
    assert (made["reads"], made["unconverged"]) == (counts.reads, counts.unconverged)
    assert made["energy"] == counts.energy(PAPER.electrical)
    assert (made["device"], made["tries"], made["polarity"]) == ("paper", 8, "quieter")
    assert set(PAPER.readings()) <= set(made["readings"])


@pytest.mark.long
def test_the_paper_s_array_is_made_by_the_gateware(cli, tmp_path):
    """All 79,400 words, D2D and C2C of synapses and neurons, 10 and 100 states, stuck cells."""
    stuck = dataclasses.replace(PAPER.imperfections, stuck=0.01)
    save_device(dataclasses.replace(PAPER, imperfections=stuck), tmp_path / "stuck.toml")
    for network, device, seed in (
        ("paper-10", "paper", 1),
        ("paper-10", "paper", 2),
        ("paper-100", f"{tmp_path}/stuck.toml", 3),
    ):
        words = f"run {network} --device {device} --chip {seed} --on virtual --images 300 --check"
        record = cli.json(words)
        assert (record["mismatches"], record["word_mismatches"]) == (0, 0)
        assert record["words_compared"] == 79400
        assert record["words_changed"] > 0.9


def test_measured_cells_there_and_back_are_the_same_chip(cells, tmp_path, cli):
    words = "run paper-10 --chip 7 --images 1000 --calibrate"
    here = cli.json(f"{words} --logits {tmp_path}/a.npy")
    back = cli.json(f"{words} --logits {tmp_path}/b.npy --measured {cells}")
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    made, read = here["programming"], back["programming"]
    assert (back["chip"], read["scheme"], made["measured"]) == (7, None, None)
    assert (read["measured"]["file"], read["measured"]["cells"]) == (str(cells), 79400)
    assert read["calibration_uses"] == made["calibration_uses"]


def test_without_a_chip_the_measured_words_alone_differ_from_the_network(cells, tmp_path, cli):
    found = cli.json(f"run paper-10 --measured {cells} --images 200 --logits {tmp_path}/l.npy")
    _, *rows = cells.read_text().splitlines()
    words = np.array([int(row.split(",")[7]) for row in rows], np.int8)
    split = [words[:78400].reshape(784, 100), words[78400:].reshape(100, 10)]
    expected = GoldenModel(open_network("paper-10"), split).logits(load_test_set()[0][:200])
    assert np.array_equal(np.load(tmp_path / "l.npy"), expected)
    assert found["chip"] is None


def test_cells_that_are_missing_or_of_another_network_are_told(cells, tmp_path, cli):
    rows = cells.read_text().splitlines()
    path = tmp_path / "open.csv"
    path.write_text("\n".join(rows[:500] + rows[510:]))
    words = f"run paper-10 --measured {path} --images 20"
    out, _ = cli.run(f"{words} --missing 0.001")
    assert "cells measured\t79390\t" in out
    assert "10 of 79,400 cells are missing; they are taken for open" in out
    assert "neurons are the mean one" in out
    assert "D2D" not in out
    assert "row 4, column 99 is missing, and of 9 more, 0.01%" in cli.refused(words)
    assert "was it another network's?" in cli.refused(f"run paper-100 --measured {cells}")
    # The library is asked the same.
    chip = allspin.program("paper-10", seed=7, measured=cells)
    words = f"run paper-10 --measured {cells} --chip 7 --images 300"
    assert allspin.run("paper-10", chip=chip, images=300).accuracy == cli.json(words)["accuracy"]
