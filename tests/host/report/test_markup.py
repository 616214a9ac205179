"""Whatever goes in as text comes out of a parser as the same text."""

import math

import htpy as h
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.report.tables import Table, number, quantity, render, spelled, table

PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=40)


@settings(deadline=None)
@given(PRINTABLE, PRINTABLE)
def test_text_and_attributes_come_back_as_they_went_in(read_html, text, value):
    read = read_html(h.p(title=value, data_more=value)[text])
    assert read.faults == []
    assert read.elements == [("p", {"title": value, "data-more": value})]
    assert read.text_of("p") == text


@given(st.text(max_size=40))
def test_nothing_that_a_page_may_not_hold_gets_in(text):
    out = render(h.p(title=text)[spelled(text)])
    out.encode()  # no half of a surrogate pair
    assert "<" not in out[1:-4].replace("<sub>", "").replace("</sub>", "").replace('">', "", 1)
    assert all(
        character.isprintable() or character.isspace() or ord(character) > 0x9F for character in out
    )


def test_r_ah_is_spelled_as_in_print():
    assert render(spelled("R_AH < 3")) == "R<sub>AH</sub> &lt; 3"
    assert render(spelled(spelled("R_AH"))) == "R<sub>AH</sub>"
    assert render(spelled(h.code["R_AH"])) == "<code>R_AH</code>"
    assert render(spelled(None)) == ""


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (2e-5, "J", "20 µJ"),
        (3.78125e-5, "J", "37.8 µJ"),
        (2.622e-15, "J", "2.62 fJ"),
        (4e-19, "J", "0.4 aJ"),
        (0.0, "J", "0 J"),
        (9.9999e5, "Hz", "1 MHz"),
        (-1.5, "V", "-1.5 V"),
    ],
)
def test_quantities_have_the_prefix_that_suits_them(value, unit, said):
    assert quantity(value, unit) == said


@settings(deadline=None)
@given(st.floats(1e-18, 1e8), st.sampled_from("JsW"))
def test_quantities_say_the_value(value, unit):
    figure, name = quantity(value, unit).split(" ")
    power = {"a": -18, "f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6}
    said = float(figure) * 10.0 ** power[name.removesuffix(unit)]
    assert said == pytest.approx(value, rel=6e-3)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_say_the_value(value):
    assert float(number(float(value)).replace(",", "")) == pytest.approx(value, rel=6e-5, abs=1e-40)


def test_tables_align_numbers_and_say_what_is_not_known(read_html):
    content = Table("t <1>", ("name", "x (%)"), [("a", 98.8), ("b & c", 7.25), ("d", None)])
    read = read_html(table(content))
    assert read.faults == []
    assert [text for holder, text in read.texts if holder == "td"] == ["98.80", "7.25", "\u2013"]
    assert [attributes.get("class") for attributes in read.all("td")] == ["number", "number", None]
    assert [head["scope"] for head in read.all("th")] == ["col", "col", "row", "row", "row"]
    assert read.text_of("caption") == "t <1>"


def test_columns_of_many_sizes_keep_their_digits(read_html):
    values = [1e-15, 3.25, 12345.678]
    rows = [(f"{place}", value) for place, value in enumerate(values)]
    read = read_html(table(Table("t", ("n", "x"), rows)))
    said = [float(text.replace(",", "")) for holder, text in read.texts if holder == "td"]
    assert np.allclose(said, values, rtol=1e-4)
    assert not any(math.isnan(value) for value in said)
