"""The cocotb test behind ``allspin sim``: stream images, and note what came."""

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb

from allspin.hdl.bench.drivers import clocks, start_clock
from allspin.hdl.bench.engine_bench import SETTLE, EngineBench
from allspin.hdl.bench.simulator import SimulationJob

RESULT = "session.json"
"""What was found, in the job's folder."""
PROGRESS = "progress.txt"
"""How many of how many images were taken, in the job's folder."""
CHUNK = 8
"""Images between two notes of progress."""


def _note(folder: Path, name: str, text: str) -> None:
    """Write a file whole, since it is read meanwhile."""
    (folder / f"{name}.new").write_text(text)
    (folder / f"{name}.new").rename(folder / name)


@cocotb.test()
async def stream_images(dut: Any) -> None:
    """Stream the job's images and write what was found; wrong logits do not fail it."""
    job = SimulationJob.of_this_simulation()
    bench = EngineBench(dut, job.network, job.engine, stalls=job.options["stalls"])
    await start_clock(dut)
    await bench.program()
    starter = os.getppid()
    start = time.perf_counter()
    for first in range(0, len(job.images), CHUNK):
        assert os.getppid() == starter, "whoever started this has gone"
        _note(job.folder, PROGRESS, f"{first} {len(job.images)}")
        bench.send(job.images[first : first + CHUNK])
        await bench.events.drained(bench.patience)
    await bench.answered()
    seconds = time.perf_counter() - start
    await clocks(SETTLE)
    cycles, answered = await bench.read_counters()
    found = {
        "images": answered,
        "logits_compared": bench.logits.received,
        "mismatches": len(bench.logits.mismatches),
        "first_mismatch": next(iter(bench.logits.mismatches), None),
        "cycles_per_image": cycles / answered if answered else None,
        "seconds": seconds,
    }
    _note(job.folder, RESULT, json.dumps(found))
