"""The notebooks of docs/notebooks run, and what they end a cell with shows itself."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.md"))
CELL = re.compile(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMES = [path.stem for path in NOTEBOOKS]

SHOW = '''
def _show(value):
    """As a notebook does."""
    if value is not None:
        for name in ("_repr_html_", "_repr_png_"):
            if hasattr(value, name):
                print(name, len(getattr(value, name)()))
                return
        print(repr(value))
'''


def cells(notebook: Path) -> list[str]:
    return CELL.findall(notebook.read_text(encoding="utf-8"))


def as_a_program(notebook: Path) -> str:
    """All cells, the last expression of each given to what shows it."""
    parts = [SHOW]
    for code in cells(notebook):
        tree = ast.parse(code)
        if isinstance(tree.body[-1], ast.Expr):
            *others, last = tree.body
            parts.append(ast.unparse(ast.Module(others, [])))
            parts.append(f"_show({ast.unparse(last)})")
        else:
            parts.append(code)
    # Workers are other processes, which import this.
    body = "\n".join(parts)
    return f"if __name__ == '__main__':\n{re.sub('^', '    ', body, flags=re.MULTILINE)}\n"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=NAMES)
def test_every_cell_is_found_and_is_python(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")
    assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n")
    assert len(cells(notebook)) == text.count("```{code-cell}") > 4
    ast.parse(as_a_program(notebook))


SAID = {
    "device": ["_repr_html_"] * 6,
    "network": ["_repr_html_"] * 4,
    "neuron": ["_repr_html_"] * 3,
    "paper": ["_repr_png_"] * 10,
}
"""What shows itself in each, in order."""


@pytest.mark.long
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=NAMES)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "notebook.py").write_text(as_a_program(notebook), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "notebook.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(_repr_\w+_) [1-9]", done.stdout, re.MULTILINE) == SAID[notebook.stem]
