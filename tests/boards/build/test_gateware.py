"""Digest of a machine: it depends on the logic, and not on the names of the parts."""

import random
import re
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth_boards.icebreaker import ICEBreakerPlatform

from allspin.boards.build import gateware
from allspin.boards.build.gateware import anonymous, gateware_digest, gateware_of
from allspin.boards.top import Top, TopParameters
from allspin.hdl.cache import VARIABLE
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.network.random_network import random_network

ROOT = Path(__file__).resolve().parents[3]


CHIPS = HardwareProfile(lanes=2, variation=VariationParameters(rounds_per_clock=1))
PROFILES = [
    pytest.param(HardwareProfile(lanes=2), id="plain"),
    pytest.param(
        HardwareProfile(lanes=2, rows_per_clock=2, memory="ecp5"), id="ecp5", marks=pytest.mark.long
    ),
    pytest.param(CHIPS, id="chips", marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=PROFILES)
def machine(request):
    """A whole machine, small, as RTLIL."""
    parameters = TopParameters.from_network(random_network((6, 4, 3), 0), request.param)
    return rtlil.convert(Top(parameters), name="machine", emit_src=False)


def renamed(text: str) -> str:
    """Every name that is the machine's own is another one; the whole's ports keep theirs."""
    kinds = ("module", "wire", "memory", "cell", "process")
    declared = {line.split()[-1] for line in text.splitlines() if line.strip().startswith(kinds)}
    whole = text[: text.index("\nend\n")]
    declared -= set(re.findall(r"(?:input|output) \d+ +(\S+)$", whole, re.MULTILINE))
    names = random.Random(1).sample(sorted(declared), len(declared))
    table = {name: f"\\n{number}" for number, name in enumerate(names)}
    lines = []
    for line in text.splitlines():
        if "\\MEMID" in line:
            head, name, _ = line.replace("\\\\", "\\").split('"')
            line = f'{head}"\\{table[name]}"'
        elif not line.strip().startswith(("attribute", "parameter")):
            line = re.sub(r"(?<!\S)[\\$]\S+", lambda match: table.get(match[0], match[0]), line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def test_a_whole_machine_under_other_names_is_the_same(machine):
    other = renamed(machine)
    assert other != machine
    assert gateware_digest(other) == gateware_digest(machine)


LOGIC = {
    "another cell": (r"cell \$(add|eq|and) ", lambda m: "cell $xor "),
    "a bit of a constant": (r"(?<= \d')[01]+(?=\n)", lambda m: m[0][:-1] + "10"[int(m[0][-1])]),
    "another bit of a signal": (r"\[(\d+)\](?=\n)", lambda m: f"[{int(m[1]) + 1}]"),
    "a first value": (r"(?<=attribute \\init \d')[01]+", lambda m: "10"[int(m[0][0])] + m[0][1:]),
    "an edge": (r"(?<=CLK_POLARITY )1", lambda m: "0"),
    "a case": (r"(?<=case \d')[01]", lambda m: "10"[int(m[0])]),
    "a width": (r"(?<=wire width )\d+", lambda m: str(int(m[0]) + 1)),
    "the size of a memory": (r"(?<= size )\d+", lambda m: str(int(m[0]) + 1)),
}


def is_used(text: str, place: int) -> bool:
    """True if the text at a place is of a cell or a process, or of a wire that one of them has.

    A second name for a signal of another module is no logic.
    """
    begin = text.rindex("\n", 0, place) + 1
    line = text[begin : text.index("\n", place)]
    if line.startswith("  attribute"):
        line = text[begin:].partition("\n  wire ")[2].partition("\n")[0]
    elif not line.startswith("  wire "):
        return line.startswith("  ")
    module = text[text.rindex("\nmodule ", 0, place) : text.index("\nend\n", place)]
    inner = "\n".join(line for line in module.splitlines() if line.startswith("    "))
    # A child's ports may be called as a wire is here.
    inner = re.sub(r"connect \S+ ", "", inner)
    return line.split()[-1] in re.findall(r"[\\$]\S+", inner)


@pytest.mark.parametrize("what", LOGIC)
def test_each_change_of_a_whole_machines_logic_counts(machine, what):
    pattern, change = LOGIC[what]
    before = gateware_digest(machine)
    places = [match for match in re.finditer(pattern, machine) if is_used(machine, match.start())]
    assert places
    for match in random.Random(2).sample(places, min(len(places), 10)):
        text = machine[: match.start()] + change(match) + machine[match.end() :]
        assert gateware_digest(text) != before, machine[match.start() - 80 : match.end() + 80]


def test_swapped_signals_count(machine):
    before = gateware_digest(machine)
    swaps = 0
    for block in re.finditer(r"cell \$(?:sub|mux|lt|gt) [^@]*?\n  end\n", machine):
        first, second = re.findall(r"connect \\[AB] (.*)", block[0])
        if first == second or swaps == 10:
            continue
        swaps += 1
        cell = block[0].replace(f"\\A {first}\n", f"\\A {second}\n")
        cell = cell.replace(f"\\B {second}\n", f"\\B {first}\n")
        text = machine[: block.start()] + cell + machine[block.end() :]
        assert gateware_digest(text) != before
    assert swaps


def test_a_text_that_amaranth_does_not_write_is_refused():
    with pytest.raises(ValueError, match="not what Amaranth writes: 'sync posedge"):
        list(anonymous("module \\top\n  sync posedge \\clk\nend\n"))


def test_a_build_remembers_which_gateware_it_is(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    parameters = tiny(ICEBreakerPlatform)
    made = []
    real = gateware.machine_text

    def text(*arguments):
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(gateware, "machine_text", text)
    found = gateware_of(parameters)
    assert gateware_of(parameters) == found
    assert len(made) == 1
    # Another clock is another machine: its identity tells it.
    assert gateware_of(tiny(frequency=24_000_000)) != found
    monkeypatch.setattr(gateware, "sources_digest", lambda: "other sources")
    assert gateware_of(parameters) == found
    assert len(made) == 3
