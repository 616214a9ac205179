"""Emulator of an all-spin neural network in gateware, with its training and its golden model.

The names in `__all__` are public: the imports of ``__init__.pyi``, the one list that type checkers
read too. ``docs/python.md`` has an example of each. A name is loaded at its first use, so
``import allspin`` is fast.
"""

import ast
from importlib import import_module
from pathlib import Path

_here = Path(__file__).resolve()
_homes = {
    alias.asname or alias.name: (str(node.module), alias.name)
    for node in ast.parse(_here.with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
__all__ = sorted(_homes)  # pyright: ignore[reportUnsupportedDunderAll]

if not (_here.parent / "sim").is_dir():
    # A checkout, where the layers lie beside this folder.
    __path__.append(str(_here.parents[1]))


def _later(module: str, name: str) -> object:
    """A function of a module that is loaded when it is first called."""
    return staticmethod(
        lambda *given: getattr(import_module(f"allspin.host.{module}"), name)(*given)
    )


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("allspin.host.show.version").version() or "unknown"
    if name not in _homes:
        raise AttributeError(f"module 'allspin' has no attribute {name!r}")
    shown = import_module("allspin.sim.parameters").Shown
    for hook, home in (
        ("card", "charts.model_cards"),
        ("drawn", "charts.model_cards"),
        ("found", "data.catalogue"),
    ):
        setattr(shown, hook, _later(home, hook))
    module, there = _homes[name]
    with import_module("allspin.sim.systems").naming_extras():
        found = globals()[name] = getattr(import_module(module), there)
    return found


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
