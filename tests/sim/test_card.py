"""Cards are HTML whatever a name is, and say what they are given."""

import pytest

from allspin.sim.drawing import LONGEST, beside, card, grid, shown_text
from tests.sim.parsed import parsed

NASTY = ["<script>alert(1)</script>", '"><img src=x onerror=y>', "a & b", "Ω, <i>", "'"]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_makes_no_tags(name):
    found = parsed(beside(card(name, [(name, name)]), grid(name, (name,), [(name,)])))
    assert {tag for tag, _ in found.elements} <= set(
        ["div", "table", "caption", "b", "tbody", "thead", "tr", "th", "td"]
    )
    assert [text for _, text in found.texts] == [name] * 6


def test_what_no_page_may_hold_is_replaced_and_what_is_long_is_cut():
    assert shown_text("a\x00\x1b[31m\ud800") == "a\ufffd\ufffd[31m\ufffd"
    cut = shown_text("<" * 2 * LONGEST)
    assert cut == "&lt;" * (LONGEST - 1) + "\N{HORIZONTAL ELLIPSIS}"


def test_what_is_not_known_is_left_out():
    found = parsed(card("x", [("a", 1), ("b", None), ("c", 0)], "<svg></svg>"))
    assert found.facts() == {"a": "1", "c": "0"}
    assert found.of("svg") == [{}]
