"""Rewrites that make the compiled gateware several times as fast, and its compilation too.

Each is exact: the design behaves as before, clock for clock.
"""

import re

from allspin.boards.virtual.registers import gather_registers
from allspin.boards.virtual.wide import split_wide

_ZERO_INIT = re.compile(
    r"^  cell \$meminit_v2 \S+\n(?:    parameter .*\n)*    connect \\ADDR \{  \}\n"
    r"    connect \\DATA \d+'0+\n    connect \\EN .*\n  end\n",
    re.MULTILINE,
)
_SOURCE = re.compile(r"^\s*attribute \\src .*\n", re.MULTILINE)
_REGISTER_COMMIT = re.compile(r"if \((p_\w+)\.commit\(observer\)\) changed = true;")
_MEMORY_COMMIT = re.compile(r"if \((memory_\w+)\.commit\(observer\)\) changed = true;")
_MEMORY_UPDATE = re.compile(r"\b(memory_\w+)\.update\(")
_NAMESPACE = "namespace cxxrtl_design {\n"
_HELPERS = """
template<size_t Width>
__attribute__((noinline))
static void queue_write(memory<Width> &memory, size_t index, const value<Width> &val,
                        const value<Width> &mask, int priority) {
	memory.update(index, val, mask, priority);
}

template<size_t Width>
static inline void write_memory(memory<Width> &memory, size_t index, const value<Width> &val,
                                const value<Width> &mask, int priority) {
	if (!mask.is_zero())
		queue_write(memory, index, val, mask, priority);
}

template<size_t Width>
__attribute__((noinline))
static void apply_writes(memory<Width> &memory) {
	observer observer;
	memory.commit(observer);
}

template<size_t Width>
static inline void commit_memory(memory<Width> &memory) {
	if (!memory.write_queue.empty())
		apply_writes(memory);
}
"""


def rewrite_rtlil(text: str) -> str:
    """RTLIL without what only costs time: source locations and all-zero memory contents.

    Memories start as zeros in CXXRTL anyway, and a design's text then does not depend on
    the folder that it was made in.
    """
    return _ZERO_INIT.sub("", _SOURCE.sub("", text))


def rewrite_cpp(text: str) -> str:
    """Generated C++ for a driver that evaluates each clock once.

    - A register is committed without asking whether it changed: nobody wants to know; and all
      of them at once.
    - A memory's queue of writes, a vector, is left alone in clocks that write nothing.
    - A wire of many words is a value for each of them.

    Raises
    ------
    ValueError
        If the design does not settle in one evaluation, for it has a combinational loop.
    """
    if "bool converged = true;" not in text or "converged = false" in text:
        raise ValueError("the design does not settle in one evaluation")
    text = _REGISTER_COMMIT.sub(r"\1.curr = \1.next;", text)
    text = _MEMORY_COMMIT.sub(r"commit_memory(\1);", text)
    text = _MEMORY_UPDATE.sub(r"write_memory(\1, ", text)
    text = gather_registers(split_wide(text))
    return text.replace(_NAMESPACE, _NAMESPACE + _HELPERS, 1)
