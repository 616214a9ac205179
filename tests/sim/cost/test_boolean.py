"""Logic functions against Python's own."""

import itertools

import numpy as np
import pytest

from allspin.sim.cost.liberty import parse_expression


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("!(A | (B & C))", "not (A or (B and C))"),
        ("A ^ B ^ C", "A ^ B ^ C"),
        ("(S & B) | (A & !S)", "(S and B) or (A and not S)"),
        ("(A B)' + C", "(not (A and B)) or C"),
        ("A * B'", "A and not B"),
        ("!A & B | C", "((not A) and B) or C"),
        ("A ^ B & C", "(A ^ B) and C"),
        ("(1)", "True"),
        ("0 | A", "A"),
    ],
)
def test_a_function_means_what_it_says(text: str, meaning: str) -> None:
    expression = parse_expression(text)
    names = sorted(expression.names)
    for bits in itertools.product([False, True], repeat=len(names)):
        values = dict(zip(names, bits, strict=True))
        arrays = {name: np.array([bit, bit]) for name, bit in values.items()}
        wanted = bool(eval(meaning, {}, values))
        assert np.all(expression.evaluate(arrays) == wanted), values


@pytest.mark.parametrize("text", ["", "A &", "(A", "A)", "A % B", "& A"])
def test_what_is_no_function_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the function"):
        parse_expression(text)
