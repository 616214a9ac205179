"""The stand-in for LZ4 writes blocks that a reader of the format reads."""

import subprocess

import numpy as np
import pytest

from allspin.hdl.bench.simulator import COMPRESSION, find_compiler

MAIN = r"""
#include "lz4.h"
#include "zlib.h"
#include <cstdio>
int main() {
    std::vector<char> in;
    for (int byte; (byte = getchar()) != EOF;) in.push_back(static_cast<char>(byte));
    const int size = static_cast<int>(in.size());
    std::vector<char> out(LZ4_compressBound(size));
    uLongf claimed = 0;
    if (compress2(nullptr, &claimed, nullptr, size, 9) != Z_OK || claimed <= in.size()) return 1;
    const int written = LZ4_compress_default(in.data(), out.data(), size, out.size());
    if (written > static_cast<int>(out.size())) return 2;
    fwrite(out.data(), 1, written, stdout);
}
"""


@pytest.fixture(scope="module")
def compressor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lz4")
    (folder / "main.cpp").write_text(MAIN)
    command = [find_compiler(), "-Wall", "-Werror", "-fsanitize=address", f"-I{COMPRESSION}"]
    subprocess.run([*command, "main.cpp", "-o", "main"], cwd=folder, check=True)
    return folder / "main"


def inputs():
    rng = np.random.default_rng(1)
    yield b""
    yield b"a"
    yield b"abcdabcdabcd"
    yield b"abcd" * 4
    yield bytes(100000)
    yield rng.integers(0, 256, 3000, dtype=np.uint8).tobytes()
    yield rng.integers(0, 3, 70000, dtype=np.uint8).tobytes()
    far = rng.integers(0, 256, 70000, dtype=np.uint8).tobytes()
    yield far + far
    words = [bytes(rng.integers(97, 123, 9, dtype=np.uint8)) for _ in range(50)]
    yield b" ".join(words[i] for i in rng.integers(0, 50, 5000))


@pytest.mark.parametrize("data", list(inputs()), ids=lambda data: f"{len(data)} bytes")
def test_blocks_come_back(compressor, lz4_block, data):
    block = subprocess.run([compressor], input=data, capture_output=True, check=True).stdout
    assert lz4_block(block) == data


def test_what_repeats_gets_smaller(compressor):
    data = b"top.crossbar_0.product_17 " * 1000
    block = subprocess.run([compressor], input=data, capture_output=True, check=True).stdout
    assert len(block) < len(data) / 50
