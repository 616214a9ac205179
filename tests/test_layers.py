"""What the repository promises about itself: layers, and things that no file has."""

import ast
import re
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.docs.rooms import LAYERS, ROOT, imported

# Every file that git has, or that it would take.
LISTING = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    check=True,
    text=True,
).stdout
FILES = [ROOT / name for name in LISTING.split("\0") if name and (ROOT / name).is_file()]
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


def wrong_in(find: Callable[[ast.Module], Collection[str]]) -> dict[str, list[str]]:
    """By source, what it has that it should not."""
    found = {}
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        if wrong := find(tree):
            found[name_of(path)] = sorted(wrong)
    return found


def test_a_layer_imports_only_what_lies_below_and_by_its_one_name():
    wrong = []
    for path in SOURCES:
        layer = name_of(path).split("/")[0]
        below = LAYERS[: LAYERS.index(layer) + 1] if layer in LAYERS else LAYERS
        for module in imported(path):
            package, _, rest = module.partition(".")
            upward = layer in LAYERS and rest.partition(".")[0] not in below
            if package in LAYERS or (package == "allspin" and upward):
                wrong.append(f"{name_of(path)}: {module}")
    assert wrong == []


def indirect_imports(tree: ast.AST) -> list[str]:
    """Imports that are relative, or that do not name what they take."""
    return [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.level > 0 or any(alias.name == "*" for alias in node.names))
    ]


def test_imports_are_absolute_and_name_what_they_take():
    assert wrong_in(indirect_imports) == {}


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
            module = getattr(node, "module", None)
            names = {alias.name for alias in node.names}
            found += {"pickle", "shelve", "marshal", "dill"} & (names | {module})
            # Joblib's processes are welcome, its files are pickle.
            if module == "joblib":
                found += {"load", "dump"} & names
        elif isinstance(node, ast.keyword):
            if node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                found.append("allow_pickle")
        elif isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            place, _, name = text.rpartition(".")
            unseeded = place in {"np.random", "numpy.random", "random"} and name not in GENERATORS
            if unseeded or text in {"joblib.load", "joblib.dump"}:
                found.append(text)
        elif isinstance(node, ast.Call) and not node.args and not node.keywords:
            text = ast.unparse(node.func)
            if text.split(".")[-1] in GENERATORS:
                found.append(f"{text}() without a seed")
    return found


def test_no_pickle_and_no_random_number_without_a_seed():
    assert wrong_in(forbidden_uses) == {}


DOCUMENTS = {".md", ".cff"}
"""Where links to papers, parts and projects are welcome."""
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.|crates\.io|rubygems\.org|golang\.org|anaconda\.",
    re.IGNORECASE,
)
HOST = re.compile(r"\bhttps?:/" + r"/|--(extra-)?index-" + r"url|--find-" + "links")
DOCUMENT_LINK = re.compile(r"\bhttps:/" + r"/[\w.-]+\.[a-z]+(?=[/)>\s]|$)", re.MULTILINE)


def test_no_file_names_a_host_to_fetch_packages_from():
    # Nor an option of pip that would name one.
    found = []
    for path in TEXTS:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            bare = DOCUMENT_LINK.sub("", line) if path.suffix in DOCUMENTS else line
            if REGISTRIES.search(line) or HOST.search(bare):
                found.append(f"{name_of(path)}:{number}")
    assert found == []


@pytest.mark.parametrize("path", ["requirements.txt", "docs/requirements.txt"])
def test_every_requirement_is_pinned_by_hash(path):
    lines = (ROOT / path).read_text().replace("\\\n", " ").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    for pin in pins:
        assert re.match(r"^[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin), pin
