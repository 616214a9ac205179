"""The virtual board's SDRAM keeps words, and ends the process at each breach of its times."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual import build as building
from allspin.boards.virtual.build import SDRAM, SDRAM_TIMES, compiler
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import VIRTUAL_SDRAM
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_images, random_network

PINS, WIDTH, CAS, WAY = 13, 16, 3, 2
TIMES = {"rcd": 3, "rp": 2, "ras": 6, "rfc": 8, "wr": 2, "refresh": 90}
HARNESS = """
#include "sdram.h"
int main() {
	Sdram memory{SdramTimes{%s}};
	unsigned long long wires;
	while (scanf("%%llx", &wires) == 1) {
		printf("%%u\\n", memory.read());
		memory.clock(wires);
	}
}
"""


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """A process that takes wires, a clock cycle a line, and prints the word read in that cycle."""
    folder: Path = tmp_path_factory.mktemp("sdram")
    own = {"width": WIDTH, "row_bits": 13, "column_bits": 9, "pins": PINS, "cas": CAS, "way": WAY}
    times = ",".join(str((own | TIMES)[name]) for name in SDRAM_TIMES)
    (folder / "main.cpp").write_text(HARNESS % times)
    program = folder / "memory"
    tool = [*compiler(), "-std=c++17", f"-I{SDRAM.parent}", str(folder / "main.cpp")]
    subprocess.run([*tool, "-o", str(program)], check=True)
    return program


LEAST = {
    "before_refresh": TIMES["rp"],
    "refreshes": TIMES["rfc"],
    "count": 8,
    "mode": 2,
    "activated_to_write": TIMES["rcd"],
    "written_to_precharge": TIMES["wr"] + 1,  # the row was open for too short a time else
    "precharged": TIMES["rp"],
    "open": TIMES["ras"],
}
"""Clock cycles between commands, and number of refreshes before the mode."""


def command(number, bank=0, address=0, data=None):
    wires = number | bank << 3 | address << 5
    return wires if data is None else wires | data << 5 + PINS | 1 << 5 + PINS + WIDTH


def commands(short=(), mode=CAS << 4, banks=1 << 10, driven=0x1234, later=0, bank=2):
    """Power-up, a word written to a row, and read from it after it was closed."""
    gaps = SimpleNamespace(**LEAST | dict(short))

    def waits(clocks):
        return [0] * (clocks - 1)

    wires = [0, command(5, address=1 << 10), *waits(gaps.before_refresh)]
    wires += [command(3), *waits(gaps.refreshes)] * gaps.count
    wires += [0 if mode is None else command(7, address=mode), *waits(gaps.mode)]
    wires += [command(1, 2, 77), *waits(gaps.activated_to_write), command(6, bank, 5, driven)]
    wires += [*waits(gaps.written_to_precharge), command(5, address=banks)]
    wires += [*waits(gaps.precharged), command(1, 2, 77), *waits(gaps.open - 2)]
    wires += [command(2, 2, 5), 0, command(5, address=1 << 10), *waits(TIMES["rp"])]
    return [*wires, *[0] * later, command(3), *[0] * 9]


def answer(memory, wires):
    lines = "".join(f"{each:x}\n" for each in wires)
    return subprocess.run([memory], input=lines, capture_output=True, text=True, check=False)


def test_least_times_are_kept_and_the_word_is_there_after_its_latency(memory):
    wires = commands()
    found = answer(memory, wires)
    assert (found.returncode, found.stderr) == (0, "")
    read = next(at for at, each in enumerate(wires) if each & 7 == 2)
    words = [int(line) for line in found.stdout.split()]
    # The bus floats before and after, with other values.
    assert words[read + CAS + WAY - 1] == 0x1234
    assert 0x1234 not in words[read : read + CAS + WAY - 1]


@pytest.mark.parametrize(
    ("short", "said"),
    [
        ({"before_refresh": TIMES["rp"] - 1}, "tRP"),
        ({"refreshes": TIMES["rfc"] - 1}, "tRFC"),
        ({"count": 7}, "mode"),
        ({"mode": 1}, "tMRD"),
        ({"activated_to_write": TIMES["rcd"] - 1}, "tRCD"),
        ({"activated_to_write": 9, "written_to_precharge": TIMES["wr"] - 1}, "tRAS or tWR"),
        ({"precharged": TIMES["rp"] - 1}, "tRP"),
        ({"open": TIMES["ras"] - 1}, "tRAS or tWR"),
    ],
)
def test_a_clock_less_ends_the_process(memory, short, said):
    found = answer(memory, commands(short))
    assert found.returncode == 1
    assert f"the simulated SDRAM: {said} at clock" in found.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": None}, "tRC"),
        ({"mode": 2 << 4}, "mode"),
        ({"mode": CAS << 4 | 7}, "mode"),
        ({"bank": 1}, "tRCD"),
        ({"banks": 0}, "not all banks"),
        ({"driven": None}, "driven"),
        ({"later": TIMES["refresh"]}, "a refresh is late"),
    ],
)
def test_a_command_that_the_controller_must_not_give_ends_the_process(memory, options, said):
    found = answer(memory, commands(**options))
    assert found.returncode == 1
    assert f"the simulated SDRAM: {said} at clock" in found.stderr


@pytest.mark.long
def test_a_machine_whose_memory_is_slower_than_its_controller_thinks_is_one_line(monkeypatch):
    """The memory's tRCD is the controller's tRFC."""
    monkeypatch.setattr(
        building, "SDRAM_TIMES", ["rfc" if name == "rcd" else name for name in SDRAM_TIMES]
    )
    network = random_network((64, 8, 3), 1)
    program = building.build(
        TopParameters.from_network(network, HardwareProfile(resident=VIRTUAL_SDRAM))
    )
    with LinkedMachine(VirtualTransport(program)) as device:
        device.load(network)
        with pytest.raises(UserError, match=r"SDRAM: tRCD at clock \d+\)$"):
            device.resident_images().run_all(random_images(network, 20, 1), [0] * 20)
