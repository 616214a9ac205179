"""Registers side by side: gathered ones, others that stay, and a compiled result."""

import subprocess

from allspin.boards.virtual.build import compiler
from allspin.boards.virtual.registers import gather_registers

CPP = """\
struct p_top : public module {
	wire<8> p_engine_2e_sum;
	wire<2> p_engine_2e_whole;
	wire<1> p_idle;
	template<class ObserverT>
	bool commit(ObserverT &observer) {
		bool changed = false;
		p_engine_2e_sum.curr = p_engine_2e_sum.next;
		p_engine_2e_whole.curr = p_engine_2e_whole.next;
		p_idle.curr = p_idle.next;
		return changed;
	}
	void reset();
	void eval();
};
void p_top::reset() {
	p_engine_2e_sum = wire<8>{5u};
	p_engine_2e_whole = wire<2>{1u};
	p_idle = wire<1>{1u};
}
void p_top::eval() {
	p_engine_2e_sum.next.data[0] = p_engine_2e_sum.curr.data[0] + p_idle.curr.data[0];
	look(p_engine_2e_whole);
}
"""
HEAD = """\
#include <cstddef>
#include <cstdio>
template<size_t Bits> struct value { unsigned data[1]; };
template<size_t Bits> struct wire { value<Bits> curr, next; wire() {}
  wire(unsigned init) { curr.data[0] = next.data[0] = init; } };
struct module {};
template<class Any> void look(Any &) {}
"""
MAIN = """
int main() {
	p_top top;
	top.reset();
	for (int clock = 0; clock < 3; clock++) { top.eval(); top.commit(top); }
	printf("%u", top.SUM.data[0]);
}
"""


def test_it_counts_as_before(tmp_path):
    assert "\t\tcurr = next;\n" in gather_registers(CPP)
    said = []
    for text, place in (
        (CPP, "p_engine_2e_sum.curr"),
        (gather_registers(CPP), "curr.p_engine_2e_sum"),
    ):
        source = tmp_path / "design.cc"
        source.write_text(HEAD + text + MAIN.replace("SUM", place))
        subprocess.run([*compiler(), "-w", str(source), "-o", str(tmp_path / "p")], check=True)
        said.append(subprocess.run([tmp_path / "p"], capture_output=True, check=True).stdout)
    assert said == [b"8", b"8"]
