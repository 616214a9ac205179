"""Few choices that hold every pair of options' values: a covering array."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Choice = dict[str, Any]
"""A value for each option."""


def _pairs(choice: Mapping[str, Any]) -> Iterable[tuple[tuple[str, Any], ...]]:
    return itertools.combinations(choice.items(), 2)


def all_choices(options: Mapping[str, Sequence[Any]]) -> list[Choice]:
    """Every choice, in the order of the options and their values."""
    return [
        dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())
    ]


def cover_pairs(
    choices: Iterable[Choice],
    *,
    cost: Callable[[Choice], float] = lambda choice: 1.0,
    made: Iterable[Choice] = (),
) -> list[Choice]:
    """Some of the choices that together have every pair of values that any of them has.

    Greedy: the next one brings most new pairs for its cost, and is the first of equals. So the
    same choices give the same selection.

    Parameters
    ----------
    choices : iterable of dict
        What may be chosen, each with the same options.
    cost : callable
        Cost of a choice, more than zero.
    made : iterable of dict
        Choices whose pairs are covered already.

    Returns
    -------
    list of dict
        In the order in which they were found.
    """
    left = list(choices)
    numbers: dict[tuple[tuple[str, Any], ...], int] = {}
    masks = []
    for choice in left:
        mask = 0
        for pair in _pairs(choice):
            mask |= 1 << numbers.setdefault(pair, len(numbers))
        masks.append(mask)
    missing = (1 << len(numbers)) - 1
    for choice in made:
        for pair in _pairs(choice):
            if pair in numbers:
                missing &= ~(1 << numbers[pair])
    costs = [cost(choice) for choice in left]
    found = []
    while missing:
        best = max(range(len(left)), key=lambda n: (masks[n] & missing).bit_count() / costs[n])
        found.append(left[best])
        missing &= ~masks[best]
    return found
