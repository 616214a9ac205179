"""The identity: byte by byte as documented, and the networks that fit it."""

import dataclasses
import struct

import pytest
from hypothesis import example, given, settings, strategies as st

from allspin.hdl.link.protocol import Feature, LinkParameters, identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.host.link.identity import Identity, LayerIdentity
from allspin.host.link.memories import other_memories
from allspin.sim.errors import UserError
from allspin.sim.network.layer_kinds import DENSE, Convolution
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_network import random_network
from tests.sim.network.any_network import in_tiles

BODY = bytes.fromhex(
    "4153504e 03 02 001bb700 0008 04 03 08 09".replace(" ", "")
    + "736f740000000000"
    + "07 07 16 0e 0140 f401".replace(" ", "")
    + "1003 6400 6400 15 01".replace(" ", "")
    + "6400 0a00 0500 13 02".replace(" ", "")
)


def test_every_field_is_where_the_document_says():
    identity = Identity.parse(BODY)
    assert identity == Identity(
        frequency=12_000_000,
        window=2048,
        pixel_bits=4,
        hidden_bits=3,
        rah_bits=8,
        current_bits=9,
        neuron="sot",
        layers=(LayerIdentity(784, 100, 100, 21, 1), LayerIdentity(100, 10, 5, 19, 2)),
        features=Feature.PROGRAMMER | Feature.REDRAW | Feature.USE_NOISE,
        state_bits=7,
        rounds_per_clock=22,
        resident_beats=16385,
        resident_images=500,
    )
    assert identity.topology == (784, 100, 10)
    assert identity.classes == 10
    assert identity.logit_bytes == 3
    assert str(identity) == (
        "784-100-10, sot neurons, 100/5 lanes, 4-bit pixels, 3-bit hidden, 8-bit R_AH"
    )


TILED = BODY[:24] + b"\x27" + BODY[25:] + bytes.fromhex("07060b00 03041710".replace(" ", ""))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "its identity is not allspin's"),
        (b"ASPX" + BODY[4:], "its identity is not allspin's"),
        (BODY[:20], "its identity is not allspin's"),
        (BODY[:4] + b"\x02" + BODY[5:], "it speaks version 2 of the protocol, this is 3"),
        (BODY[:-1], "its identity has 47 bytes for 2 layers"),
        (BODY + b"\0", "its identity has 49 bytes for 2 layers"),
        (BODY[:12] + b"\x09" + BODY[13:], "pixel_bits must be from 1 to 8, not 9"),
        (BODY[:15] + b"\x20" + BODY[16:], "current_bits must be from 4 to 12, not 32"),
        (BODY[:-16] + b"\xff" * 5 + BODY[-11:-8] + b"\xff" * 2 + BODY[-6:], "4295491575 cells"),
        (TILED[:-4], "its identity has 52 bytes for 2 layers"),
        (TILED + b"\0", "its identity has 57 bytes for 2 layers"),
        (TILED[:-3] + b"\x01\x17\x10", "bits must be from 2 to 24, not 1"),
        (TILED[:-4] + b"\x02\x04\x17\x10", "rows of a tile must be from 8 to 65536, not 4"),
    ],
)
def test_another_identity_is_refused(body, message):
    with pytest.raises(ValueError, match=message):
        Identity.parse(body)


@given(
    st.binary(max_size=60)
    | st.lists(st.tuples(st.integers(4, len(BODY) - 1), st.integers(0, 255)), max_size=6)
)
@example(changes=[(16, 10)])
@example(changes=[(15, 32)])
@settings(deadline=None, max_examples=300)
def test_any_bytes_are_an_identity_or_one_line(changes):
    body = bytearray(BODY)
    if isinstance(changes, bytes):
        body = changes
    else:
        for place, value in changes:
            body[place] = value
    try:
        identity = Identity.parse(bytes(body))
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert "\n" not in str(identity)
    line = identity.mismatch(random_network((784, 100, 10), 0))
    assert line is None or "\n" not in line
    assert all(min(dataclasses.astuple(layer)[:5]) > 0 for layer in identity.layers)


def identity_of(**changes):
    identity = Identity.parse(BODY)
    changes = {"hidden_bits": 4, "current_bits": 8} | changes
    return dataclasses.replace(identity, **changes)


def test_a_network_fits_or_the_line_says_why_not():
    network = random_network((784, 100, 10), 0)
    assert identity_of().mismatch(network) is None
    identity_of().check("the board", network)
    # Wider words hold narrower ones.
    assert identity_of().mismatch(random_network((784, 100, 10), 0, states=8, rah_bits=5)) is None
    for other, line in (
        (random_network((784, 101, 10), 0), "topology up to 784-100-10, not 784-101-10"),
        (random_network((784, 50, 50, 10), 0), "topology up to 784-100-10, not 784-50-50-10"),
        (random_network((784, 100, 10), 0, pixel_bits=8), "pixel bits 4, not 8 or more"),
        (
            random_network((784, 100, 10), 0, hidden_bits=6, current_bits=9),
            "hidden bits 4, not 6 or more; current bits 8, not 9 or more",
        ),
    ):
        with pytest.raises(UserError, match=f"the board was not built for this.*has {line}$"):
            identity_of().check("the board", other)
    narrow = identity_of(rah_bits=5)
    assert narrow.mismatch(network) == "R_AH bits 5, not 8 or more"
    # Narrower ones and smaller ones are fitted in, and a table answers as any neuron does.
    small = random_network((30, 16, 2), 0, neuron=ReluNeuron(), hidden_bits=2, current_bits=6)
    assert identity_of().mismatch(small) is None
    of_logic = identity_of(neuron="relu").mismatch(random_network((784, 100, 10), 0, hidden_bits=3))
    assert of_logic == "hidden bits 4, not 3; neuron relu, not sot"
    # Fewer layers, where it is told how many.
    deep = identity_of(layers=tuple(LayerIdentity(n, n, n, 14, 1) for n in (9, 9, 9)))
    assert deep.mismatch(random_network((9, 8, 7), 0)) == "topology up to 9-9-9-9, not 9-8-7"
    general = dataclasses.replace(deep, features=Feature.GENERAL)
    assert general.mismatch(random_network((9, 8, 7), 0)) is None
    line = general.mismatch(random_network((9, 7), 0))
    assert line == "topology up to 9-9-9 or 9-9-9-9, not 9-7"


def test_neurons_do_not_matter_where_there_are_none():
    identity = identity_of(layers=(LayerIdentity(6, 3, 3, 14, 1),), neuron="relu")
    assert identity.mismatch(random_network((6, 3), 0)) is None


def test_states_are_for_words_that_they_can_stand_for():
    network = random_network((6, 4, 3), 1)
    engine = EngineParameters.from_network(network, HardwareProfile(states=True))
    body = identity_bytes(LinkParameters(engine, window=1024))
    # Ten states from -126 in steps of 28, in either layer.
    assert body[-6:] == bytes([10, 28, 130, 10, 28, 130])
    identity = Identity.parse(body)
    assert Feature.STATES in identity.features
    assert [layer.levels for layer in identity.layers] == [UniformLevels(10, 28, -126)] * 2
    assert identity.mismatch(network) is None
    other = random_network((6, 4, 3), 1, states=16)
    line = "in layer 0 10 states from -126 in steps of 28, which are not this network's R_AH words"
    assert str(identity.mismatch(other)).startswith(line)
    # A layer of words between layers of states has no levels.
    some = Identity.parse(body[:-3] + bytes(3))
    assert [layer.levels is None for layer in some.layers] == [False, True]
    for bad in (b"\x01\x1c\x82", b"\x0a\x00\x82", b"\x0a\x1d\x82"):
        with pytest.raises(ValueError, match="must be from"):
            Identity.parse(body[:-3] + bad)
    with pytest.raises(ValueError, match="its identity has 53 bytes for 2 layers"):
        Identity.parse(body[:-1])


def test_tilings_tell_that_columns_are_read_tile_by_tile():
    """Tilings take four bytes of each layer, behind all other fields."""
    identity = Identity.parse(TILED)
    plain = Identity.parse(BODY)
    first, second = (
        dataclasses.replace(layer, tiling=tiling)
        for layer, tiling in zip(
            plain.layers, (Tiling(128, 6, 11), Tiling(8, 4, 23, offsets=True)), strict=True
        )
    )
    assert identity.layers == (first, second)
    assert (first.tile_rows, second.tile_rows, plain.layers[1].tile_rows) == (128, 8, 100)
    assert Feature.TILES in identity.features
    half = Identity.parse(TILED[:-4] + bytes(4))
    assert half.layers == (first, plain.layers[1])


MAPS = Convolution((9, 8, 2), (3, 2), (2, 1), (1, 0, 2, 1), pool=2)


def test_kinds_of_layers_follow_in_further_features():
    network = random_network((144, 5, 3), 1, kinds=[MAPS], image_shape=(9, 8, 2))
    body = identity_bytes(LinkParameters(EngineParameters.from_network(network)))
    assert body[24] == 0x80
    # A byte of features, and thirteen numbers for each layer: its kind and this one's sizes.
    sizes = struct.pack("<13H", 1, 9, 8, 2, 3, 2, 2, 1, 1, 0, 2, 1, 2)
    assert body[32 + 2 * 8 :] == b"\x01" + sizes + bytes(26)
    identity = Identity.parse(body)
    assert [layer.kind for layer in identity.layers] == [MAPS, DENSE]
    assert identity.topology == network.topology == (144, 40, 3)
    assert identity.layers[0].tile_rows == 144
    assert identity.mismatch(network) is None
    wider = dataclasses.replace(MAPS, stride=(2, 2), pool=1)
    other = random_network((144, 5, 3), 1, kinds=[wider], image_shape=(9, 8, 2))
    assert "in layer 0 kernels of 3 x 2 on maps of 9 x 8 x 2, stride 2 x 1" in str(
        identity.mismatch(other)
    )
    dense = random_network((144, 40, 3), 1)
    assert "maximum of 2 x 2, not all rows at once" in str(identity.mismatch(dense))
    for bad, line in (
        (body[:-1], "its identity has 100 bytes for 2 layers"),
        (body[:48], "its identity has 48 bytes for 2 layers"),
        (body[:48] + b"\x11" + body[49:], "features that this version does not know"),
        (body[:49] + b"\x02" + body[50:], "a kind that this version does not know"),
        (body[:53] + b"\x07" + body[54:], "that do not fit"),
        (body[:59] + b"\x03" + body[60:], "need 18 rows"),
    ):
        with pytest.raises(ValueError, match=line):
            Identity.parse(bad)
    # Bit 2 of further features: neurons of positions, which are as many as uses.
    own = dataclasses.replace(network, neuron_per="position")
    parameters = EngineParameters.from_network(own)
    other = Identity.parse(identity_bytes(LinkParameters(parameters)))
    assert identity_bytes(LinkParameters(parameters))[48] == 0b101
    assert other.mismatch(own) is None
    assert other.mismatch(network) == "a neuron per position, not per column"
    assert identity.mismatch(own) == "a neuron per column, not per position"
    uses = 5 * MAPS.positions
    (lines,) = (lines for space, lines in other_memories(network=own, identity=other) if space == 2)
    assert lines.shape == (uses, 4)
    assert bytes(lines[5]) == bytes(lines[uses - 5]) == bytes(lines[0]) != bytes(lines[1])
    assert [each.lines for each in memory_map(parameters) if each.space == 2] == [uses]
    # A machine with dense layers alone has the identity that it always had.
    engine = EngineParameters.from_network(dense)
    assert len(identity_bytes(LinkParameters(engine))) == 32 + 2 * 8


@pytest.mark.parametrize("rows_per_clock", [1, 4])
def test_a_machine_has_the_tiles_of_its_network(rows_per_clock):
    plain = random_network((40, 12, 5), 1)
    network = in_tiles(plain, 16, 6)
    profile = HardwareProfile(rows_per_clock=rows_per_clock)

    def identity(of):
        engine = EngineParameters.from_network(of, profile)
        return Identity.parse(identity_bytes(LinkParameters(engine)))

    assert identity(network).mismatch(network) is None
    assert "in layer 0 columns read in one piece, not tiles of 16 rows, read with 6 bits in" in str(
        identity(plain).mismatch(network)
    )
    assert "not columns read in one piece" in str(identity(network).mismatch(plain))
    assert "in layer 1 tiles of 16" in str(identity(network).mismatch(in_tiles(plain, 16, 5)))
