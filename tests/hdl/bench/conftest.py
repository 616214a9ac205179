"""Simulators that benches run on, and a reader of their compressed waveforms."""

from collections.abc import Callable

import pytest


@pytest.fixture(
    params=[
        "verilator",
        pytest.param("icarus", marks=[pytest.mark.long, pytest.mark.tool("iverilog", "vvp")]),
    ]
)
def simulator(request: pytest.FixtureRequest) -> str:
    """Name of a simulator; Icarus is no prerequisite of the project."""
    return request.param


def decompress(block: bytes) -> bytes:
    """Read an LZ4 block, by the format's description."""
    out, at = bytearray(), 0

    def length(nibble: int) -> int:
        nonlocal at
        total = nibble
        while nibble == 15:
            total += block[at]
            at += 1
            if block[at - 1] != 255:
                break
        return total

    while True:
        token = block[at]
        at += 1
        literals = length(token >> 4)
        out += block[at : at + literals]
        at += literals
        if at == len(block):
            return bytes(out)
        offset = block[at] | block[at + 1] << 8
        at += 2
        assert 0 < offset <= len(out)
        match_length = length(token & 15) + 4
        for _ in range(match_length):
            out.append(out[-offset])
        # The format's rule: the last five bytes are literals.
        assert at < len(block)


@pytest.fixture
def lz4_block() -> Callable[[bytes], bytes]:
    """Read an LZ4 block."""
    return decompress
