"""HTML: a parser reads the same text that went in."""

import htpy as h
import pytest
from hypothesis import given, strategies as st

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.draw.html import chart, html_table, render, spelled, take_title
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.draw.style import name_text
from allspin.host.show.table import Number, Table, TableColumn
from tests.host.reader import Reader

HOSTILE = "<b>&\"'" + "long" * 20


@given(st.text(max_size=40))
def test_nothing_that_a_page_may_not_hold_gets_in(text):
    out = render(h.p(title=text)[spelled(text)])
    out.encode()  # no half of a surrogate pair
    assert "<" not in out[1:-4].replace("<sub>", "").replace("</sub>", "").replace('">', "", 1)
    assert all(
        character.isprintable() or character.isspace() or ord(character) > 0x9F for character in out
    )


def test_tables_align_numbers_and_mark_unknown_ones():
    columns = TableColumn("name"), TableColumn("x", "%", form=".2f"), TableColumn("y")
    rows = [("a", 98.8, Number(1.5, ".1f", 0.25)), ("b & c", 7.25, None)]
    read = Reader(render(html_table(Table("t <1>", columns, rows, notes=["so <it> is"]))))
    assert read.faults == []
    assert read.said("td") == ["98.80", "1.5 \u00b1 0.2", "7.25", "-"]
    assert [cell.get("class") for cell in read.all("td")] == ["number"] * 4
    assert [head["scope"] for head in read.all("th")] == ["col", "col", "col", "row", "row"]
    assert read.said("b") == ["t <1>"]
    assert read.said("p") == ["so <it> is"]


def drawn(label, look=None):
    line = ChartLine(name_text(label), [0, 1, 2], [2, 2, 2.123456])
    figure = curves(f"R_AH of {name_text(label)}", [ChartPanel([line], "x", "y")])
    title = take_title(figure)
    return title, render(chart(figure, title, look))


@pytest.mark.parametrize("look", [None, PictureStyle(width=90, points=8)])
def test_a_chart_is_an_element_of_its_page_and_the_same_again(look):
    title, svg = drawn(HOSTILE, look)
    assert title == f"R_AH of {HOSTILE}"
    assert drawn(HOSTILE, look) == (title, svg)
    read = Reader(svg)
    assert read.faults == []
    [element] = read.all("svg")
    assert element["aria-label"] == title
    assert read.all("b") == []
    assert HOSTILE in read.said("text")
    # Its names are no other picture's.
    ids = {attributes["id"] for _, attributes in read.elements if "id" in attributes}
    others = Reader(drawn("other")[1])
    assert ids
    assert not ids & {each["id"] for _, each in others.elements if "id" in each}


def test_a_name_that_looks_like_a_colour_or_a_number_stays():
    _, svg = drawn("#222222 0.123456")
    assert Reader(svg).said("text")[-1] == "#222222 0.123456"
