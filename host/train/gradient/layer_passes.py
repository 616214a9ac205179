"""Passes over the layers of a network: training, import and learning in the array share them."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Values = TypeVar("Values")
Record = TypeVar("Record")


def forward_pass(
    layers: Iterable[Callable[[Values], tuple[Values, Record]]], values: Values
) -> tuple[Values, list[Record]]:
    """Carry values through layers, first to last.

    Parameters
    ----------
    layers : iterable of callable
        Each takes the values that the layer before hands on; it returns the values that it hands
        on, and a record of its pass.
    values
        Values that enter the first layer.

    Returns
    -------
    values
        Values that the last layer hands on.
    records : list
        One record a layer.
    """
    records = []
    for layer in layers:
        values, record = layer(values)
        records.append(record)
    return values, records


def backward_pass(layers: Sequence[Callable[[Values], Values]], slopes: Values) -> Values:
    """Carry slopes through layers, last to first.

    Parameters
    ----------
    layers : sequence of callable
        Each takes the slopes of the loss by the values that it hands on, uses them, and returns
        the slopes by the values that it takes.
    slopes
        Slopes by the values that the last layer hands on.
    """
    for layer in reversed(layers):
        slopes = layer(slopes)
    return slopes
