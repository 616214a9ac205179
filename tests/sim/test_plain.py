"""JSON and TOML of strangers: values come through, what costs too much is refused."""

import json
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from allspin.sim.files import (
    MAX_DEPTH,
    MAX_JSON,
    MAX_TOML,
    MAX_TOML_VALUES,
    parse_json,
    parse_toml,
)

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
        'dots = "' + "a." * 100 + '"',
        "# " + "a." * 100 + "[" * 100 + "\nb = 1",
        "text = '''" + "a.b." * 50 + "\n" + "[{" * 50 + "'''",
        'text = """\\"""' + "a." * 50 + '\\""""\n"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r" = 1',
        "list = [" + "0.5, 1.5, " * 100 + "]",
        "a = inf\nb = [-inf, nan]",
        "[a.b]\nc.d = [{e.f = [1]}, {g = {h = 1}}]\n[[a.l]]\n[[a.l]]\n",
    ],
)
def test_what_only_looks_deep_comes_through(text: str) -> None:
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
        ("a = " + "1" * 5000, "an integer of more than 64 bits"),
        ("a = 0x" + "f" * 5000, "an integer of more than 64 bits"),
        ("a = " + "1" * 66_000, "a number of more than 65,536 digits"),
        ("a = 0x" + "f" * 66_000, "a number of more than 65,536 digits"),
        ("a = +1_" + "0_" * 33_000 + "0.5", "a number of more than 65,536 digits"),
        ("a = -9223372036854775809", "an integer of more than 64 bits"),
        ("a = 1e999", "a number that is too large, 1e999"),
        ('a = "x\\u0000"', "a text with a NUL"),
        ('"\\u0000" = 1', "a text with a NUL"),
        ("a = 1\na = 2", "Cannot overwrite a value"),
        ("a = '''", "Expected"),
        ("a = \0", "Invalid value"),
        (" " * (MAX_TOML + 1), "4,194,305 characters, at most 4,194,304 are read"),
        ("a = [" + "0," * (MAX_TOML_VALUES + 1) + "]", "more than 131,072 values"),
        ("[[a]]\n" * (MAX_TOML_VALUES + 1), "more than 131,072 values"),
        ("a.a.a.a.a.a.a.a.a = 1\n" * (MAX_TOML_VALUES // 8 + 1), "more than 131,072 values"),
    ],
)
def test_toml_that_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_toml(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("levels", [17, 3000, 1_000_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_deep_json_is_refused(levels: int, bracket: str) -> None:
    for text in (bracket * levels, bracket * levels + "1" + "]}"[bracket != "["] * levels):
        if len(text) <= MAX_JSON and not (levels < 1000 and text.endswith(bracket)):
            with pytest.raises(ValueError, match="it is nested deeper than 16 levels"):
                parse_json(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"1" * 400, "an integer of more than 64 bits"),
        (b"[-1" + b"1" * 5000 + b"]", "an integer of more than 64 bits"),
        (b"18446744073709551616", "an integer of more than 64 bits"),
        (b"1e999", "a number that is too large"),
        (b"[NaN]", "it has NaN"),
        (b"-Infinity", "it has -Infinity"),
        (b'"\\u0000"', "a text with a NUL"),
        (b'{"\\u0000": 1}', "a text with a NUL"),
        (b'"\xff"', "not text in UTF-8"),
        (b"\xff\xfe[\0]\0", "not text in UTF-8"),
        (b"", "Expecting value"),
        (b" " * (MAX_JSON + 1), "8,388,609 bytes of JSON, at most"),
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
