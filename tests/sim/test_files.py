"""Files of users: values come through, and an error is one line."""

import json
import os
import resource
import socket
import stat
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, strategies as st

from allspin.sim.errors import UserError
from allspin.sim.files import check_file, read_file, read_text, sweep_left, write_atomically
from allspin.sim.plain_values import MAX_DEPTH, TomlTable, parse_json, parse_toml


def refusal(path: Path, limit: int = 100) -> str:
    with pytest.raises(UserError) as caught:
        read_file(path, "network", limit)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text or "\0" in str(path)
    return text


def test_content_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "link").symlink_to("file")
    for size in (0, 1, 100):
        path.write_bytes(b"x" * size)
        assert read_file(tmp_path / "link", "network", 100) == b"x" * size
    path.write_bytes(b"x" * 101)
    assert "too large for a network: it has 101 bytes, at most 100 are read" in refusal(path)
    check_file(path, "network", 101)


def test_only_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path in (Path("/dev/zero"), Path("/dev/null"), tmp_path / "socket", tmp_path / "pipe"):
            assert "it is a device or a pipe, not a regular file" in refusal(path)
    assert "it is a folder, not a regular file" in refusal(tmp_path)


def test_names_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for name in ("absent", "circle", "a\0b", "x" * 300):
        assert refusal(tmp_path / name).startswith("cannot read network ")


def test_text(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("é\n", encoding="utf-8")
    assert read_text(tmp_path / "file", "grid", 100) == "é\n"
    (tmp_path / "file").write_bytes(b"\xff")
    with pytest.raises(UserError, match="is not a grid: it is not text in UTF-8"):
        read_text(tmp_path / "file", "grid", 100)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_json_comes_through(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False, indent=1)) == value


@given(st.dictionaries(texts, values, max_size=6))
def test_toml_comes_through(tables: dict[str, Any]) -> None:
    assert parse_toml(tomli_w.dumps(tables)) == tables


@pytest.mark.parametrize(
    "text",
    [
        "# " + "[" * 100 + "\nb = 1",
        "text = '''a.b.\n" + "[{" * 50 + "'''",
        "list = [" + "0.5, 1.5, " * 100 + "]",
        "a = inf\nb = [-inf, nan]",
        "[a.b]\nc.d = [{e.f = [1]}, {g = {h = 1}}]\n[[a.l]]\n[[a.l]]\n",
    ],
)
def test_toml_that_only_looks_deep_comes_through(text: str) -> None:
    assert str(parse_toml(text)) == str(tomllib.loads(text))


def nested(depth: int) -> list[str]:
    """TOML texts of so many levels, the outermost table not counted."""
    return [
        "a = " + "[" * (depth - 1) + "]" * (depth - 1),
        "a = " + "{b = " * (depth - 1) + "1" + "}" * (depth - 1),
        ".".join("a" * depth) + " = 1",
        " . ".join("a" * depth) + " = 1",
        ".".join(['"a"'] * depth) + " = 1",
        "[" + ".".join("a" * depth) + "]",
        "[" + ".".join("a" * (depth // 2)) + "]\n" + ".".join("b" * (depth - depth // 2)) + "=1",
    ]


@pytest.mark.parametrize("text", nested(MAX_DEPTH))
def test_the_deepest_toml(text: str) -> None:
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 3000, 60_000])
def test_deeper_toml_is_refused(depth: int) -> None:
    for text in nested(depth):
        with pytest.raises(ValueError, match="it is nested deeper than 16 levels"):
            parse_toml(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = " + "1" * 400, "an integer of more than 64 bits"),
        ("a = " + "1" * 5000, "for integer string conversion"),
        ("a = 0x" + "f" * 5000, "an integer of more than 64 bits"),
        ("a = -9223372036854775809", "an integer of more than 64 bits"),
        ("a = 1e999", "a number that is too large, 1e999"),
        ('a = "x\\u0000"', "a text with a NUL"),
        ('"\\u0000" = 1', "a text with a NUL"),
        ("a = 1\na = 2", "Cannot overwrite a value"),
        ("a = '''", "Expected"),
        ("a = \0", "Invalid value"),
    ],
)
def test_toml_that_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_toml(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_refused(begin: str, end: str) -> None:
    assert parse_json(begin * MAX_DEPTH + "1" + end * MAX_DEPTH)
    for levels in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(ValueError, match="it is nested deeper than 16 levels"):
            parse_json(begin * levels + "1" + end * levels)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"1" * 400, "an integer of more than 64 bits"),
        (b"[-1" + b"1" * 5000 + b"]", "for integer string conversion"),
        (b"18446744073709551616", "an integer of more than 64 bits"),
        (b"1e999", "a number that is too large"),
        (b"[NaN]", "it has NaN"),
        (b"-Infinity", "it has -Infinity"),
        (b'"\\u0000"', "a text with a NUL"),
        (b'{"\\u0000": 1}', "a text with a NUL"),
        (b'"\xff"', "not text in UTF-8"),
        (b"\xff\xfe[\0]\0", "not text in UTF-8"),
        (b"", "Expecting value"),
    ],
)
def test_json_that_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_not_utf_8_comes_back() -> None:
    name = b"\xff.csv".decode(errors="surrogateescape")
    assert parse_json(json.dumps(name)) == name


@given(st.binary(max_size=200) | st.text('[]{}"\\,:0123456789.eE-+ntfu\n', max_size=200))
def test_any_json_is_a_value_or_one_line(text: bytes | str) -> None:
    try:
        parse_json(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


@given(st.text(max_size=200) | st.text("[]{}\"'\\.,=#ab0123456789eExn-+_:TZ \n", max_size=200))
def test_any_toml_is_a_table_or_one_line(text: str) -> None:
    try:
        parse_toml(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


@dataclass
class Point:
    """Dataclass that a table is made into."""

    x: int
    y: int = 0

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x must not be negative")


def test_a_table_is_read_key_by_key() -> None:
    table = TomlTable("", {"point": {"x": 1}, "other": {"PX": 2, "y": 3}, "left": 0})
    assert table.table("point").make(Point) == Point(1)
    assert table.table("other").make(Point, {"PX": "x", "y": "y"}) == Point(2, 3)
    assert table.table("absent").content == {}
    with pytest.raises(ValueError, match=r"^it has no key left$"):
        table.finish()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], r"\[point\] must be a table"),
        ({"y": 1}, r"\[point\] lacks x"),
        ({"x": 1, "z": 1}, r"\[point\] has no key z; it takes x, y"),
        ({"x": -1}, r"\[point\]: x must not be negative"),
        ({"x": "a"}, r"\[point\]: '<' not supported"),
    ],
)
def test_tables_that_are_refused(content: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TomlTable("", {"point": content}).table("point").make(Point)
    with pytest.raises(ValueError, match=r"^it lacks point$"):
        TomlTable("", {}).take("point")


def test_write_replaces_and_leaves_no_other_file(tmp_path: Path) -> None:
    path, link, pipe = (tmp_path / name for name in ("net", "link", "pipe"))
    link.symlink_to(path)
    umask = os.umask(0o027)
    try:
        for target, content in ((path, b"one"), (link, b"two")):
            write_atomically(target, content)
    finally:
        os.umask(umask)
    assert link.is_symlink()
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    # A pipe of our own stands for /dev/null, which a fault here could do away with.
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"one")
        assert os.read(reader, 10) == b"one"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert {*tmp_path.iterdir()} == {path, link, pipe}


def test_a_full_disk_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(UserError, match=f"^cannot write {path}: File too large$"):
            write_atomically(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def killed(folder: Path) -> Path:
    """Kill a process while it writes a file, and return what it left."""
    code = (
        "import os, sys, pathlib; from allspin.sim.files import write_atomically\n"
        "os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "write_atomically(pathlib.Path(sys.argv[1]) / 'net', b'half')"
    )
    subprocess.run([sys.executable, "-c", code, os.fspath(folder)], check=False)
    (left,) = folder.glob(".allspin-*")
    return left


def aged(path: Path, seconds: float) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then), follow_symlinks=False)
    return path


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    left = killed(tmp_path)
    host = left.name.split("-")[1]
    code = "0" * 32
    live = tmp_path / f".allspin-{host}-1-{code}"
    sweep_left(tmp_path)
    assert left.exists()  # it may be another's who writes at this moment
    aged(left, 100)
    live.write_bytes(b"of a process that lives")
    elsewhere = tmp_path / f".allspin-{'f' * 8}-{left.name.split('-')[2]}-{code}"
    elsewhere.write_bytes(b"of another computer")
    ancient, plain = tmp_path / f".allspin-{'1' * 32}", tmp_path / f".allspin-{'2' * 32}"
    ancient.write_bytes(b"")
    plain.write_bytes(b"")
    user = [tmp_path / name for name in (".allspin-mine", f".allspin-{code}.txt", "allspin")]
    for path in user:
        path.write_bytes(b"a user's")
    target = tmp_path / "target"
    target.write_bytes(b"behind a link")
    link = tmp_path / f".allspin-{'3' * 32}"
    link.symlink_to(target)
    folder = tmp_path / f".allspin-{'4' * 32}"
    folder.mkdir()
    for path in (live, elsewhere, plain):
        aged(path, 1000)
    for path in (ancient, target, link, folder, *user):
        aged(path, 100_000)
    sweep_left(tmp_path)
    assert {*tmp_path.iterdir()} == {live, elsewhere, plain, *user, target, link, folder}
    assert target.read_bytes() == b"behind a link"


def test_a_write_sweeps_its_folder(tmp_path: Path) -> None:
    left = aged(killed(tmp_path), 100)
    write_atomically(tmp_path / "net", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["net"]
    assert not left.exists()
