"""Changes that are mutants, and changes that are not."""

import ast
from textwrap import dedent

import pytest

from tests.mutants.mutations import Mutant, find_mutants
from tests.mutants.table import Table

pytestmark = pytest.mark.long


def changes(source: str) -> set[tuple[str, str]]:
    return {(m.before, m.after) for m in find_mutants("a.py", dedent(source))}


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x = a + b", {("a + b", "(a - b)")}),
        ("x = a // b << c", {("a // b << c", "(a // b >> c)"), ("a // b", "(a * b)")}),
        ("x = a & ~b", {("a & ~b", "(a | ~b)"), ("~b", "(b)")}),
        ("x = a < b <= c", {("a < b <= c", "(a <= b <= c)"), ("a < b <= c", "(a < b < c)")}),
        ("x = a and not b", {("a and not b", "(a or not b)"), ("not b", "(b)")}),
        ("x = 3", {("3", "2"), ("3", "4")}),
        ("x = 0", {("0", "1")}),
        ("x = True", {("True", "False")}),
        ("if a:\n    b()", {("a", "True"), ("a", "False"), ("b()", "pass")}),
        ("while a:\n    break", {("a", "False"), ("break", "pass")}),
        ("x = a if b else c", {("b", "True"), ("b", "False")}),
        ("x = [a for a in b if c]", {("c", "True"), ("c", "False")}),
        ("x += y", {("x += y", "x -= y"), ("x += y", "pass")}),
        ("x[i] = y", {("x[i] = y", "pass")}),
        ("def f(x):\n    x = y", {("x = y", "pass")}),
        # Amaranth's statements.
        ("m.d.comb += a.eq(b)", {("m.d.comb += a.eq(b)", "pass")}),
        ("m.d.sync += [a.eq(b), c.eq(d)]", {("a.eq(b)", "*[]"), ("c.eq(d)", "*[]")}),
        ("with m.If(a):\n    m.next = 'B'", {("a", "0"), ("a", "1"), ("m.next = 'B'", "pass")}),
        ("x = Mux(a, b, c)", {("a", "0"), ("a", "1")}),
        ("x = Signal(4, init=1)", {("4", "3"), ("1", "0"), ("1", "2")}),
        # Wider than needed costs, and is never wrong.
        ("x = Signal(range(a + 1))", {("a + 1", "(a - 1)"), ("1", "0")}),
        # No mutant makes a refusal's condition always true: the first test would see that.
        ("if a > 3:\n    raise ValueError(f'{a + 1}')", {
            ("a > 3", "False"), ("a > 3", "(a >= 3)"), ("3", "2"), ("3", "4")}),
    ],
)  # fmt: skip
def test_every_change_is_found(source, wanted):
    assert changes(source) == wanted


@pytest.mark.parametrize(
    "source",
    [
        '"""Says 1 + 1."""',
        "def f(x: Array[3]) -> Row[4]: ...",
        "x: int",
        "x = f'{a + 1} of {b}'",
        "x = 'a' + b",
        "raise ValueError(1 + 1)",
        "assert a + 1 == 2",
        "import a",
        "def __repr__(self):\n    return a + 1",
        "x = Signal(name=3, reset_less=True)",
        "if TYPE_CHECKING:\n    import a",
        "@f(1)\ndef g(): ...",
        "x = isinstance(a, B | C)",
        # The name would be missing, or the attribute.
        "x = y",
        "class A:\n    def __init__(self):\n        self.x = y",
    ],
)
def test_texts_and_missing_names_are_no_mutants(source):
    assert changes(source) == set()


def test_places_are_right_behind_other_letters():
    source = "é = 'µ'; x = a + b  # ü\ny = 'ß'; z = 4\n"
    texts = {mutant.apply(source) for mutant in find_mutants("sim/a.py", source)}
    assert "é = 'µ'; x = (a - b)  # ü\ny = 'ß'; z = 4\n" in texts
    assert "é = 'µ'; x = a + b  # ü\ny = 'ß'; z = 5\n" in texts


def test_a_change_keeps_how_an_expression_is_grouped():
    [times] = [m for m in find_mutants("a.py", "x = (a + b) * c\n") if "*" in m.before]
    assert ast.dump(ast.parse(times.apply("x = (a + b) * c\n"))) == ast.dump(
        ast.parse("x = (a + b) + c\n")
    )


def test_only_conditions_of_a_refusal_refuse():
    source = "if a < 1:\n    b = 2\n    raise E\nc = 3 if d else 4\n"
    found = {m.before: m.refuses for m in find_mutants("sim/a.py", source)}
    assert found == {"a < 1": True, "1": True, "2": False, "d": False, "3": False, "4": False}


def keys(source: str) -> dict[str, Mutant]:
    return {mutant.key: mutant for mutant in find_mutants("sim/a.py", source)}


def test_a_key_stays_when_something_else_changes():
    one = "def f():\n    return 1 + 1\n"
    two = "# Longer.\nLIMIT = 3\ndef g():\n    return 1\n\n" + one
    assert keys(one).keys() < keys(two).keys()
    assert all(keys(two)[key].line == mutant.line + 5 for key, mutant in keys(one).items())
    elsewhere = find_mutants("sim/room/a.py", one)
    assert {mutant.key for mutant in elsewhere} == keys(one).keys()


def test_all_mutants_of_this_tree_can_be_parsed_and_differ():
    table = Table.read()
    found = table.mutants()
    assert len({mutant.key for mutant in found}) == len(found)
    for path in table.files:
        source = (table.root / path).read_text(encoding="utf-8")
        texts = [m.apply(source) for m in found if m.path == path]
        assert len({source, *texts}) == len(texts) + 1
    # To parse all ten thousand would take minutes.
    for mutant in found[::50]:
        source = (table.root / mutant.path).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.apply(source))) != ast.dump(ast.parse(source))
