"""What is loaded: every memory of the engine whole, as payloads in bits."""

import numpy as np
import pytest
from amaranth.hdl import Const, signed
from amaranth.lib import data
from hypothesis import given
from hypothesis import strategies as st

from allspin.hdl.export import PayloadCode, load_beats, network_contents
from allspin.hdl.parameters.engine import EngineParameters, memory_map
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_networks import random_network

NETWORKS = {
    "sot": random_network((11, 5, 4, 3), 7, current_bits=6),
    "relu": random_network((11, 5, 3), 8, neuron=ReluNeuron()),
    "one layer": random_network((6, 3), 9),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_memory_but_the_counters_is_filled(name):
    network = NETWORKS[name]
    memories = memory_map(EngineParameters.from_network(network))
    wanted = [(m.space, m.lines, m.line_bytes) for m in memories if m.space & 15 != 4]
    contents = network_contents(network)
    assert [(c.space, len(c.lines), len(c.lines[0])) for c in contents] == wanted
    assert all(len({len(line) for line in c.lines}) == 1 for c in contents)


def test_lines_are_what_the_protocol_says():
    network = NETWORKS["sot"]
    by_space = {contents.space: contents.lines for contents in network_contents(network)}
    for number, layer in enumerate(network.layers):
        for row, line in enumerate(by_space[number << 4]):
            words = [byte - 256 if byte > 127 else byte for byte in line]
            assert words == [int(layer.levels[state]) for state in layer.states[row]]
    layer = network.layers[1]
    assert layer.table is not None
    assert layer.converter is not None
    assert b"".join(by_space[0x11]) == bytes(int(entry) for entry in layer.table)
    for column, line in enumerate(by_space[0x12]):
        assert int.from_bytes(line[:2], "little") == layer.converter.gains[column]
        assert int.from_bytes(line[2:], "little", signed=True) == layer.converter.offsets[column]
    assert by_space[0x13] == (bytes([layer.converter.shift]),)


def test_offsets_of_either_sign_are_among_them():
    converters = [layer.converter for layer in NETWORKS["sot"].layers]
    offsets = np.concatenate([c.offsets for c in converters if c is not None])
    assert offsets.min() < 0 < offsets.max()


def test_beats_start_a_memory_once():
    contents = network_contents(NETWORKS["sot"])[2]
    beats = list(load_beats(contents))
    assert [beat[4] for beat in beats] == list(b"".join(contents.lines))
    assert [beat[:4] for beat in beats[:2]] == [(0, 2, 1, 0), (0, 2, 0, 0)]
    assert sum(beat[2] for beat in beats) == 1


LAYOUT = data.StructLayout({"one": 1, "none": 0, "level": signed(5), "row": range(100)})
CODE = PayloadCode(LAYOUT)


@given(st.integers(0, 1), st.integers(-16, 15), st.integers(0, 127))
def test_bits_are_amaranths(one, level, row):
    constant = LAYOUT.const({"one": one, "none": 0, "level": level, "row": row})
    bits = CODE.pack(one=one, level=level, row=row)
    assert bits == Const.cast(constant).value
    assert CODE.unpack(bits) == {"one": one, "none": 0, "level": level, "row": row}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"level": 16}, "level must be from -16 to 15, not 16"),
        ({"level": -17}, "level must be from -16 to 15, not -17"),
        ({"row": 128}, "row must be from 0 to 127, not 128"),
        ({"none": 1}, "none must be from 0 to 0, not 1"),
        ({"column": 1}, "the payload has one, none, level, row, but no column"),
    ],
)
def test_what_does_not_fit_is_refused(members, message):
    with pytest.raises(ValueError, match=message):
        CODE.pack(**members)
