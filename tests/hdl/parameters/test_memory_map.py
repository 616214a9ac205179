"""The memories of an engine, by the tables of ``docs/protocol.md``."""

from dataclasses import replace

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import MemoryMap, memory_map
from allspin.hdl.parameters.profile import ResidentParameters, VariationParameters
from tests.hdl.parameters.test_engine_parameters import ENGINE


def test_memory_map_of_mnist() -> None:
    assert memory_map(ENGINE) == (
        MemoryMap(space=0x00, lines=784, line_bytes=100),
        MemoryMap(space=0x01, lines=256, line_bytes=1),
        MemoryMap(space=0x02, lines=100, line_bytes=4),
        MemoryMap(space=0x03, lines=1, line_bytes=1),
        MemoryMap(space=0x04, lines=2, line_bytes=8),
        MemoryMap(space=0x10, lines=100, line_bytes=10),
        MemoryMap(space=0x14, lines=2, line_bytes=8),
        MemoryMap(space=0xF4, lines=2, line_bytes=8),
    )


def test_memory_map_of_chips_and_resident_images() -> None:
    """By the tables of ``docs/protocol.md``; 300 rows of 4-bit values sum up to 21 bits."""
    engine = EngineParameters(
        (
            CrossbarParameters(9, 300, 300, neurons_per_clock=2, rows_per_clock=2),
            CrossbarParameters(300, 10, 10, rows_per_clock=2),
        ),
        current_bits=5,
        variation=VariationParameters(states=10, redraw=True),
        resident=ResidentParameters(beats=77, images=5),
    )
    written = {memory.space: memory for memory in memory_map(engine)}
    assert {space: (m.lines, m.line_bytes) for space, m in written.items()} == {
        0x00: (9, 300), 0x01: (32, 1), 0x02: (300, 4), 0x03: (1, 1), 0x04: (2, 8),
        0x05: (9, 300), 0x06: (32, 8), 0x07: (1, 4),
        0x10: (300, 10), 0x14: (2, 8), 0x15: (300, 10), 0x16: (32, 8),
        0xF4: (2, 8), 0xF5: (1, 12), 0xF6: (1, 1),
        0xF7: (77, 5), 0xF8: (5, 2), 0xF9: (1, 16), 0xFA: (5, 10 * 3 + 2),
    }  # fmt: skip
    unreadable = {space for space, m in written.items() if not m.readable}
    assert unreadable == {0x05, 0x06, 0x07, 0x15, 0x16, 0xF5, 0xF6}
    quiet = replace(engine, variation=VariationParameters(10, use_noise=False), resident=None)
    spaces = {memory.space for memory in memory_map(quiet)}
    assert spaces == written.keys() - {0x07, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA}
    sums = replace(engine, variation=VariationParameters(10, sum_noise=True))
    more = {m.space: (m.lines, m.line_bytes, m.readable) for m in memory_map(sums)}
    assert {space: more[space] for space in more.keys() - written.keys()} == {
        0x08: (1, 4, False), 0x09: (300, 8, False),
        0x18: (1, 4, False), 0x19: (10, 8, False),
    }  # fmt: skip


def test_a_neuron_without_a_table_has_no_table_memory() -> None:
    spaces = {memory.space for memory in memory_map(replace(ENGINE, neuron="relu"))}
    assert spaces == {0x00, 0x02, 0x03, 0x04, 0x10, 0x14, 0xF4}
