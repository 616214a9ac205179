"""Recipe files: keys of `train`, `learn`, `import` and `fit`; errors are one line."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from allspin.host.cli.command import read_words
from allspin.host.cli.commands import UsageError
from allspin.host.cli.main import main
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import Tiles
from allspin.sim.plain_values import MAX_TOML

TRAIN = {
    "states": 16,
    "hidden": [48, 24],
    "conv": "5x5x4 s2, 3x3x8 pad pool",
    "neuron_per": "position",
    "neuron": "stochastic",
    "straight_through": True,
    "pixel_bits": 3,
    "hidden_bits": 5,
    "rah_bits": 7,
    "noise": 0.01,
    "augment": "objects",
    "rate": 0.001,
    "batch": 64,
    "device": "paper",
    "level_choice": "either",
    "polarity": "depression",
    "epochs": 7,
    "seed": 3,
    "data": "sets/fashion",
    "robust": "taught=0.0",
}
LEARN = {
    "states": 20,
    "rate": "auto",
    "rah_bits": 7,
    "batch": 4,
    "device": "paper",
    "update": "sign",
    "threshold": 0.1,
    "momentum": 0.9,
    "pair": True,
}
IMPORT = {"tune": 2, "augment": "gentle", "rah_bits": 7, "device": "paper", "polarity": "halves"}
FIT = {
    "c2c_occasion": "pulse",
    "d2d_reading": "span",
    "keep_outliers": True,
    "meter_noise": "none",
    "reference": "ideal",
    "attempt_time": "2ns",
    "equilibrium": -0.5,
    "turn": 30,
    "missing": 0.2,
    "currents": [1, 12.5],
    "column": ["device=Sample", "ignore=note"],
    "where": ["current=8"],
    "base": "mine.toml",
}
COMMANDS = {
    "train": "-o net",
    "learn": "-o net",
    "import": "model.onnx -o net",
    "fit": "pulses.csv -o device.toml",
}


def read(folder: Path, command: str, values: dict[str, Any], more: str = "") -> dict[str, Any]:
    """Read the words of a command with a recipe of these values."""
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps(values))
    words = f"{COMMANDS[command]} --recipe {path} {more}"
    return read_words(command, words.split())


def test_a_training_has_its_keys_and_paths_from_the_recipes_folder(tmp_path: Path) -> None:
    found = read(tmp_path, "train", TRAIN)
    training = found["training"]
    assert found["data"] == tmp_path / "sets" / "fashion"
    for key in ("states", "neuron", "rah_bits", "noise", "rate", "batch", "epochs", "seed"):
        assert getattr(training, key) == TRAIN[key], key
    assert training.hidden == (48, 24)
    assert len(training.conv) == 2
    assert training.straight_through
    assert training.neuron_per == "position"
    assert training.augmentation.text == TRAIN["augment"]
    assert training.robust.text == TRAIN["robust"]
    assert (training.target.level_choice, training.target.polarity) == ("either", "depression")


def test_other_commands_have_their_keys(tmp_path: Path) -> None:
    learning = read(tmp_path, "learn", LEARN)["learning"]
    assert (learning.rate, learning.batch) == (float("inf"), 4)
    assert learning.rule.changes == {
        "update": "sign",
        "threshold": 0.1,
        "momentum": 0.9,
        "pair": True,
    }
    conversion = read(tmp_path, "import", IMPORT)["conversion"]
    assert (conversion.augmentation.text, conversion.rah_bits) == ("gentle", 7)
    assert conversion.target.polarity == "halves"
    found = read(tmp_path, "fit", FIT)
    fitting, reading = found["fitting"], found["reading_files"]
    assert (fitting.occasion, fitting.reading, fitting.meter) == ("pulse", "span", "none")
    assert (fitting.keep_outliers, fitting.reference) == (True, "ideal")
    assert fitting.currents == (1, 12.5)
    assert (found["decays"].attempt_time, found["decays"].equilibrium) == (2e-9, -0.5)
    assert (reading.turn, reading.missing, reading.where) == (30, 0.2, ("current=8",))
    assert (reading.columns.device, reading.columns.ignore) == (("Sample",), ("note",))
    assert found["base"] == str(tmp_path / "mine.toml")


def test_the_command_line_wins(tmp_path: Path) -> None:
    found = read(tmp_path, "train", {"states": 12, "seed": 4, "epochs": 9}, "--seed 5 --quick")
    training = found["training"]
    assert (training.states, training.seed) == (12, 5)
    assert training.epochs == 16  # --quick has epochs of its own


@pytest.mark.parametrize("word", ["--rah-bits", "--rah_bits", "--batch", "--level-choice"])
def test_a_key_is_no_option(word: str) -> None:
    key = word.removeprefix("--").replace("-", "_")
    with pytest.raises(UsageError, match=f"{word} is the key {key} of --recipe"):
        read_words("train", ["-o", "net", "--device", "paper", word, "4"])


@pytest.mark.parametrize(
    ("command", "text", "named"),
    [
        ("train", "augmnt = 'none'", "augmnt"),
        ("train", "[train]\nstates = 3", "train"),
        ("train", "pair = true", "pair"),
        ("train", "output = 'net'", "output"),
        ("train", "states = 'ten'", "states"),
        ("train", "states = true", "states"),
        ("train", "states = 3.0", "states"),
        ("train", "states = 1", "2 to 128"),
        ("train", "rah_bits = 9", "rah_bits must be from 2 to 8"),
        ("train", "hidden = 100", "hidden"),
        ("train", "hidden = ['a']", "hidden"),
        ("train", "hidden = [true]", "hidden"),
        ("train", "rate = '1'", "rate"),
        ("train", "noise = nan", "0 to 0.5"),
        ("train", "data = 1", "data"),
        ("train", "straight_through = 1", "straight_through"),
        ("train", "neuron_per = 'position'", "neuron_per"),
        ("train", f"neuron = [{'1, ' * 999}]", "neuron"),
        ("train", "states = ", "Invalid value"),
        ("train", "seed = 1\nseed = 2", "Cannot overwrite a value"),
        ("train", "hidden = [" + "[" * 50 + "]" * 50 + "]", "nested deeper"),
        ("learn", "threshold = 0.1", "threshold"),
        ("learn", "momentum = 1", "0 to 0.999"),
        ("import", "tune = 1\naugment = 'letters'", "none, digits, gentle, objects"),
        ("fit", "c2c_occasion = 'never'", "write, pulse, root"),
        ("fit", "attempt_time = 'soon'", "attempt_time"),
        ("fit", "missing = 2", "0 to 1"),
        ("fit", "column = ['role=x']", "pulse, resistance"),
    ],
)
def test_a_wrong_entry_of_a_recipe_is_one_line(
    tmp_path: Path, command: str, text: str, named: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_words(command, [*COMMANDS[command].split(), "--recipe", str(path)])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "large"])
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"neuron = '\xff'")
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(MAX_TOML + 1)
    assert main(["train", "--recipe", str(path), "-o", str(tmp_path / "net")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "recipe.toml" in line


@pytest.mark.parametrize(
    ("keys", "tiles"),
    [
        ({"tiles": "128:5"}, (128, 5)),
        ({"tile_rows": 64, "adc_bits": 4}, (64, 4)),
        ({"adc_bits": 6}, (65536, 6)),
    ],
)
def test_tiles_are_one_key_or_two(tmp_path: Path, keys: dict, tiles: tuple[int, int]) -> None:
    assert read(tmp_path, "train", keys)["training"].tiles == Tiles(*tiles)
    assert read(tmp_path, "import", keys)["conversion"].tiles == Tiles(*tiles)
