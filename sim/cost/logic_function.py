"""Logic functions of standard cells, as Liberty files write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

import numpy as np

MAX_TOKENS = 200
"""Largest number of names and operators of a function; each may be a level of nesting."""
MAX_TEXT = 1 << 16
"""Largest number of characters of a function."""


@dataclass(frozen=True)
class Expression:
    """A logic function.

    Attributes
    ----------
    text : str
        Text in the library.
    names : tuple of str
        Inputs of the function, in the order of the text.
    code : code object
        The function as Python code, with ``v0``, ``v1`` and so on in place of the names.
    """

    text: str
    names: tuple[str, ...]
    code: CodeType

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Evaluate the function for values by name: scalars, or arrays of bool of one shape."""
        variables = {f"v{number}": values[name] for number, name in enumerate(self.names)}
        return eval(self.code, {"__builtins__": {}, **CONSTANTS}, variables)


_FUNCTION_TOKEN = re.compile(r"[A-Za-z_][\w\[\]]*|[01]|\S")
CONSTANTS = {"one": np.bool_(True), "zero": np.bool_(False)}
IN_PYTHON = {
    **{"|": "))|((", "+": "))|((", "&": ")&(", "*": ")&(", "(": "(((", ")": ")))"},
    **{"!": "~", "^": "^", "'": "^one", "0": "zero", "1": "one"},
}
"""Python text of each operator. The brackets give XOR precedence over AND, and AND over OR."""


def parse_expression(text: str) -> Expression:
    """Parse a logic function.

    Parameters
    ----------
    text : str
        Function such as ``!(A & (B1 | B2))``; Liberty's ``'``, ``*``, ``+`` and blanks are
        operators too.

    Raises
    ------
    ValueError
        If the function is malformed, or longer than that of any cell.
    """
    tokens = _FUNCTION_TOKEN.findall(text[:MAX_TEXT])
    if len(text) > MAX_TEXT or len(tokens) > MAX_TOKENS:
        raise ValueError(f"the function {text[:40]!r}... is too long")
    names = tuple(dict.fromkeys(token for token in tokens if re.match("[A-Za-z_]", token)))
    in_python = IN_PYTHON | {name: f"v{number}" for number, name in enumerate(names)}
    source = "(("
    before = ""
    try:
        for token in tokens:
            # Adjacent names or brackets are an AND.
            if re.match(r"[\w)']", before) and re.match(r"[\w(!]", token):
                source += in_python["&"]
            source += in_python[token]
            before = token
        source += "))"
        code = compile(source, "function", "eval")
    except (SyntaxError, KeyError):
        raise ValueError(f"the function {text!r} is not understood") from None
    if "()" in source:
        raise ValueError(f"the function {text!r} lacks an operand")
    return Expression(text, names, code)
