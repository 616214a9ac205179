"""Recipe files: what they hold, and one line for what they cannot."""

from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.train.recipe_file import KEYS, read_recipe
from allspin.sim.errors import UserError

WHOLE = {
    "states": 16,
    "hidden": [48, 24],
    "neuron": "relu",
    "pixel_bits": 3,
    "hidden_bits": 5,
    "rah_bits": 7,
    "noise": 0.01,
    "augment": "objects,shift=2",
    "rate": 0.001,
    "batch": 64,
    "device": "paper",
    "at": "temperature=350",
    "level_choice": "either",
    "polarity": "depression",
    "epochs": 7,
    "seed": 3,
    "data": "sets/fashion",
    "in_array": True,
    "robust": "taught=0",
    "tile_rows": 128,
    "adc_bits": 4,
}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "recipe.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_every_key_is_read(tmp_path: Path) -> None:
    assert set(WHOLE) == set(KEYS)
    found = read_recipe(written(tmp_path, tomli_w.dumps(WHOLE)))
    assert found == WHOLE | {"hidden": (48, 24), "data": tmp_path / "sets" / "fashion"}
    assert read_recipe(written(tmp_path, "")) == {}


def test_paths_count_from_the_recipe_s_folder(tmp_path: Path) -> None:
    found = read_recipe(written(tmp_path, "device = 'mine.toml'\ndata = '/elsewhere/set.npz'"))
    assert found == {"device": str(tmp_path / "mine.toml"), "data": Path("/elsewhere/set.npz")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("augmnt = 'none'", "it has the unknown key 'augmnt'; keys are states, hidden, neuron"),
        ("[train]\nstates = 3", "it has the unknown key 'train'"),
        ("states = 'ten'", "states must be a whole number, not 'ten'"),
        ("states = true", "states must be a whole number, not True"),
        ("states = 3.0", "states must be a whole number, not 3.0"),
        ("hidden = 100", "hidden must be a list of whole numbers, not 100"),
        ("hidden = [100, '3']", "hidden must be a list of whole numbers"),
        ("rate = '1'", "rate must be a number, not '1'"),
        ("data = 1", "data must be a text, not 1"),
        ("in_array = 1", "in_array must be true or false, not 1"),
        ("states = ", "Invalid value"),
        ("seed = 1\nseed = 2", "Cannot overwrite a value"),
        (b"neuron = '\xff'", "it is not text in UTF-8"),
        ("hidden = [" + "[" * 50 + "]" * 50 + "]", "nested deeper"),
        ("'a\\u0000b' = 1".replace("'", '"'), "NUL"),
    ],
)
def test_what_no_recipe_has_is_one_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_recipe(path)
    line = str(caught.value)
    assert line.startswith(f"{path} is not a recipe: ")
    assert words in line
    assert "\n" not in line
    assert len(line) < 400


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^cannot read recipe .*: No such file"):
        read_recipe(tmp_path / "none.toml")


@given(st.data())
@settings(max_examples=150)
def test_any_damage_is_one_line_or_a_recipe(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(tomli_w.dumps(WHOLE).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        stop = data.draw(st.integers(start, min(start + 4, len(damaged))))
        damaged[start:stop] = data.draw(st.binary(max_size=4))
    path = written(tmp_path_factory.getbasetemp(), bytes(damaged))
    try:
        found = read_recipe(path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert set(found) <= set(KEYS)
