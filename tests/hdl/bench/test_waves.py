"""Waveforms are FST, whichever simulator wrote them, and hold what is within the design."""

import math
import struct
import zlib
from pathlib import Path

import pytest

from allspin.hdl.bench.simulator import simulate
from allspin.sim.errors import UserError

pytestmark = pytest.mark.long

BENCH = Path(__file__).with_name("bench_waves.py")
DESIGN = """
module counter(input clk, input rst, output reg [7:0] count);
  always @(posedge clk) count <= rst ? 0 : count + 1;
endmodule
module top(input clk, input rst, output [7:0] count);
  counter core(.clk(clk), .rst(rst), .count(count));
endmodule
"""
HEADER, VALUES, HIERARCHY_GZIP, HIERARCHY_LZ4 = 0, {1, 5, 8}, 4, 6
"""Kinds of blocks of an FST file."""


def blocks(data: bytes) -> dict[int, bytes]:
    """Blocks of an FST file by kind: a byte for the kind, a length that counts itself."""
    found, at = {}, 0
    while at < len(data):
        (length,) = struct.unpack_from(">Q", data, at + 1)
        found[data[at]] = data[at + 9 : at + 1 + length]
        at += 1 + length
    assert at == len(data)
    return found


def test_waves_hold_the_hierarchy_and_the_time(simulator, lz4_block, tmp_path):
    waves = tmp_path / "out.fst"
    simulate(DESIGN, BENCH, simulator=simulator, waves=waves)
    found = blocks(waves.read_bytes())
    start, end, endian = struct.unpack_from("<QQd", found[HEADER])
    start, end = struct.unpack_from(">QQ", found[HEADER])
    assert endian == math.e
    assert start == 0
    assert 3000 <= end <= 3100
    if HIERARCHY_LZ4 in found:
        hierarchy = lz4_block(found[HIERARCHY_LZ4][8:])
        assert len(hierarchy) == int.from_bytes(found[HIERARCHY_LZ4][:8], "big")
    else:
        hierarchy = zlib.decompress(found[HIERARCHY_GZIP][8:], wbits=31)
    for name in (b"core", b"count", b"rst"):
        assert name in hierarchy
    assert VALUES & set(found)


def test_waves_that_cannot_be_written_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^cannot write .*missing"):
        simulate(DESIGN, BENCH, waves=tmp_path / "missing" / "out.fst")
