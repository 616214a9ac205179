"""Rewrite generated C++: all registers side by side, so that a clock's end copies one block.

CXXRTL keeps the current and next value of each register together, and copies register by register.
"""

import re
from collections import Counter

_WIRE = re.compile(r"^\twire<(\d+)> (p_\w+_2e_\w+);\n", re.MULTILINE)
"""A register within the top module, whose ports have no dot (2e) in their names."""
_COMMIT = re.compile(r"^\t+(p_\w+)\.curr = \1\.next;\n", re.MULTILINE)
_RESET = re.compile(r"^\t(p_\w+) = wire<(\d+)>(\{.*\});$", re.MULTILINE)
_SIDE = re.compile(r"\b(p_\w+)\.(curr|next)\b")
_NAME = re.compile(r"\bp_\w+")
_STRUCT = "struct p_top : public module {\n"
_CHANGED = "\t\tbool changed = false;\n"


def gather_registers(text: str) -> str:
    """Put the current values of all registers into one struct, and the next values into another.

    Ports stay as they are, and so do registers with other uses than of these values.

    Parameters
    ----------
    text : str
        CXXRTL's output for a flat module ``p_top``, with unconditional commits of registers.
    """
    widths = {name: int(bits) for bits, name in _WIRE.findall(text)}
    known = Counter(name for name, _ in _SIDE.findall(text))
    known.update(name for name, _, _ in _RESET.findall(text))
    total = Counter(_NAME.findall(text))
    own = {name: bits for name, bits in widths.items() if total[name] == known[name] + 1}
    if not own:
        return text

    def unless_own(found: re.Match[str], name: str, instead: str) -> str:
        return instead if name in own else found[0]

    text = _WIRE.sub(lambda found: unless_own(found, found[2], ""), text)
    text = _COMMIT.sub(lambda found: unless_own(found, found[1], ""), text)
    text = _RESET.sub(
        lambda found: unless_own(
            found, found[1], f"\tcurr.{found[1]} = next.{found[1]} = value<{found[2]}>{found[3]};"
        ),
        text,
    )
    text = _SIDE.sub(lambda found: unless_own(found, found[1], f"{found[2]}.{found[1]}"), text)
    members = "".join(f"\tvalue<{bits}> {name};\n" for name, bits in own.items())
    struct = f"struct registers {{\n{members}}};\n\n{_STRUCT}\tregisters curr, next;\n"
    return text.replace(_STRUCT, struct, 1).replace(_CHANGED, f"{_CHANGED}\t\tcurr = next;\n", 1)
