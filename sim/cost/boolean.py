"""Logic functions as Liberty files write them, evaluated on whole arrays at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_LENGTH = 2000
"""Characters of a function."""
MAX_TOKENS = 200
"""Names and signs of a function: each may be a level of its own."""

Bits = npt.NDArray[np.bool_] | np.bool_
Values = Mapping[str, Any]

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[()!'^*&+|])")


@dataclass(frozen=True)
class Expression:
    """A logic function.

    Attributes
    ----------
    text : str
        As it was written.
    names : tuple of str
        What it depends on, in the order of the text.
    evaluate : callable
        Takes a mapping from names to arrays of bool.
    """

    text: str
    names: tuple[str, ...]
    evaluate: Callable[[Values], Any]


class _Parser:
    """Precedence, highest first: not, exclusive or, and, or (Liberty's own)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        self.names: list[str] = []
        place, end = 0, len(text.rstrip())
        if end > MAX_LENGTH:
            raise ValueError(f"the function {text[:40]!r}... is too long")
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f"the function {text!r} is not understood")
            self.tokens.append(match[1])
            place = match.end()
        if len(self.tokens) > MAX_TOKENS:
            raise ValueError(f"the function {text[:40]!r}... is too long")
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1] if self.place <= len(self.tokens) else ""

    def either(self) -> Callable[[Values], Any]:
        left = self.both()
        while self.peek() in ("|", "+"):
            self.next()
            left = self._or(left, self.both())
        return left

    def both(self) -> Callable[[Values], Any]:
        left = self.exclusive()
        # Names side by side are an AND, too.
        while self.peek() and self.peek() not in ("|", "+", ")"):
            if self.peek() in ("&", "*"):
                self.next()
            left = self._and(left, self.exclusive())
        return left

    def exclusive(self) -> Callable[[Values], Any]:
        left = self.factor()
        while self.peek() == "^":
            self.next()
            left = self._xor(left, self.factor())
        return left

    def factor(self) -> Callable[[Values], Any]:
        token = self.next()
        if token == "!":
            return self._not(self.factor())
        if token == "(":
            inner = self.either()
            if self.next() != ")":
                raise ValueError(f"the function {self.text!r} lacks a bracket")
        elif token in ("0", "1"):
            inner = self._constant(token == "1")
        elif token and (token[0].isalpha() or token[0] == "_"):
            self.names.append(token)
            inner = self._name(token)
        else:
            raise ValueError(f"the function {self.text!r} is not understood")
        while self.peek() == "'":
            self.next()
            inner = self._not(inner)
        return inner

    @staticmethod
    def _name(name: str) -> Callable[[Values], Any]:
        return lambda values: values[name]

    @staticmethod
    def _constant(value: bool) -> Callable[[Values], Any]:
        return lambda values: np.bool_(value)

    @staticmethod
    def _not(one: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: ~one(values)

    @staticmethod
    def _and(one: Callable[[Values], Any], two: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: one(values) & two(values)

    @staticmethod
    def _or(one: Callable[[Values], Any], two: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: one(values) | two(values)

    @staticmethod
    def _xor(one: Callable[[Values], Any], two: Callable[[Values], Any]) -> Callable[[Values], Any]:
        return lambda values: one(values) ^ two(values)


def parse_expression(text: str) -> Expression:
    """Read a logic function.

    Parameters
    ----------
    text : str
        Such as ``!(A & (B1 | B2))``; Liberty's ``'``, ``*``, ``+`` and blanks do too.

    Raises
    ------
    ValueError
        If it is not understood, or longer than any cell's.
    """
    parser = _Parser(text)
    evaluate = parser.either()
    if parser.peek():
        raise ValueError(f"the function {text!r} is not understood at {parser.peek()!r}")
    return Expression(text, tuple(dict.fromkeys(parser.names)), evaluate)
