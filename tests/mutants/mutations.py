"""Find the places of a source that can be changed, and change them.

A mutant is one small change that a programmer might have made by mistake. Changes of texts
(docstrings, messages, names, annotations) and of assertions are no mutants, nor are a wider
register than needed or a needless reset: these cost, and are never wrong.
"""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SHAPES = {"Signal", "Const", "In", "Out", "signed", "unsigned", "ArrayLayout"}
"""Calls whose arguments are widths: only a narrower one can be wrong."""
UNSEEN_KEYWORDS = {"name", "reset_less", "src_loc_at", "attrs", "match"}
"""Arguments for names, for the cost of a reset, and for tools."""
UNSEEN_FUNCTIONS = {"__repr__", "__str__"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Parameters
    ----------
    path : str
        The file, from the root of the tree.
    line, column : int
        Place of the change, from 1.
    lines : range
        Lines of the statement that is changed, or of its head.
    start, end : int
        Ends of the replaced text, in characters of the source.
    scope : str
        Function or class that it is in, as ``Class.method``; empty at the top.
    kind : str
        ``operator``, ``comparison``, ``constant``, ``condition`` or ``deletion``.
    before, after : str
        Source text of the place, without and with the change.
    ordinal : int
        Number of equal changes before it in the scope.
    refuses : bool
        True if it decides whether an error is raised.
    in_function : bool
        True if it is executed by a call, and not by an import.
    """

    path: str
    line: int
    column: int
    lines: range
    start: int
    end: int
    scope: str
    kind: str
    before: str
    after: str
    ordinal: int = 0
    refuses: bool = False
    in_function: bool = False

    @property
    def key(self) -> str:
        """A name that stays while its function has the same change in the same order.

        Of the file's folders only the layer is part of it: a file that is moved keeps its mutants.
        """
        layer, name = self.path.partition("/")[0], self.path.rpartition("/")[2]
        parts = (layer, name, self.scope, self.kind, self.before, self.after, str(self.ordinal))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def apply(self, source: str) -> str:
        """The file's text with the change."""
        assert source[self.start : self.end] == self.before
        return source[: self.start] + self.after + source[self.end :]

    def __str__(self) -> str:
        def short(text: str) -> str:
            line = " ".join(text.split())
            return line if len(line) <= 70 else line[:67] + "..."

        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {short(self.before)} -> {short(self.after)}"


def find_mutants(path: str, source: str) -> list[Mutant]:
    """All mutants of a file, in the order of its text.

    Parameters
    ----------
    path : str
        The file's name, from the root of the tree.
    source : str
        Its text.
    """
    found = list(_Finder(path, source).find())
    found.sort(key=lambda mutant: (mutant.start, -mutant.end, mutant.kind, mutant.after))
    counts: Counter[str] = Counter()
    numbered: dict[tuple[int, int, str], Mutant] = {}
    for mutant in found:
        # The same change at the same place by two ways is one mutant.
        change = mutant.start, mutant.end, mutant.after
        if change not in numbered:
            numbered[change] = replace(mutant, ordinal=counts[mutant.key])
            counts[mutant.key] += 1
    return list(numbered.values())


class _Finder:
    """One walk over a file."""

    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._source = source
        self._offsets = [0]
        for line in source.splitlines(keepends=True):
            self._offsets.append(self._offsets[-1] + len(line.encode()))
        self._bytes = source.encode()
        self._scope: list[str] = []
        self._head = range(0)
        self._refuses = False
        self._functions = 0
        self._bindings: Counter[str] = Counter()

    def find(self) -> Iterator[Mutant]:
        """All mutants, in no order."""
        yield from self._body(ast.parse(self._source).body)

    # Statements.

    def _body(self, statements: list[ast.stmt]) -> Iterator[Mutant]:
        for statement in statements:
            first = statement.lineno
            inner = [
                child.lineno
                for field in ("body", "orelse", "handlers", "cases", "finalbody")
                for child in getattr(statement, field, [])[:1]
                if hasattr(child, "lineno")
            ]
            last = min(inner) - 1 if inner else statement.end_lineno
            self._head = range(first, max(first, last or first) + 1)
            yield from self._statement(statement)

    def _statement(self, statement: ast.stmt) -> Iterator[Mutant]:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(statement)
                return
            case ast.ClassDef():
                yield from self._within(statement.name, statement.body)
                return
            case ast.If():
                yield from self._if(statement)
                return
            case ast.Raise() | ast.Assert() | ast.Import() | ast.ImportFrom():
                return
            case ast.While():
                yield from self._condition(statement.test, ("False",))
            case ast.Assign(targets=[target]):
                if self._can_go_without(target):
                    yield self._mutant("deletion", statement, "pass")
            case ast.AugAssign():
                yield from self._augmented(statement)
            case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom()):
                yield self._mutant("deletion", statement, "pass")
            case ast.Expr():
                return
            case ast.Break() | ast.Continue():
                yield self._mutant("deletion", statement, "pass")
        yield from self._parts(statement)

    def _parts(self, node: ast.AST) -> Iterator[Mutant]:
        """Mutants of all that a statement consists of, annotations aside."""
        for name, part in ast.iter_fields(node):
            parts = part if isinstance(part, list) else [part]
            if parts and isinstance(parts[0], ast.stmt):
                yield from self._body(parts)
                continue
            for one in parts:
                if isinstance(one, ast.expr) and name != "annotation":
                    yield from self._expression(one)
                elif isinstance(one, ast.withitem | ast.excepthandler | ast.match_case):
                    yield from self._parts(one)

    def _within(self, name: str, body: list[ast.stmt]) -> Iterator[Mutant]:
        self._scope.append(name)
        yield from self._body(body)
        self._scope.pop()

    def _function(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Mutant]:
        if function.name in UNSEEN_FUNCTIONS:
            return
        arguments = function.args
        self._scope.append(function.name)
        for default in filter(None, [*arguments.defaults, *arguments.kw_defaults]):
            yield from self._expression(default)
        self._scope.pop()
        outer = self._bindings
        self._bindings = Counter(
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
        self._bindings.update(
            argument.arg
            for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        )
        self._functions += 1
        yield from self._within(function.name, function.body)
        self._functions -= 1
        self._bindings = outer

    def _if(self, statement: ast.If) -> Iterator[Mutant]:
        if ast.unparse(statement.test) == "TYPE_CHECKING":
            return
        refuses = any(isinstance(inner, ast.Raise) for inner in statement.body)
        outer, self._refuses = self._refuses, self._refuses or refuses
        # The first of all tests would see a condition that always refuses.
        yield from self._condition(statement.test, ("False",) if refuses else ("False", "True"))
        yield from self._expression(statement.test)
        self._refuses = outer
        yield from self._body(statement.body)
        yield from self._body(statement.orelse)

    def _can_go_without(self, target: ast.expr) -> bool:
        """True if the target exists without the assignment."""
        match target:
            case ast.Name():
                return self._bindings[target.id] > 1
            case ast.Attribute(value=ast.Name(id="self")):
                return self._scope[-1:] not in (["__init__"], ["__post_init__"])
            case ast.Attribute() | ast.Subscript():
                return True
        return False

    def _augmented(self, statement: ast.AugAssign) -> Iterator[Mutant]:
        value = statement.value
        if isinstance(value, ast.List) and len(value.elts) > 1:
            # Statements of Amaranth: each may be missing.
            for element in value.elts:
                if not isinstance(element, ast.Starred):
                    yield self._mutant("deletion", element, "*[]")
        else:
            yield self._mutant("deletion", statement, "pass")
        other = OPERATORS.get(type(statement.op))
        if other is not None and not isinstance(value, ast.List | ast.ListComp | ast.Call):
            changed = ast.AugAssign(statement.target, other(), value)
            yield self._mutant("operator", statement, ast.unparse(changed))

    # Expressions.

    def _expression(self, node: ast.expr, *, shape: bool = False) -> Iterator[Mutant]:
        match node:
            case ast.JoinedStr() | ast.Lambda(body=ast.JoinedStr()):
                return
            case ast.Constant():
                yield from self._constant(node, shape)
                return
            case ast.BinOp():
                if _is_text(node):
                    return
                other = OPERATORS.get(type(node.op))
                if other is not None and (not shape or isinstance(node.op, ast.Add | ast.Pow)):
                    yield self._changed("operator", node, ast.BinOp(node.left, other(), node.right))
            case ast.UnaryOp():
                if not isinstance(node.op, ast.UAdd):
                    yield self._changed("operator", node, node.operand)
            case ast.BoolOp():
                other_bool = ast.Or() if isinstance(node.op, ast.And) else ast.And()
                yield self._changed("operator", node, ast.BoolOp(other_bool, node.values))
            case ast.Compare():
                for place, op in enumerate(node.ops):
                    ops = list(node.ops)
                    ops[place] = COMPARISONS[type(op)]()
                    yield self._changed(
                        "comparison", node, ast.Compare(node.left, ops, node.comparators)
                    )
            case ast.IfExp():
                yield from self._condition(node.test, ("False", "True"))
            case ast.Call():
                yield from self._call(node, shape)
                return
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                for generator in node.generators:
                    for test in generator.ifs:
                        yield from self._condition(test, ("False", "True"))
                        yield from self._expression(test)
                    yield from self._expression(generator.iter)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from self._expression(child, shape=shape)

    def _call(self, node: ast.Call, shape: bool) -> Iterator[Mutant]:
        name = _called(node)
        if name in {"isinstance", "cast"}:
            return
        if name in {"If", "Elif", "Mux"} and node.args:
            yield from self._condition(node.args[0], ("0", "1"))
        shape = name in SHAPES or (shape and name in {"range", "max", "min"})
        yield from self._expression(node.func)
        for argument in node.args:
            yield from self._expression(argument, shape=shape)
        for keyword in node.keywords:
            if keyword.arg not in UNSEEN_KEYWORDS:
                yield from self._expression(
                    keyword.value, shape=shape and keyword.arg not in {"init", "value"}
                )

    def _constant(self, node: ast.Constant, shape: bool) -> Iterator[Mutant]:
        value = node.value
        if isinstance(value, bool):
            yield self._mutant("constant", node, str(not value))
        elif isinstance(value, int):
            if value > 0:
                yield self._mutant("constant", node, str(value - 1))
            if not shape:
                yield self._mutant("constant", node, str(value + 1))

    def _condition(self, test: ast.expr, values: tuple[str, ...]) -> Iterator[Mutant]:
        for value in values:
            yield self._mutant("condition", test, value)

    # Places.

    def _changed(self, kind: str, node: ast.expr, changed: ast.expr) -> Mutant:
        return self._mutant(kind, node, f"({ast.unparse(changed)})")

    def _mutant(self, kind: str, node: ast.expr | ast.stmt, after: str) -> Mutant:
        start = self._place(node.lineno, node.col_offset)
        end = self._place(node.end_lineno or 0, node.end_col_offset or 0)
        return Mutant(
            path=self._path,
            line=node.lineno,
            column=node.col_offset + 1,
            lines=self._head,
            start=start,
            end=end,
            scope=".".join(self._scope),
            kind=kind,
            before=self._source[start:end],
            after=after,
            refuses=self._refuses,
            in_function=self._functions > 0,
        )

    def _place(self, line: int, column: int) -> int:
        """A place in characters; the parser counts the bytes of a line."""
        return len(self._bytes[: self._offsets[line - 1] + column].decode())


def _called(node: ast.Call) -> str:
    """Name of a called function or method, without its object or module."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_text(node: ast.BinOp) -> bool:
    """True if an operation puts a text together."""
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )
