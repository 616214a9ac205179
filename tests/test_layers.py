"""What the repository promises about itself: layers, and things that no file has."""

import ast
import importlib
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("sim", "hdl", "boards", "host")
FACE = "face"
"""What the package offers by itself; no layer may ask for it."""
TOP_LEVEL = {
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "allspin",
    "boards",
    "docs",
    "hdl",
    "host",
    "pyproject.toml",
    "requirements.txt",
    "sim",
    "tests",
}


def listed_files() -> list[Path]:
    """Every file that git has, or that it would take."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


FILES = listed_files()
SOURCES = [path for path in FILES if path.suffix == ".py"]
TEXTS = [
    path
    for path in FILES
    if path.suffix not in {".data", ".gz", ".npz", ".onnx", ".png", ".safetensors"}
    and "vendor" not in path.parts
]
"""All but those of others, which are as they came."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(tree: ast.AST) -> set[str]:
    """What a file imports, wherever in the file it does: modules, and names of modules."""
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def imported_layers(tree: ast.AST) -> set[str]:
    """The layers that a file imports; "face" for the package itself and its names."""
    found = set()
    for module in imported_modules(tree):
        package, _, rest = module.partition(".")
        layer = rest.partition(".")[0]
        if package == "allspin":
            found.add(layer if layer in LAYERS else FACE)
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_lies_below(layer):
    below = set(LAYERS[: LAYERS.index(layer) + 1])
    wrong = {
        name_of(path): sorted(upward)
        for path in SOURCES
        if name_of(path).startswith(f"{layer}/")
        and (upward := imported_layers(parsed(path)) - below)
    }
    assert wrong == {}


def test_the_old_names_are_not_imported():
    wrong = {
        name_of(path): sorted(old)
        for path in SOURCES
        if (old := {m.partition(".")[0] for m in imported_modules(parsed(path))} & set(LAYERS))
    }
    assert wrong == {}


def test_imports_are_absolute_and_name_what_they_take():
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom)
        and (node.level > 0 or any(alias.name == "*" for alias in node.names))
    ]
    assert wrong == []


GENERATORS = {
    "default_rng",
    "Generator",
    "SeedSequence",
    "BitGenerator",
    "PCG64",
    "Philox",
    "Random",
}
"""What `random` and `numpy.random` may be used for: generators that are given a seed."""


def forbidden_uses(tree: ast.AST) -> list[str]:
    """Pickle, and random numbers that no seed names."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            found += sorted({"pickle", "shelve", "marshal", "dill"} & names)
            # Joblib's processes are welcome, its files are pickle.
            if getattr(node, "module", None) == "joblib":
                found += [f"joblib.{name}" for name in sorted({"load", "dump"} & names)]
        if (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and ast.unparse(node.value) != "False"
        ):
            found.append("allow_pickle")
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in {"np.random", "numpy.random", "random"}
            and node.attr not in GENERATORS
        ):
            found.append(ast.unparse(node))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"joblib.load", "joblib.dump"}:
            found.append(ast.unparse(node))
        if (
            isinstance(node, ast.Call)
            and not node.args
            and not node.keywords
            and ast.unparse(node.func).split(".")[-1] in GENERATORS
        ):
            found.append(f"{ast.unparse(node)} without a seed")
    return found


def test_no_pickle_and_no_random_number_without_a_seed():
    found = {name_of(path): uses for path in SOURCES if (uses := forbidden_uses(parsed(path)))}
    assert found == {}


def test_no_file_is_called_utils():
    vague = {"utils", "util", "helpers", "misc", "common"}
    assert [name_of(path) for path in SOURCES if path.stem in vague] == []


def test_top_level_has_only_what_it_should():
    top = {name_of(path).split("/")[0] for path in FILES}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


DOCUMENTS = {".md", ".cff"}
"""Where links to papers, parts and projects are welcome."""
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.|crates\.io|rubygems\.org|golang\.org|anaconda\.",
    re.IGNORECASE,
)
HOST = re.compile(r"\bhttps?:/" + r"/|--(extra-)?index-" + r"url|--find-" + "links")
DOCUMENT_LINK = re.compile(r"\bhttps:/" + r"/[\w.-]+\.[a-z]+(?=[/)>\s]|$)", re.MULTILINE)


def hosts_named(line: str, suffix: str) -> bool:
    """Whether a line of a file names a place to fetch from that it should not."""
    if REGISTRIES.search(line):
        return True
    return bool(HOST.search(DOCUMENT_LINK.sub("", line) if suffix in DOCUMENTS else line))


def test_no_file_names_a_host_to_fetch_packages_from():
    # Nor an option of pip that would name one.
    found = [
        f"{name_of(path)}:{number}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if hosts_named(line, path.suffix)
    ]
    assert found == []


@pytest.mark.parametrize("path", ["requirements.txt", "docs/requirements.txt"])
def test_every_requirement_is_pinned_by_hash(path):
    lines = (ROOT / path).read_text().replace("\\\n", " ").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    for pin in pins:
        assert re.match(r"^[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin), pin


def test_every_package_imports():
    for layer in LAYERS:
        package = importlib.import_module(f"allspin.{layer}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
