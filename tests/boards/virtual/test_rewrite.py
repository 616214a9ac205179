"""Rewrites of generated text: the lines that they change, and those that they leave."""

import pytest

from allspin.boards.virtual.rewrite import rewrite_cpp, rewrite_rtlil

CPP = """\
namespace cxxrtl_design {
struct p_top : public module {
		if (p_engine_2e_sum.commit(observer)) changed = true;
		prev_p_clk = p_clk;
		if (memory_p_table.commit(observer)) changed = true;
};
bool p_top::eval(performer *performer) {
	bool converged = true;
			memory_p_table.update(tmp_1.index, p_data, p_en.repeat<8>().val(), 0);
}
"""


def test_registers_and_memories():
    text = rewrite_cpp(CPP)
    assert "\t\tp_engine_2e_sum.curr = p_engine_2e_sum.next;\n\t\tprev_p_clk = p_clk;\n" in text
    assert "\t\tcommit_memory(memory_p_table);\n" in text
    assert "write_memory(memory_p_table, tmp_1.index, p_data, p_en.repeat<8>().val(), 0);" in text
    assert text.index("namespace cxxrtl_design {") < text.index("void write_memory(")
    assert text.index("void write_memory(") < text.index("struct p_top")


@pytest.mark.parametrize(
    "text",
    [
        CPP.replace("bool converged = true;", "bool converged = false;"),
        CPP.replace("}\n", "\tconverged = false;\n}\n"),
        CPP.replace("bool converged = true;", ""),
    ],
)
def test_a_design_that_must_settle_is_refused(text):
    with pytest.raises(ValueError, match="does not settle in one evaluation"):
        rewrite_cpp(text)


def test_rtlil_loses_locations_and_zero_contents_only():
    text = (
        'attribute \\src "a.py:1"\n'
        "module \\top\n"
        "  cell $meminit_v2 $1\n"
        '    parameter \\MEMID "\\\\a"\n'
        "    connect \\ADDR {  }\n"
        "    connect \\DATA 8'00000000\n"
        "    connect \\EN 4'1111\n"
        "  end\n"
        "%s"
        "end\n"
    )
    kept = (
        "  cell $meminit_v2 $2\n"
        '    parameter \\MEMID "\\\\b"\n'
        "    connect \\ADDR {  }\n"
        "    connect \\DATA 8'00000100\n"
        "    connect \\EN 4'1111\n"
        "  end\n"
        "  attribute \\keep 1\n"
        "  wire \\w\n"
    )
    assert rewrite_rtlil(text % kept) == f"module \\top\n{kept}end\n"
