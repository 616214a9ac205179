"""Network files that are truncated, foreign, or of another format."""

import numpy as np
import pytest
from safetensors.numpy import save

from tests.sim.network.network_files import RECORD, SMALL, TENSORS, file_of, refusal


def test_every_truncation_is_refused() -> None:
    for length in range(len(SMALL)):
        refusal(SMALL[:length])


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{}",
        b"[]",
        b"null",
        b'{"__metadata__":{"allspin":"[]"}}',
        b'{"__metadata__":{"allspin":"1e999"}}',
        b'{"__metadata__":{"allspin":"{\\"format\\":1}"}}',
        b'{"__metadata__":{"allspin":"{\\"format\\":NaN}"}}',
        b'{"__metadata__":{"allspin":"' + b"[" * 100_000 + b'"}}',
        b'{"__metadata__":{"allspin":"' + b"9" * 10_000 + b'"}}',
        b'{"__metadata__":{"allspin":"\\ud800"}}',
        b'{"__metadata__":{"allspin":"{"}}',
        b'{"__metadata__":{"allspin":{}}}',
        b'{"__metadata__":[]}',
        b'{"__metadata__":{"other":"1"}}',
        b'{"x":{"dtype":"U8","shape":[0,18446744073709551615],"data_offsets":[0,0]}}',
        b'{"x":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}',
        b'{"x":{"dtype":"\\n","shape":[0],"data_offsets":[0,0]}}',
        b'{"x":{"dtype":"U8","shape":[' + b"1," * 99 + b'0],"data_offsets":[0,0]}}',
        b"\xff\xfe{\0}\0",
    ],
)
def test_foreign_headers(header: bytes) -> None:
    for size in (len(header), 2**63, 2**64 - 1, 0):
        refusal(size.to_bytes(8, "little") + header)


def test_other_formats() -> None:
    refusal(save({"weight": np.zeros(3, np.float32)}), "no allspin metadata")
    for version in (4, 1.0):
        refusal(file_of(RECORD | {"format": version}, TENSORS), f"format {version};")
