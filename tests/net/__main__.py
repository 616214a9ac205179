"""Record anew what commands do: all, or those that are named.

.venv/bin/python -m tests.net [NAME ...]
"""

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.net.gateware import DIGESTS
from tests.net.inputs import make_inputs
from tests.net.record import RECORDED, SCENARIOS, differences, rounding, run_scenario


def main(names: list[str]) -> None:
    """Record, and print what is another now."""
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    found: dict[str, Any] = {"rounding": rounding()}
    with tempfile.TemporaryDirectory() as scratch:
        make_inputs(Path(scratch) / "inputs")
        for name in names or [*SCENARIOS, *DIGESTS]:
            begin = _processor_time()
            if name in DIGESTS:
                found[name] = DIGESTS[name]()
            else:
                found[name] = run_scenario(name, Path(scratch) / "inputs", Path(scratch) / name)
            print(f"{name}: {_processor_time() - begin:.0f} s of processor time", flush=True)
            for line in differences(recorded.get(name), found[name]) if name in recorded else ():
                print(f"  {line}")
    kept = {name: (recorded | found).get(name) for name in ["rounding", *DIGESTS, *SCENARIOS]}
    # A line for each command, so that changes can be read and merged.
    texts = [f"{json.dumps(name)}: {_lines(value)}" for name, value in kept.items() if value]
    RECORDED.write_text("{\n" + ",\n".join(texts) + "\n}\n")


def _processor_time() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_utime for who in whose)


def _lines(value: list | dict | str) -> str:
    if not isinstance(value, list):
        return json.dumps(value, indent=1)
    return "[\n" + ",\n".join(json.dumps(step) for step in value) + "\n]"


main(sys.argv[1:])
