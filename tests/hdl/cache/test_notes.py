"""A note is what was written, or it is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.cache import read_note, write_note

VALUE = {"board": "icebreaker", "fmax_mhz": 31.2, "seeds": [1, None, True]}


def test_a_note_comes_back(tmp_path):
    write_note(tmp_path / "one.json", VALUE)
    assert read_note(tmp_path / "one.json") == VALUE


def test_every_bit_of_a_note_is_watched(tmp_path):
    path = tmp_path / "one.json"
    write_note(path, VALUE)
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            found = read_note(path)
        except ValueError:
            continue
        assert found == VALUE  # white space that became other white space


def test_one_note_does_not_pass_for_another(tmp_path):
    write_note(tmp_path / "one.json", VALUE)
    (tmp_path / "one.json").rename(tmp_path / "two.json")
    with pytest.raises(ValueError, match="its digest is wrong"):
        read_note(tmp_path / "two.json")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A note's path and content."""
    path = tmp_path_factory.mktemp("notes") / "one.json"
    write_note(path, VALUE)
    return path, path.read_bytes()


parts = st.binary(max_size=4) | st.sampled_from(
    [b"[" * 3000, b"9" * 5000, b"NaN", b'"', b"{}", b"1e999"]
)


@given(st.integers(0, 200), st.integers(0, 30), parts)
@settings(deadline=None, max_examples=300)
def test_any_damage_is_refused_or_means_the_same(written, start, length, part):
    path, content = written
    path.write_bytes(content[:start] + part + content[start + length :])
    try:
        assert read_note(path) == VALUE
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
