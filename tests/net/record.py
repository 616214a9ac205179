"""Run command lines and keep the results that are equal in each run, as in `recorded.json`."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
RECORDED = FOLDER / "recorded.json"
SCENARIOS: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "commands.toml").read_text())

VOLATILE = re.compile(r"(\w+_)?seconds|(\w+_)?images_per_second|commit|yosys|versions?|ports")
"""Keys whose values differ from run to run, or between computers."""
VOLATILE_UNITS = ("s", "images/s")
"""Units of rows of printed tables that differ from run to run."""
SOURCE = re.compile(r"(\w+/)+\w+\.py")
"""A place in the sources that a text names."""
SHOWN = {".png", ".svg", ".pdf", ".html", ".md", ".fst", ".txt"}
"""Files for people, whose look may change: only their presence and emptiness count."""
TIMED = ("types.csv",)
"""Tables that have seconds in a column."""
UNSEEN = {"cache", "__pycache__", "results"}
"""Folders of files that are kept for a later run."""
LONGEST = 24
"""Entries of a list that are recorded one by one; of a longer one a digest is."""


def run_scenario(name: str, folder: Path) -> list[dict[str, Any]]:
    """Run each line of a scenario in a new folder; return its output and its files."""
    scenario = SCENARIOS[name]
    shutil.copytree(FOLDER / "inputs", folder, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {k: v for k, v in os.environ.items() if k != "ALLSPIN_EXTENSIONS"}
    environment |= scenario.get("environment", {})
    steps = []
    for line in scenario["run"].strip().splitlines():
        before = _stamps(folder)
        program, *words = shlex.split(line)
        words = ["-m", "allspin", *words] if program == "allspin" else words
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = _said(done.stdout.replace(str(folder), "FOLDER"))
        step = {"line": line, "status": done.returncode} | said
        if done.returncode not in (0, 1):
            step["errors"] = len(re.findall(r"(?m)^\S.*(?<!\.\.\.)$", done.stderr))
        after = _stamps(folder)
        changed = sorted(path for path, stamp in after.items() if before.get(path) != stamp)
        if changed:
            step["files"] = {str(path): digest_of(folder / path) for path in changed}
        steps.append(step)
    return outlines(steps) if scenario.get("outline") else steps


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Times and sizes of the files of a folder."""
    found = {}
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if path.is_file() and not UNSEEN.intersection(place.parts):
            found[place] = (path.stat().st_mtime_ns, path.stat().st_size)
    return found


def _said(text: str) -> dict[str, Any]:
    """The JSON object or the untimed rows of a table on stdout; of prose, only its presence."""
    try:
        return {"json": steady(json.loads(text))}
    except ValueError:
        rows = [line for line in text.splitlines() if "\t" in line and line[0] != "#"]
        kept = [row for row in rows if row.rpartition("\t")[2] not in VOLATILE_UNITS]
        return {"table": shortened(kept)} if kept else {"text": bool(text)}


def steady(value: Any) -> Any:
    """A JSON value without entries that differ from run to run; long lists become digests."""
    if isinstance(value, dict):
        value = {k: "volatile" if VOLATILE.fullmatch(k) else steady(v) for k, v in value.items()}
        # Images that are streamed wait for the host now and then: a hundredth of a cycle each.
        return {k: round(v) if k == "cycles_per_image" and v else v for k, v in value.items()}
    if isinstance(value, list):
        return shortened([steady(entry) for entry in value])
    return SOURCE.sub("SOURCE", value) if isinstance(value, str) else value


def shortened(values: list[Any]) -> Any:
    """A list, or its length and digest where it is long."""
    if len(values) <= LONGEST and len(json.dumps(values)) < 6000:
        return values
    return f"{len(values)} entries, {_digest(json.dumps(values, sort_keys=True).encode())}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def digest_of(path: Path) -> str:
    """A digest of a file's content without its sources, times and names."""
    content = path.read_bytes()
    if path.suffix in SHOWN or path.name in TIMED:
        return "some" if content else "empty"
    if path.suffix == ".json":
        content = json.dumps(steady(json.loads(content)), sort_keys=True).encode()
    elif path.suffix in (".v", ".sv"):
        content = "\n".join(sorted(_nameless(content.decode()))).encode()
    elif path.suffix == ".cir":
        content = re.sub(rb"(?m)^\*.*\n", b"", content)
    elif path.suffix == ".npz":
        with np.load(path) as arrays:  # an archive has the time at which it was written
            described = [(name, arrays[name]) for name in sorted(arrays)]
            content = b"".join(f"{n} {a.dtype}".encode() + a.tobytes() for n, a in described)
    return _digest(content)


def _nameless(verilog: str) -> Iterator[str]:
    """Lines of Verilog without comments, places in sources, and names, which may change."""
    bare = re.sub(r"\(\*.*?\*\)|//[^\n]*|/\*.*?\*/", "", verilog, flags=re.DOTALL)
    for line in bare.splitlines():
        if words := line.split():
            yield re.sub(r"\\\S+|(?<![\w'])[A-Za-z_]\w*", "_", " ".join(words))


def outlines(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results of lines without their values: keys and names of files are left."""
    told = ("json", "table", "files")
    return [step | {key: _outline(step[key]) for key in told if key in step} for step in steps]


def _outline(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _outline(entry) for key, entry in value.items()}
    return "a value"


def rounding() -> str:
    """A digest of how this kind of computer rounds: on another one networks train to others."""
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(size=(512, 784)), rng.normal(size=(784, 100)).astype(np.float32)
    sums = rows.astype(np.float32) @ columns
    return _digest(
        b"".join(x.tobytes() for x in (sums, rows @ columns, np.exp(rows), np.tanh(sums)))
    )


def differences(recorded: Any, found: Any, where: str = "") -> Iterator[str]:
    """A line for each value that is not as recorded."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*recorded, *found]):
            pair = (recorded.get(key, "nothing"), found.get(key, "nothing"))
            yield from differences(*pair, f"{where}/{key}")
    elif isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        for number, pair in enumerate(zip(recorded, found, strict=True)):
            yield from differences(*pair, f"{where}/{number}")
    elif repr(recorded) != repr(found):  # 1 is not 1.0
        yield f"{where}: {recorded!r} was recorded, and it is {found!r}"
