"""The controller's commands as LiteDRAM's model of an SDRAM has them: its words, its rules, its
times of parts. It has no pins, so neither the clocks to a word nor who drives are its matter.
"""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from allspin.hdl.parameters.sdram_parameters import SLOWEST_64M, SLOWEST_256M, SdramParameters
from tests.hdl.resident import data_sheet, test_sdram
from tests.hdl.resident.test_sdram import SHEETS, run, traffic

pytestmark = pytest.mark.tool("litedram_gen")

LINES = ("ras", "cas", "we", "bank", "address", "word")
PARTS = {"MT48LC16M16": SLOWEST_256M, "M12L64322A": SLOWEST_64M}

LITEDRAM = """
import json
import sys
from litedram import modules
from litedram.phy import model
from migen import Signal, run_simulation

NOT_RULES = (
    "WR->RD",  # its own controller's: by the data sheets a read may follow a write at once
    "tREFI violation (64ms",  # complains of refreshes that come early
)
name, frequency, rows, columns, pins, width, commands = json.load(sys.stdin)
counts, found, broken = [], [], {}

def display(text, *_):  # Migen's simulator prints no integers: count instead
    said = text.split("] ", 1)[1]
    if "violation" not in said or said.startswith(NOT_RULES):
        return []
    counts.append((said.split()[0], Signal(16)))
    return counts[-1][1].eq(counts[-1][1] + 1)

model.Display = display
part = type(name, (getattr(modules, name),), {"nrows": rows, "ncols": columns})(frequency, "1:1")
part.geom_settings.addressbits = pins
levels = {"we_granularity": 0, "verbosity": model.SDRAM_VERBOSE_DBG + 1}
memory = model.SDRAMPHYModel(part, data_width=width, clk_freq=frequency, **levels)

def replay():
    port = memory.dfi.p0
    yield port.cs_n.eq(0)
    lines = [port.ras_n, port.cas_n, port.we_n, port.bank, port.address, port.wrdata]
    for ras, cas, we, *place in commands:
        for line, value in zip(lines, [1 - ras, 1 - cas, 1 - we, *place]):
            yield line.eq(value)
        yield
        if (yield port.rddata_valid):
            found.append((yield port.rddata))
    for rule, count in counts:
        broken[rule] = broken.get(rule, 0) + (yield count)

run_simulation(memory, replay())
print(json.dumps([found, broken]))
"""


def complaints(patch, name: str, parameters: SdramParameters) -> set[str]:
    """Rules that LiteDRAM's part finds broken in traffic and a pause; words must come back."""
    commands: list[list[int]] = []

    class Memory(data_sheet.Memory):
        def clock(self, pins: dict[str, int]) -> int | None:
            if commands or pins["ras"]:
                commands.append([pins[line] for line in LINES])
            return super().clock(pins)

    patch.setattr(test_sdram, "Memory", Memory)
    there = traffic(parameters, 40, 2)
    again = [(address, -1) for address, _ in there if address >= 0]
    accesses = [*there, *again, (-parameters.refresh, 0)]
    run(parameters, SHEETS["W9825G6KH-6"], parameters.frequency, accesses)
    held: dict[int, int] = {}
    words = []
    for address, word in accesses:
        if word < 0:
            words.append(held.get(address, 0))
        else:  # or a pause, at no address
            held[address] = word
    sizes = 1 << parameters.row_bits, 1 << parameters.column_bits, parameters.pins, parameters.width
    # LiteDRAM may have an environment of its own.
    python = str(Path(str(shutil.which("litedram_gen"))).resolve().parent / "python")
    told = json.dumps([name, parameters.frequency, *sizes, commands])
    said = subprocess.check_output([python, "-c", LITEDRAM], input=told, text=True)
    found, broken = json.loads(said)
    assert found == words
    return {rule for rule, count in broken.items() if count}


@pytest.mark.parametrize("name", PARTS)
def test_litedrams_model_complains_of_nothing(name, monkeypatch):
    few = replace(PARTS[name], row_bits=3, column_bits=4, power_up=0.0)
    parameters = SdramParameters.of(few, 95_000_000, way=3)
    assert not complaints(monkeypatch, name, parameters)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("ACT->RD", {"rcd": 1}),
        ("PRE->ACT", {"rp": 1}),
        ("REF->ACT", {"rfc": 4}),
        ("WR->PRE", {"wr": 1}),
        ("tREFI", {"refresh": 700}),
    ],
)
def test_litedrams_model_complains_of_a_wrong_time(rule, wrong, monkeypatch):
    few = replace(SLOWEST_256M, row_bits=3, column_bits=4, power_up=0.0)
    parameters = SdramParameters.of(few, 75_000_000, way=3)
    parameters = replace(parameters, **{"refresh": 60, **wrong})
    assert rule in complaints(monkeypatch, "MT48LC16M16", parameters)
