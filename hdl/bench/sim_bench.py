"""The cocotb test behind ``allspin sim``: stream images, and write the result into the job."""

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb

from allspin.hdl.bench.clock import clocks, start_clock
from allspin.hdl.bench.engine_bench import SETTLE, EngineBench
from allspin.hdl.bench.job import SimulationJob

RESULT = "session.json"
"""File of the result in the job's folder."""
PROGRESS = "progress.txt"
"""File in the job's folder with the number of images taken, and of all."""
CHUNK = 8
"""Images between two updates of the progress."""


def _write(folder: Path, name: str, text: str) -> None:
    """Write a file in one step, since another process reads it meanwhile."""
    (folder / f"{name}.new").write_text(text)
    (folder / f"{name}.new").rename(folder / name)


@cocotb.test()
async def stream_images(dut: Any) -> None:
    """Stream the job's images and write the result; wrong logits do not fail the test."""
    job = SimulationJob.of_this_simulation()
    bench = EngineBench(dut, job.network, job.engine, stalls=job.options["stalls"])
    await start_clock(dut)
    await bench.program()
    starter = os.getppid()
    start = time.perf_counter()
    for first in range(0, len(job.images), CHUNK):
        assert os.getppid() == starter, "whoever started this has gone"
        _write(job.folder, PROGRESS, f"{first} {len(job.images)}")
        bench.send(job.images[first : first + CHUNK])
        await bench.events.drained(bench.patience)
    await bench.answered()
    seconds = time.perf_counter() - start
    await clocks(SETTLE)
    cycles, answered = await bench.read_counters()
    result = {
        "images": answered,
        "logits_compared": bench.logits.received,
        "mismatches": len(bench.logits.mismatches),
        "first_mismatch": next(iter(bench.logits.mismatches), None),
        "cycles_per_image": cycles / answered if answered else None,
        "seconds": seconds,
    }
    _write(job.folder, RESULT, json.dumps(result))
