"""Record the results of all or of named scenarios anew: `python -m tests.net [NAME ...]`."""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.conftest import Machine
from tests.net.gateware import DIGESTS
from tests.net.record import RECORDED, SCENARIOS, differences, rounding, run_scenario


def main(names: list[str]) -> None:
    """Record, and print the differences from the former record."""
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    if names and rounding() != recorded["rounding"]:
        sys.exit("this computer rounds otherwise than that of the record: record all of it")
    recorded["rounding"] = rounding()
    with tempfile.TemporaryDirectory() as folder:
        # The PATH of the tests: texts of builds about tools, and Verilog, differ between tools.
        os.environ["PATH"] = Machine(os.environ["PATH"], Path(folder)).bare_path
        _record(names, recorded)


def _record(names: list[str], recorded: dict[str, Any]) -> None:
    for name in names or [*SCENARIOS, *DIGESTS]:
        begin = _processor_time()
        if name in DIGESTS:
            found = DIGESTS[name]()
        else:
            with tempfile.TemporaryDirectory() as scratch:
                found = run_scenario(name, Path(scratch) / name)
        print(f"{name}: {_processor_time() - begin:.0f} s of processor time", flush=True)
        for line in differences(recorded.get(name) or found, found):
            print(f"  {line[:200]}")
        recorded[name] = found
        _save(recorded)


def _save(recorded: dict[str, Any]) -> None:
    """A line for each command, so that changes can be read and merged."""
    texts = []
    for name in ("rounding", *DIGESTS, *SCENARIOS):
        value = recorded.get(name)
        text = json.dumps(value, indent=1)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(json.dumps(step) for step in value) + "\n]"
        texts.append(f"{json.dumps(name)}: {text}")
    RECORDED.write_text("{\n" + ",\n".join(texts) + "\n}\n")


def _processor_time() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_utime for who in whose)


if __name__ == "__main__":
    main(sys.argv[1:])
