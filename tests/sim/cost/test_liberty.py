"""Liberty files: the library that ships, one in other units with real tables, and functions."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.cost.liberty import load_library, parse_library
from allspin.sim.cost.logic_function import parse_expression
from allspin.sim.errors import UserError

# Area in um^2, leakage in nW, capacitances in fF, energy in fJ, worst delay in ps, as read from
# the NanGate FreePDK45 open cell library, typical corner.
FIGURES = {
    "INV_X1": (0.532, 14.35, [1.70], 0.95, 21),
    "BUF_X1": (0.798, 21.44, [0.97], 2.33, 34),
    "NAND2_X1": (0.798, 17.39, [1.60, 1.66], 1.34, 25),
    "NAND3_X1": (1.064, 18.10, [1.59, 1.62, 1.65], 1.79, 28),
    "NOR2_X1": (0.798, 21.20, [1.71, 1.65], 1.35, 39),
    "NOR3_X1": (1.064, 26.83, [1.76, 1.66, 1.62], 1.73, 64),
    "AND2_X1": (1.064, 25.07, [0.92, 0.97], 2.55, 38),
    "OR2_X1": (1.064, 22.69, [0.95, 0.94], 2.48, 57),
    "XOR2_X1": (1.596, 36.16, [2.23, 2.41], 2.97, 61),
    "XNOR2_X1": (1.596, 36.44, [2.23, 2.57], 2.91, 46),
    "AOI21_X1": (1.064, 27.86, [1.63, 1.65, 1.68], 2.07, 51),
    "OAI21_X1": (1.064, 22.62, [1.67, 1.66, 1.57], 1.97, 43),
    "MUX2_X1": (1.862, 35.93, [0.95, 0.94, 1.92], 3.24, 66),
    "HA_X1": (2.660, 61.23, [3.19, 3.45], 2.89, 62),
    "FA_X1": (4.256, 75.76, [3.75, 3.47, 2.76], 3.55, 126),
    "DFF_X1": (4.522, 79.11, [1.14, 0.95], 4.20, 96),
}


def test_the_library_that_ships_has_the_reference_figures() -> None:
    library = load_library()
    assert library.voltage == 1.1
    found = {
        name: (
            cell.area,
            cell.leakage,
            [pin.capacitance for pin in cell.inputs.values()],
            next(iter(cell.outputs.values())).energy,
            next(iter(cell.outputs.values())).delay,
        )
        for name, cell in library.cells.items()
    }
    assert found == FIGURES
    flip_flop = library.cells["DFF_X1"]
    assert flip_flop.register is not None
    assert (flip_flop.register.clock, flip_flop.register.setup) == ("CK", 55)
    assert [pin.energy for pin in flip_flop.inputs.values()] == [1.8, 3.6]


OTHER = """
// Another library, in other units.
library("other") {
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  leakage_power_unit : "1pW";
  capacitive_load_unit(1, pf);
  nom_voltage : 1.8;
  lu_table_template(grid) {
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1("0.007, 0.027");
    index_2("0.0012, 0.0052");
  }
  cell("nd2") {
    area : 3.5;
    cell_leakage_power : 2000;
    pin("a") { direction : "input"; capacitance : 0.004; }
    pin("b") { direction : input; capacitance : 0.005; }
    pin(y) {
      direction : output;
      function : "(a b)'";
      timing() {
        related_pin : "a";
        cell_rise(grid) { values("0.010, 0.030", \\
                                 "0.020, 0.040"); }
        cell_fall(grid) { values("0.01, 0.01", "0.01, 0.01"); }
      }
      internal_power() {
        related_pin : "a b";
        rise_power(grid) { values("0.001, 0.002", "0.003, 0.004"); }
        fall_power(grid) { index_1("0.007, 0.027"); index_2("0.0012, 0.0052");
                           values("0.005, 0.005", "0.005, 0.005"); }
      }
    }
  }
  cell(latch) { latch(IQ, IQN) { enable : "g"; data_in : "d"; }
    pin(d) { direction : input; } pin(q) { direction : output; function : "IQ"; } }
  cell(fill) { area : 1; }
}
"""


def test_units_and_tables_of_another_library() -> None:
    library = parse_library(OTHER)
    assert parse_library(OTHER.replace("\n", "\r\n")).cells == library.cells
    assert list(library.cells) == ["nd2"]
    cell = library.cells["nd2"]
    assert (library.name, library.voltage, cell.area, cell.leakage) == ("other", 1.8, 3.5, 2)
    assert [pin.capacitance for pin in cell.inputs.values()] == pytest.approx([4, 5])
    # 17 ps and 3.2 fF lie in the middle of both axes: the mean of the four entries.
    assert cell.outputs["y"].delay == pytest.approx(25)
    assert cell.outputs["y"].energy == pytest.approx((2.5 + 5) / 2)
    assert library.full_adder() is None


def pin(function: str, table: str = "values (1)") -> str:
    """A cell with an output, and a table of its delay."""
    return f"""library (x) {{ cell (a) {{
      pin (Y) {{ direction : output; function : "{function}";
        timing () {{ cell_rise (x) {{ {table}; }} }} }} }} }}"""


FLIP_FLOP = """
library (x) {
  cell (dff) {
    area : 4.5;
    ff (IQ, IQN) { next_state : "!(D ^ E) | 0"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 1.1;
      timing () { related_pin : "CK"; timing_type : setup_rising;
        rise_constraint (scalar) { values ("55"); } } }
    pin (E) { direction : input; }
    pin (CK) { direction : input; clock : true; }
    pin (Q) { direction : output; function : "IQ"; }
    pin (QN) { direction : output; function : "IQN"; }
  }
  cell (fa) {
    pin (A) { direction : input; } pin (B) { direction : input; } pin (C) { direction : input; }
    pin (S) { direction : output; function : "A ^ B ^ C"; }
    pin (T) { direction : output; function : "A B + C*(A|B)"; }
  }
}
"""


def test_a_cell_whose_function_names_a_missing_signal_is_left_out() -> None:
    assert list(parse_library(FLIP_FLOP).cells) == ["dff", "fa"]
    assert parse_library(FLIP_FLOP).full_adder() is not None
    assert list(parse_library(FLIP_FLOP.replace("A ^ B ^ C", "A ^ B ^ Z")).cells) == ["dff"]
    for function in ('"!(D ^ E) | 0"', '"IQN"'):
        assert list(parse_library(FLIP_FLOP.replace(function, '"IZ"')).cells) == ["fa"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it does not begin with library"),
        ("module x; endmodule", "it does not begin with library"),
        ("library (x) ;", "its library is no group"),
        ("library (x) { cell (a) {", "it ends in the middle"),
        ("library (x) { area 3 }", "'area 3 }' is not understood"),
        ("library (x) { }", "it has no cell that can be used"),
        ('library (x) { time_unit : "1h"; }', "time_unit '1h' is not understood"),
        ('library (x) { time_unit : "0ns"; }', "a unit or its voltage is not between 0 and 1e"),
        ("library (x) { nom_voltage : nan; }", "nan is no number that a cell can have"),
        ("library (x) { cell () { area : 1; } }", "a group of it lacks its name"),
        ("library (x) { cell (a) { area : 1e999; } }", "1e999 is no number that a cell can have"),
        ("library (x) {" * 3000, "it ends in the middle"),
        ("library (x) {" + ";" * (1 << 20), "it has more than 524,288 statements"),
        ('library (x) { a : "' + '\\"' * 1_000_000, ".* is not understood"),
        (pin("(" * 3000), r"the function '\(\(.*'... is too long"),
        (pin("A " * 2000), "the function 'A A.*'... is too long"),
        (pin("A", 'values ("1, 1", "1")'), "setting an array element with a sequence.*"),
        (pin("A", f'values ("{"1 " * 40_000}")'), "a table has more than 65,536 characters"),
        (pin("A", 'index_1 ("2, 1"); values ("1, 2")'), "an index of a table does not rise"),
        (pin("A", 'index_1 ("1, 2"); values ("1, 2, 3")'), "cannot reshape .*"),
    ],
)
def test_a_malformed_library_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cells.lib"
    path.write_text(text)
    with pytest.raises(UserError, match=f"cells.lib is not a Liberty file: {message}") as caught:
        load_library(path)
    assert "\n" not in str(caught.value)


def test_a_missing_library_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read library .*none.lib: No such file"):
        load_library(tmp_path / "none.lib")
    (tmp_path / "binary.lib").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="it is not text in UTF-8"):
        load_library(tmp_path / "binary.lib")


parts = st.text("(){}:;,=\"\\'!|&^ \n0123456789.eabAY_nfp/*-", max_size=4) | st.sampled_from(
    ["1e308", "nan", "\\\n", "/*", "//", '""', "()", "{}", "cell", "pin", "ff", "\0", "é", "1e-320"]
)


@given(
    st.sampled_from([OTHER, FLIP_FLOP]),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 6), parts), min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=150)
@pytest.mark.filterwarnings("error")
def test_any_damage_makes_a_library_or_one_line(
    text: str, changes: list[tuple[int, int, str]]
) -> None:
    for start, length, part in changes:
        start = start % len(text)
        text = text[:start] + part + text[start + length :]
    try:
        library = parse_library(text)
    except ValueError as error:
        assert "\n" not in " ".join(str(error).split())  # noqa: PT017
        return
    library.full_adder()
    for cell in library.cells.values():
        values = {name: np.bool_(True) for name in cell.inputs}
        if cell.register is not None:
            assert cell.register.next_state.evaluate(values) in (True, False)
            values |= {cell.register.state: True, cell.register.complement: np.bool_(False)}
        for output in cell.outputs.values():
            assert output.function.evaluate(values) in (True, False)
            assert np.isfinite([output.energy, output.delay, cell.area, cell.leakage]).all()


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("!(A | (B & C))", "not (A or (B and C))"),
        ("A ^ B ^ C", "A ^ B ^ C"),
        ("(S & B) | (A & !S)", "(S and B) or (A and not S)"),
        ("(A B)' + C", "(not (A and B)) or C"),
        ("A * B'", "A and not B"),
        ("!A & B | C", "((not A) and B) or C"),
        ("A ^ B & C", "(A ^ B) and C"),
        ("(1)", "True"),
        ("0 | A", "A"),
        ("A''' B'' ^ !C'", "(not A) and (B ^ (not not C))"),
        ("(A)(!B)", "A and not B"),
    ],
)
def test_functions_are_evaluated_as_written(text: str, meaning: str) -> None:
    expression = parse_expression(text)
    names = sorted(expression.names)
    for bits in itertools.product([False, True], repeat=len(names)):
        values = dict(zip(names, bits, strict=True))
        arrays = {name: np.array([bit, bit]) for name, bit in values.items()}
        wanted = bool(eval(meaning, {}, values))
        assert np.all(expression.evaluate(arrays) == wanted), values


@pytest.mark.parametrize("text", ["", "A &", "(A", "A)", "A % B", "& A"])
def test_a_malformed_function_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the function"):
        parse_expression(text)
