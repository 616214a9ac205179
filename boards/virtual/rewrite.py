"""Rewrite generated code so that it runs and compiles several times as fast.

Each rewrite is exact: the design behaves as before, clock for clock.
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
    """Remove source locations and all-zero memory contents from RTLIL.

    Memories start as zeros in CXXRTL anyway, and without locations a design's text does not depend
    on the folder of its sources.
    """
    return _ZERO_INIT.sub("", _SOURCE.sub("", text))


def rewrite_cpp(text: str) -> str:
    """Rewrite generated C++ for a driver that evaluates each clock once.

    - All registers are committed at once, without a test for changes.
    - A memory's queue of writes, a vector, is not touched in clocks without a write.
    - A wire of many words becomes a value for each word.

    Raises
    ------
    ValueError
        If the design has a combinational loop, so that it does not settle in one evaluation.
    """
    if "bool converged = true;" not in text or "converged = false" in text:
        raise ValueError("the design does not settle in one evaluation")
    text = _REGISTER_COMMIT.sub(r"\1.curr = \1.next;", text)
    text = _MEMORY_COMMIT.sub(r"commit_memory(\1);", text)
    text = _MEMORY_UPDATE.sub(r"write_memory(\1, ", text)
    text = gather_registers(split_wide(text))
    return text.replace(_NAMESPACE, _NAMESPACE + _HELPERS, 1)
