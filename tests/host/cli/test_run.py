"""``allspin run``: every machine, compared; and one line for whatever goes wrong."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allspin.hdl.parameters.profile import ResidentParameters
from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.session import NO_PROGRESS
from allspin.host.machines import opening
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.machine import GoldenMachine
from allspin.host.machines.opening import open_machine
from allspin.host.run import machine_options
from allspin.host.show.say import CHANGED
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_networks import random_network

ROOT = Path(__file__).resolve().parents[3]
NETWORK = random_network((24, 12, 6), 1)
KEYS = [
    "network", "on", "chip", "programming", "images", "accuracy", "resident", "seconds",
    "images_per_second", "simulated_seconds", "simulated_images_per_second", "cycles_per_image",
    "cycles_bound", "logits_compared", "mismatches", "words_compared", "word_mismatches",
    "words_changed", "resent", "damaged", "commit",
]  # fmt: skip


@pytest.fixture
def files(idx_folder, tmp_path):
    """A network file, and a data set that fits it."""
    path = tmp_path / "net.safetensors"
    save_network(NETWORK, path)
    return str(path), str(idx_folder(shape=(1, 24), classes=6, train=12, test=60))


@pytest.fixture
def run(files, capfd):
    """Run the command on both, and return status, stdout and stderr."""

    def call(*options: str) -> tuple[int, str, str]:
        status = main(["run", files[0], "--data", files[1], *options])
        return status, *capfd.readouterr()

    return call


def errors(err: str) -> list[str]:
    """The lines of stderr that are no progress."""
    return [line for line in err.split("\n") if line.startswith("allspin")]


@pytest.mark.parametrize("name", ["mnist-10", "mnist-100"])
def test_shipped_networks_on_all_test_images(name, capfd):
    assert main(["run", name, "--on", "virtual", "--check", "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert list(result) == KEYS
    assert (result["network"], result["on"], result["chip"]) == (name, "virtual", None)
    assert (result["images"], result["logits_compared"], result["mismatches"]) == (10000, 10**5, 0)
    images, labels = load_test_set()
    model = GoldenModel(open_network(name))
    assert result["accuracy"] == np.mean(model.classify(images) == labels)
    bound = result["cycles_bound"]
    assert bound <= result["cycles_per_image"] <= 1.15 * bound + 10
    # By hand: an image's active pixels, or the hundred neurons.
    active = np.count_nonzero((images.reshape(10000, -1).astype(int) * 15 + 127) // 255, axis=1)
    assert bound == pytest.approx(np.maximum(active, 100).mean())
    assert result["images_per_second"] == pytest.approx(10000 / result["seconds"])
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    assert result["commit"] in (head or None, head + CHANGED)


def _square(network):
    object.__setattr__(network, "image_shape", (28, 28))
    return network


def test_golden_has_no_clock(run, files):
    status, out, err = run("--json")
    result = json.loads(out)
    assert status == 0
    assert err.startswith("opening golden ...\n")
    assert list(result) == KEYS
    assert (result["network"], result["on"], result["images"]) == (files[0], "golden", 60)
    for key in ("chip", "cycles_per_image", "cycles_bound", "logits_compared", "mismatches"):
        assert result[key] is None
    assert result["simulated_seconds"] is result["simulated_images_per_second"] is None


def test_logits_are_the_same_wherever_they_come_from(run, files, tmp_path):
    arrays = []
    for on in ("golden", "virtual"):
        file = tmp_path / f"{on}.npy"
        status, _, _ = run("--on", on, "--images", "40", "--logits", str(file))
        assert status == 0
        arrays.append(np.load(file))
    assert (arrays[0] == arrays[1]).all()
    assert arrays[0].dtype == np.int64
    images, _ = load_test_set(Path(files[1]))
    assert (arrays[0] == GoldenModel(NETWORK).logits(images[:40])).all()


def test_a_flipped_bit_in_a_memory_is_found(run, monkeypatch):
    def open_flipped(*arguments, **options):
        device = open_machine(*arguments, **options)
        assert isinstance(device, LinkedMachine)

        class Flipped(LinkedMachine):
            def program(self, network, progress=lambda done: None):
                super().program(network, progress)
                row = bytearray(self.read_back(0x00, 10, 1, 12))
                row[3] ^= 0x40
                self.write(0x00, 10, bytes(row))

        device.__class__ = Flipped
        return device

    monkeypatch.setattr(machine_options, "open_machine", open_flipped)
    status, out, err = run("--on", "virtual", "--check", "--json")
    result = json.loads(out)
    assert status == 1
    assert 0 < result["mismatches"] < result["logits_compared"] == 360
    (line,) = errors(err)
    assert line.startswith(f"allspin: {result['mismatches']} of 360 logits differ from the golden")


def test_classes_that_differ_are_found(run, monkeypatch):
    class Wrong(GoldenMachine):
        def stream(self, images, progress=NO_PROGRESS, first=0):
            answers = super().stream(images, progress, first)
            answers.classes[7] ^= 1
            return answers

    monkeypatch.setattr(machine_options, "open_machine", lambda *arguments, **options: Wrong())
    status, out, err = run("--check", "--json")
    assert (status, json.loads(out)["mismatches"]) == (1, 0)
    (line,) = errors(err)
    assert line.startswith(
        "allspin: the logits are right, but 1 classes differ; the first: image 7"
    )


def test_auto_without_a_board_is_one_line(run, monkeypatch):
    monkeypatch.setattr(opening, "serial_ports", list)
    status, _, err = run("--on", "auto")
    assert status == 2
    assert errors(err) == [
        "allspin: no board answers (there is no serial port); connect one, or run on virtual"
    ]


def test_a_board_with_other_lanes_is_one_line(run, monkeypatch):
    def open_all_lanes(on, network, profile, uart, progress):
        return open_machine(on, network, uart=uart, progress=progress)

    monkeypatch.setattr(machine_options, "open_machine", open_all_lanes)
    status, out, err = run("--on", "virtual", "--lanes", "5")
    assert (status, out) == (2, "")
    assert errors(err) == ["allspin: the virtual board has 12 lanes, not 5"]


@pytest.fixture
def digits(tmp_path):
    """The first two test images of MNIST in files, the second dark on light."""
    images, _ = load_test_set()
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path, digit in zip(paths, (images[0], 255 - images[1]), strict=True):
        Image.fromarray(digit).save(path)
    return images[:2], [word for path in paths for word in ("--image", str(path))]


def test_images_in_files_have_a_winner_and_logits(digits, tmp_path, capfd):
    images, options = digits
    logits = GoldenModel(open_network("mnist-10")).logits(images)
    out = tmp_path / "out.npy"
    assert main(["run", "mnist-10", *options, "--json", "--check", "--logits", str(out)]) == 0
    record = json.loads(capfd.readouterr().out)
    assert [image["class"] for image in record["images"]] == [7, 2]
    assert [image["logits"] for image in record["images"]] == logits.tolist()
    assert (record["logits_compared"], record["mismatches"]) == (20, 0)
    assert np.array_equal(np.load(out), logits)
    assert main(["run", "mnist-10", *options, "--check"]) == 0
    words = capfd.readouterr().out.replace("│", " ").split()
    for number in (*logits.ravel(), 7, 2):
        assert str(number) in words
    assert " ".join(words).endswith("0 of 20 logits differ from the golden model")


def test_a_full_disk_is_one_line_and_leaves_nothing(run, tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("allspin.host.cli.run.write_atomically", full)
    status, out, err = run("--logits", str(tmp_path / "out.npy"))
    assert (status, out) == (2, "")
    assert errors(err) == ["allspin: No space left on device"]
    assert not (tmp_path / "out.npy").exists()


def test_resident_images(run, tmp_path):
    """Of the ideal chip, and of one whose neurons have noise at each use, by image number."""
    out = tmp_path / "logits.npy"
    options = ("--on", "virtual", "--resident", "--json")
    status, stdout, _ = run(*options, "--check", "--logits", str(out))
    result = json.loads(stdout)
    assert status == 0
    assert (result["resident"], result["images"], result["mismatches"]) == (60, 60, 0)
    assert result["cycles_per_image"] > 12
    streamed = json.loads(run("--on", "golden", "--json")[1])
    assert result["accuracy"] == streamed["accuracy"]
    assert len(np.load(out)) == 60
    # Nobody asks for logits: only counts come back.
    status, stdout, _ = run(*options)
    assert status == 0
    assert json.loads(stdout)["accuracy"] == streamed["accuracy"]


@pytest.mark.long
@pytest.mark.parametrize("at_once", [25, 60])
def test_resident_images_of_a_chip_with_noise_at_each_use(run, monkeypatch, at_once):
    """Of the later batches too, whose first image is not image 0."""
    resident = ResidentParameters(beats=1024, images=at_once)
    monkeypatch.setattr(machine_options, "VIRTUAL_RESIDENT", resident)
    options = ("--chip", "5", "--on", "virtual", "--resident", "--check", "--json")
    status, stdout, err = run(*options)
    result = json.loads(stdout)
    assert status == 0, err
    assert (result["resident"], result["images"]) == (at_once, 60)
    assert (result["mismatches"], result["word_mismatches"]) == (0, 0)
