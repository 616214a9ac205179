"""Pictures for a journal: as wide as a column, without titles, which become a caption in LaTeX."""

import re

import pytest
from hypothesis import example, given, strategies as st

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.draw.caption import latex, take_caption
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.draw.style import R_AH, add_legend, name_text, styled

LINE = ChartLine("a line", [1, 2, 3], [1, 4, 9])


def panels(count: int, title: str = "Whole: a & b"):
    drawn = [ChartPanel([LINE], "time (s)", "R_AH (ohm)", f"panel {n}") for n in range(count - 1)]
    return curves(title, [*drawn, ChartPanel([LINE], "time (s)", "R_AH (ohm)")])


def test_titles_leave_the_picture_and_panels_have_letters():
    figure = panels(3)
    assert take_caption(figure) == (
        r"Whole: a \& b. (a) panel 0. (b) panel 1. (c) R$_\mathrm{AH}$ against time."
    )
    assert figure.get_suptitle() == ""
    assert [axes.get_title("left") for axes in figure.axes] == ["", "", ""]
    assert [axes.texts[-1].get_text() for axes in figure.axes] == ["(a)", "(b)", "(c)"]


def test_a_panel_that_is_named_by_its_axes_begins_as_a_sentence():
    figure = curves("A whole", [ChartPanel([LINE], "time (s)", "mean\nof all (ohm)")] * 2)
    said = "A whole. (a) Mean of all against time. (b) Mean of all against time."
    assert take_caption(figure) == said


def test_a_single_panel_has_no_letter():
    figure = panels(1)
    assert take_caption(figure) == r"Whole: a \& b."
    assert not figure.axes[0].texts


@example("$µ")
@given(st.text(st.characters(codec="latin-1", exclude_categories=["C"])))
def test_latex_takes_all_that_a_name_may_hold(name):
    said = latex(f"{R_AH} of {name_text(name)}")
    bare = re.sub(r"\\text[a-z]+\{\}|\\[{}$&#_%]|\$[^$]*\$|(?<=[-',])\{\}", "", said)
    assert not set(bare) & set('\\{}$&#_%~^<>|"`')
    assert not re.search("--|''|,,", said)
    kept = re.sub(r"\\text[a-z]+\{\}|\\\$|\$[^$]*\$", "", said.removeprefix(R_AH))
    letters = [c for c in name if c.isascii() and c.isalnum()]
    assert [c for c in kept if c.isascii() and c.isalnum()] == [*"of", *letters]


@pytest.mark.parametrize(
    ("count", "style", "inches"),
    [(1, "paper", 3.5), (2, "paper", 7.16), (2, "paper-1", 3.5), (1, "paper-2", 7.16)],
)
def test_a_picture_is_a_column_or_a_page_wide_its_text_is_text_and_it_is_the_same_again(
    tmp_path, count, style, inches
):
    contents = []
    for _ in range(2):
        files = save_picture(panels(count), tmp_path, "p", PictureStyle.open(style))
        assert [path.name for path in files] == ["p.pdf", "p.svg", "p.tex"]
        contents.append([path.read_bytes() for path in files])
    pdf, svg, tex = contents[0]
    assert contents[0] == contents[1]
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(72 * inches, abs=0.01)
    assert not re.search(b"CreationDate|<dc:date>", pdf + svg)
    words = re.findall(r">([^<>]+)</text>", svg.decode())
    assert "time (s)" in words
    assert ("(b)" in words) == (count == 2)
    assert "Whole" not in svg.decode()
    sizes = {float(size) for size in re.findall(r"([\d.]+)px", svg.decode())}
    assert max(sizes) == pytest.approx(8)
    assert min(sizes) >= 5.6  # an index
    assert tex.decode().startswith(r"\caption{Whole: a \& b.")


def test_three_panels_stand_side_by_side_in_print_and_a_legend_says_a_label_once(tmp_path):
    figure = panels(3)
    styled(lambda: add_legend(figure, figure.axes) or figure)()
    save_picture(figure, tmp_path, "p", PictureStyle(journal=True))
    assert len({round(axes.get_position().y0, 3) for axes in figure.axes}) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a line"]
