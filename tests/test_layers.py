"""Promises of the repository about itself: layers, and things that no file has."""

import re
import subprocess
from pathlib import Path

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
"""Text files except vendored ones, which stay as they came."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_a_layer_imports_only_from_below_and_by_its_one_name():
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


FORBIDDEN = re.compile(
    r"^ *from \.|import \*$"
    r"|^ *(?:import|from) (?:pickle|shelve|marshal|dill)\b|allow_pickle[=](?!False)"
    # Joblib's processes are welcome, its files are pickle.
    r"|^ *from joblib import .*\b(?:load|dump)\b|\bjoblib\.(?:load|dump)\b"
    r"|\b(?:default_rng|SeedSequence|PCG64|Philox|Random)\(\)"
    r"|(?<![\w.])random\.(?=\w)(?!default_rng|Generator|SeedSequence|BitGenerator|PCG64|Philox|Random)",
    re.MULTILINE,
)
"""Imports without names, pickle, and random numbers without a seed.

Ruff's NPY002 finds unseeded calls of ``numpy.random``.
"""


def test_no_pickle_no_random_number_without_a_seed_no_import_without_names():
    wrong = {
        name_of(path): found
        for path in SOURCES
        if (found := FORBIDDEN.findall(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}


DOCUMENTS = {".md", ".cff"}
"""Suffixes of files that may link to papers, parts and projects."""
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
            # Device files name their sources, as documents do.
            told = path.suffix in DOCUMENTS or path.parent.name == "devices"
            bare = DOCUMENT_LINK.sub("", line) if told else line
            if REGISTRIES.search(line) or HOST.search(bare):
                found.append(f"{name_of(path)}:{number}")
    assert found == []
